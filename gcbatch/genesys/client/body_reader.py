"""Bodies of answers: read with types, repaired where a text was cut, or refused.

All fields of the service's models are optional, so that any JSON object fits them. An
object is an answer only with evidence: one of the keys that its model is about, or no
key at all, which is how the service says that it has nothing. Null counts as left out.
Error documents with a status of success, wrapped answers, and states of a job in place
of its results are no answers.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, Final, Generic, TypeVar

import msgspec
import orjson

from gcbatch.text import replace_lone_surrogates

__all__ = ["BodyReader", "ForeignBodyError", "errors_in", "read_body", "read_loosely"]

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

MAX_KEYS: Final = 8
"""Keys of a foreign body that an error names."""

MAX_DIGITS: Final = 300
"""Digits of a whole number that is read as one; doubles hold no larger ones."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][\w.-]{0,29}", re.ASCII)
"""A key that errors may show; secrets and tokens are longer."""

_ERROR_KEYS: Final = frozenset(
    ("message", "code", "error", "errors", "errorCode", "errorMessage", "fault")
)
"""Keys of errors: the SDK's model ErrorBody, the token endpoint, gateways."""

_STATUS_KEYS: Final = frozenset(("status", "statusCode"))
_TELLING: Final = _ERROR_KEYS | _STATUS_KEYS
_FAILED: Final = re.compile(r"[45]\d\d(\.0)?|err.*|fail.*", re.IGNORECASE)

_NEXT_KEY: Final = re.compile(
    r"cursor|next_?(uri|url|link|cursor|token|page\w*)?|has_?(more|next)\w*"
    r"|continuation(_?token)?",
    re.IGNORECASE,
)
"""A key by which APIs announce a next page."""

_LINKS_KEY: Final = re.compile(r"_?links|paging|pagination", re.IGNORECASE)
"""A key whose object has such keys."""

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ForeignBodyError(msgspec.DecodeError):
    """A body is JSON, but no answer to the request; says what it is instead.

    It is a DecodeError because the request is repeated, as for a damaged body.
    """


def read_body(body: bytes, decode: Callable[[bytes], T]) -> T:
    """Decode a body in UTF-8; halves of surrogate pairs in its texts become U+FFFD.

    The service cuts texts anywhere, also within a pair. Only a body that cannot be
    decoded is searched for them.

    Raises:
        Exception: What *decode* raises.
    """
    try:
        return decode(body)
    except (msgspec.ValidationError, ForeignBodyError):
        raise
    except msgspec.DecodeError:
        whole = replace_lone_surrogates(body.decode()).encode()
        if whole == body:
            raise
        return decode(whole)


def read_loosely(body: bytes) -> Any:
    """Return the JSON of a body; numbers that no double holds become texts."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body, parse_int=_whole, parse_float=_fraction)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _fraction(digits: str) -> float | str:
    value = float(digits)
    return value if isfinite(value) else digits


class BodyReader(Generic[S]):
    """Reads answers of one shape.

    An answer with evidence and with no other keys than the shape's, as nearly all have,
    is decoded once and not checked again.

    Args:
        shape: The type of the whole answer; unknown keys are ignored.
        evidence: Keys of which an answer has at least one.
        or_nothing: Whether `{}` is an answer, which says that there is nothing.
        next_page: The shape's key that leads to the next page; None if an answer has
            one page.
    """

    def __init__(
        self,
        shape: type[S],
        *evidence: str,
        or_nothing: bool = True,
        next_page: str | None = None,
    ) -> None:
        strict = msgspec.defstruct(
            shape.__name__, (), bases=(shape,), forbid_unknown_fields=True
        )
        self._strict: msgspec.json.Decoder[S] = msgspec.json.Decoder(strict)
        self._lenient = msgspec.json.Decoder(shape)
        self._fields = dict(
            zip(shape.__struct_encode_fields__, shape.__struct_fields__, strict=True)
        )
        self._evidence = evidence
        self._or_nothing = or_nothing
        self._next_page = next_page

    def decode(self, body: bytes) -> S:
        """Decode an answer.

        Raises:
            ForeignBodyError: If it is no answer to the request.
            msgspec.DecodeError: If it is no JSON; ValidationError if it has evidence,
                but another shape, or announces pages that cannot be fetched.
        """
        try:
            answer = self._strict.decode(body)
        except msgspec.ValidationError:
            members = self._other_members(body)
            answer = self._lenient.decode(body)
            self._check_last(answer, members)
            return answer
        if all(getattr(answer, self._fields[key]) is None for key in self._evidence):
            self._other_members(body)
        return answer

    def _other_members(self, body: bytes) -> Mapping[str, msgspec.Raw]:
        """Return the members of an answer that its shape does not have.

        Raises:
            ForeignBodyError: If it is no answer to the request.
        """
        try:
            members = _MEMBERS.decode(body)
        except msgspec.ValidationError as exc:
            msg = "it is not an object"
            raise ForeignBodyError(msg) from exc
        others = {k: v for k, v in members.items() if k not in self._fields}
        sent = {key for key, value in members.items() if bytes(value) != b"null"}
        is_nothing = not (sent or others) and self._or_nothing
        if sent.isdisjoint(self._evidence) and not is_nothing:
            came = [key for key in members if key not in self._evidence]
            has = _listed(came) if came else "nothing"
            msg = f"it has {has}, but no {_listed(self._evidence, 'or')}"
            raise ForeignBodyError(msg)
        if wrong := errors_in(
            {k: _value(v) for k, v in others.items() if k in _TELLING}
        ):
            msg = f"it has an error beside what was requested: {wrong}"
            raise ForeignBodyError(msg)
        return others

    def _check_last(self, answer: S, others: Mapping[str, msgspec.Raw]) -> None:
        """Check that an answer announces no pages that cannot be fetched.

        Args:
            answer: As it was decoded.
            others: Its members that the shape does not have.

        Raises:
            msgspec.ValidationError: If it does; names the key.
        """
        if self._next_page and getattr(answer, self._fields[self._next_page]):
            return
        found = [key for key, value in others.items() if _leads_on(key, value)]
        if self._next_page is None and _number(others.get("pageCount")) > 1:
            found.append("pageCount")
        if found:
            msg = f"announces more pages than this one: {_listed(found)}"
            raise msgspec.ValidationError(msg)


def errors_in(others: Mapping[str, Any]) -> str:
    """Return the keys that report an error, in words; empty if none do.

    Args:
        others: Members of an object that its shape does not have.
    """
    wrong = [key for key, value in others.items() if _is_error(key, value)]
    return _listed(wrong) if wrong else ""


def _is_error(key: str, value: Any) -> bool:
    if key in _ERROR_KEYS:
        return bool(value)
    return key in _STATUS_KEYS and bool(_FAILED.fullmatch(str(value)))


def _listed(keys: Iterable[str], last: str = "and") -> str:
    """Return keys of a body as a list in words, without those that may not be shown."""
    found = list(keys)
    shown = [k if _PLAIN_KEY.fullmatch(k) else "(an odd key)" for k in found]
    if len(shown) > MAX_KEYS:
        shown = [*shown[:MAX_KEYS], f"{len(found) - MAX_KEYS:,} more"]
    *first, end = shown
    return f"{', '.join(first)} {last} {end}" if first else end


def _value(sent: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(sent)
    except msgspec.DecodeError:  # such as a number that no double holds
        return bytes(sent).decode()


def _leads_on(key: str, sent: msgspec.Raw) -> bool:
    """Say whether a member announces a next page, itself or in its links."""
    if _NEXT_KEY.fullmatch(key):
        return bool(_value(sent))
    links = _value(sent) if _LINKS_KEY.fullmatch(key) else None
    return isinstance(links, dict) and any(
        bool(value) and _NEXT_KEY.fullmatch(name) for name, value in links.items()
    )


def _number(sent: msgspec.Raw | None) -> float:
    value = None if sent is None else _value(sent)
    return value if isinstance(value, int | float) else 0
