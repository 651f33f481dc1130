"""Bodies of answers: read with types, mended where a text was cut, or refused.

All fields of the service's models are optional, so that any JSON object fits them. An
object is an answer only if it has evidence: one of the keys that its model is about,
or no key at all, which is how the service says that it has nothing. Null is as good as
left out. Error documents that come as a success, wrapped answers, and states of a job
in place of its results are no answers.
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

MOST_KEYS: Final = 8
"""Of a foreign body, named in errors."""

MOST_DIGITS: Final = 300
"""Of a whole number that is read as one; doubles hold no larger ones."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][\w.-]{0,29}", re.ASCII)
"""A key that may be shown; secrets and tokens are longer."""

_ERROR_KEYS: Final = frozenset(
    ("message", "code", "error", "errors", "errorCode", "errorMessage", "fault")
)
"""Of the SDK's model ErrorBody, of the token endpoint, and of gateways."""

_STATUS_KEYS: Final = frozenset(("status", "statusCode"))
_FAILED: Final = re.compile(r"[45]\d\d(\.0)?|err.*|fail.*", re.IGNORECASE)

_NEXT_KEY: Final = re.compile(
    r"cursor|next_?(uri|url|link|cursor|token|page\w*)?|has_?(more|next)\w*"
    r"|continuation(_?token)?",
    re.IGNORECASE,
)
"""A key by which APIs announce a next page."""

_LINKS_KEY: Final = re.compile(r"_?links|paging|pagination", re.IGNORECASE)
"""A key of an object with such keys."""

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ForeignBodyError(msgspec.DecodeError):
    """A body is JSON, but no answer to what was asked; says what it is instead.

    What catches damaged bodies catches it too: both are asked for again.
    """


def read_body(body: bytes, decode: Callable[[bytes], T]) -> T:
    """Decode a body; halves of surrogate pairs in its texts become U+FFFD.

    Texts are cut anywhere, also within a pair. Only what cannot be decoded is looked
    through for them.

    Args:
        body: JSON in UTF-8.
        decode: Reads it.

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
    """Return what a body holds; numbers that no double holds are texts."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body, parse_int=_whole, parse_float=_fraction)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _fraction(digits: str) -> float | str:
    value = float(digits)
    return value if isfinite(value) else digits


class BodyReader(Generic[S]):
    """Reads answers of one shape.

    What has evidence and no other key than the shape's, as nearly all answers, is
    decoded once and not looked at again.

    Args:
        shape: The type of the whole answer; what it does not know is passed over.
        evidence: Keys of which an answer has at least one.
        or_nothing: Whether `{}` is an answer, which says that there is nothing.
        next_page: The shape's own key that leads to the next page; None where all of
            an answer comes at once.
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
            ForeignBodyError: If it is none to what was asked.
            msgspec.DecodeError: If it is no JSON; ValidationError if it has evidence,
                but another shape, or announces pages that nothing leads to.
        """
        try:
            answer = self._strict.decode(body)
        except msgspec.ValidationError:
            members = self._judged(body)
            answer = self._lenient.decode(body)
            self._check_last(answer, members)
            return answer
        if all(getattr(answer, self._fields[key]) is None for key in self._evidence):
            self._judged(body)
        return answer

    def _judged(self, body: bytes) -> Mapping[str, msgspec.Raw]:
        """Return the members of an answer.

        Raises:
            ForeignBodyError: If it is none.
        """
        try:
            members = _MEMBERS.decode(body)
        except msgspec.ValidationError as exc:
            msg = "it is no object"
            raise ForeignBodyError(msg) from exc
        others = {k: v for k, v in members.items() if k not in self._fields}
        told = {key for key, value in members.items() if bytes(value) != b"null"}
        is_nothing = not (told or others) and self._or_nothing
        if told.isdisjoint(self._evidence) and not is_nothing:
            came = [key for key in members if key not in self._evidence]
            has = _listed(came) if came else "nothing"
            msg = f"it has {has}, but no {_listed(self._evidence, 'or')}"
            raise ForeignBodyError(msg)
        if wrong := errors_in({k: _value(v) for k, v in others.items() if _tells(k)}):
            msg = f"it has an error beside what was asked: {wrong}"
            raise ForeignBodyError(msg)
        return others

    def _check_last(self, answer: S, others: Mapping[str, msgspec.Raw]) -> None:
        """Refuse an answer that announces pages which nothing here leads to.

        Args:
            answer: As it was decoded.
            others: Its members that the shape does not have.

        Raises:
            msgspec.ValidationError: If so; names the key.
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
    """Return which members of an object tell of an error, in words; empty if none do.

    Args:
        others: Those that its shape does not have.
    """
    wrong = [key for key, value in others.items() if _is_error(key, value)]
    return _listed(wrong) if wrong else ""


def _is_error(key: str, value: Any) -> bool:
    if key in _ERROR_KEYS:
        return bool(value)
    return key in _STATUS_KEYS and bool(_FAILED.fullmatch(str(value)))


def _listed(keys: Iterable[str], last: str = "and") -> str:
    """Return keys of a body as a list in words; odd ones are not repeated."""
    found = list(keys)
    shown = [k if _PLAIN_KEY.fullmatch(k) else "(an odd key)" for k in found]
    if len(shown) > MOST_KEYS:
        shown = [*shown[:MOST_KEYS], f"{len(found) - MOST_KEYS:,} more"]
    *first, end = shown
    return f"{', '.join(first)} {last} {end}" if first else end


def _value(sent: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(sent)
    except msgspec.DecodeError:  # such as a number that no double holds
        return bytes(sent).decode()


def _says(sent: msgspec.Raw) -> bool:
    """Say whether a value is more than null, false, zero or empty."""
    return bool(_value(sent))


def _leads_on(key: str, sent: msgspec.Raw) -> bool:
    """Say whether a member announces a next page, by itself or among links."""
    if _NEXT_KEY.fullmatch(key):
        return _says(sent)
    links = _value(sent) if _LINKS_KEY.fullmatch(key) else None
    return isinstance(links, dict) and any(
        bool(value) and _NEXT_KEY.fullmatch(name) for name, value in links.items()
    )


def _number(sent: msgspec.Raw | None) -> float:
    value = None if sent is None else _value(sent)
    return value if isinstance(value, int | float) else 0


def _tells(key: str) -> bool:
    """Say whether a member may tell of an error."""
    return key in _ERROR_KEYS or key in _STATUS_KEYS
