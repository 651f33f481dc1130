"""Pages of details: decoded with types, their records kept as they were sent.

A page is cut into its records, which stay as they are. Each is then decoded with types,
which checks every field that this release knows and finds its id; what was decoded is
dropped before the next, so that it stays in the processor's cache. That takes less time
than reading a page into dicts, and nothing of a record is lost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final, cast

import msgspec

from gcbatch.errors import DataError
from gcbatch.genesys.answers import SHAPE_HINT
from gcbatch.genesys.bodies import Reader, loosely
from gcbatch.genesys.detail_models import (
    CONVERSATION,
    USER_DETAIL,
    Field,
    Holds,
    Model,
)
from gcbatch.plain import plain
from gcbatch.spool import Document
from gcbatch.windows import milliseconds

__all__ = [
    "CONVERSATIONS",
    "USERS",
    "Page",
    "Records",
    "available_until",
    "read_page",
]


@dataclass(frozen=True, eq=False)
class Records:
    """What pages are made of; told from others by identity, which is quick.

    Args:
        model: Of a record.
        rows: The page's key that holds them.
        id: The record's field that tells it from others.
        at: The record's field that says when it was; None where it is about the span
            that was asked.
        noun: What they are, as in messages.
        in_pieces: Whether one id may come in several records, with other content each.
    """

    model: Model
    rows: str
    id: str
    at: str | None
    noun: str
    in_pieces: bool = False


CONVERSATIONS: Final = Records(
    CONVERSATION,
    "conversations",
    "conversationId",
    "conversationStart",
    "conversations",
)
USERS: Final = Records(
    USER_DETAIL, "userDetails", "userId", None, "users", in_pieces=True
)
"""Whether long days of one user may be told in several records is not documented; none
is dropped unless it is the same to the letter."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Args:
        documents: Its records; those without an instant of their own have 0.
        total: How many there are on all pages; None where that is not told.
        cursor: Of the next page; None on the last.
        available_until: What the service has data up to; None where that is not told.
        newer: Fields that this release does not know, as dotted paths.
    """

    documents: list[Document]
    total: int | None
    cursor: str | None
    available_until: datetime | None
    newer: frozenset[str]


def read_page(body: bytes, records: Records) -> Page:
    """Read a page of records.

    Raises:
        msgspec.DecodeError: If it is no JSON, or no page; ValidationError if of another
            shape.
        DataError: If a record has no id or instant, or an instant is none.
    """
    page = _cutter(records).decode(body)
    contents = page.rows or ()
    decode = _strict(records).decode
    newer: frozenset[str] = frozenset()
    try:
        documents = [_document(decode(text), text, records) for text in contents]
    except msgspec.ValidationError:
        # All at once, so that the error says which record it is, if it is one.
        told = _lenient(records).decode(body).rows
        newer = frozenset(_newer(body, records))
        documents = [
            _document(record, text, records)
            for record, text in zip(told, contents, strict=True)
        ]
    until = available_until(page.data_availability_date)
    return Page(documents, page.total_hits, page.cursor or None, until, newer)


def _document(record: Any, content: msgspec.Raw, records: Records) -> Document:
    identity = getattr(record, records.id)
    if not identity or "\0" in identity:
        msg = f"{records.noun}: a record has no {records.id}"
        raise DataError(msg, hint=SHAPE_HINT)
    at_ms = 0
    if records.at is not None:
        told = getattr(record, records.at)
        try:
            at_ms = milliseconds(_instant(told))
        except (TypeError, ValueError) as exc:
            msg = f"{plain(identity)}: {records.at} is no instant ({plain(told)})"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    text = bytes(content)
    if b"\n" in text or b"\r" in text:
        # Within JSON they are nothing but space: texts have them escaped.
        text = text.replace(b"\r", b" ").replace(b"\n", b" ")
    piece = sha256(text).hexdigest() if records.in_pieces else ""
    return Document(identity, at_ms, text, piece)


def available_until(told: str | None) -> datetime | None:
    """Read what the service has data up to; None where it does not say.

    Raises:
        DataError: If it is no instant.
    """
    if not told:
        return None
    try:
        return _instant(told).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        msg = f"dataAvailabilityDate is no instant ({plain(told)})"
        raise DataError(msg, hint=SHAPE_HINT) from exc


def _instant(told: str) -> datetime:
    """Read an instant; one without an offset is in UTC, as the API's examples are.

    Raises:
        ValueError, TypeError: If it is none.
    """
    read = datetime.fromisoformat(told)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _type_of(field: Field, *, strict: bool) -> Any:
    if field.model is not None:
        record = _struct(field.model, strict=strict)
        return list[record] | None if field.holds is Holds.MANY else record | None  # type: ignore[valid-type]
    return {
        Holds.TEXT: str | None,
        Holds.TIME: str | None,
        Holds.FLAG: bool | None,
        # Whole numbers are sometimes written 414.0.
        Holds.WHOLE: int | float | None,
        Holds.NUMBER: int | float | None,
        Holds.TEXTS: list[str] | None,
        Holds.WHOLES: list[int | float] | None,
        Holds.JSON: msgspec.Raw,
    }[field.holds]


@cache
def _struct(model: Model, *, strict: bool) -> type[msgspec.Struct]:
    """Return the type of a record.

    Args:
        model: Whose.
        strict: Whether fields that it does not have are refused.
    """
    # In the order in which the service writes them, they are found a fifth faster.
    fields = sorted(model.fields, key=lambda field: field.name)
    return msgspec.defstruct(
        model.name,
        [(f.name, _type_of(f, strict=strict), None) for f in fields],
        gc=False,
        forbid_unknown_fields=strict,
    )


def _pages_of(record: Any, records: Records) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Page",
        [
            ("rows", list[record] | None, None),
            ("total_hits", int | None, None),
            ("cursor", str | None, None),
            ("data_availability_date", str | None, None),
        ],
        rename={
            "rows": records.rows,
            "total_hits": "totalHits",
            "data_availability_date": "dataAvailabilityDate",
        },
        gc=False,
    )


@cache
def _cutter(records: Records) -> Reader[Any]:
    """Return what reads pages, their records as they were sent.

    Past the last page the rows are left out; their number is evidence enough.
    """
    evidence = (records.rows, "totalHits", "cursor", "dataAvailabilityDate")
    pages = _pages_of(msgspec.Raw, records)
    return Reader(pages, *evidence, next_page="cursor")


@cache
def _lenient(records: Records) -> msgspec.json.Decoder[Any]:
    """Return what reads pages, passing over fields that no model has."""
    pages = _pages_of(_struct(records.model, strict=False), records)
    return msgspec.json.Decoder(pages)


@cache
def _strict(records: Records) -> msgspec.json.Decoder[Any]:
    """Return what reads one record of a page."""
    return msgspec.json.Decoder(_struct(records.model, strict=True))


def _newer(body: bytes, records: Records) -> Iterator[str]:
    """Yield the paths of all fields that the models do not have."""
    page = cast("Mapping[str, Any]", loosely(body))
    for record in page.get(records.rows) or ():
        yield from _unknown(record, records.model, "")


def _unknown(record: Mapping[str, Any], model: Model, above: str) -> Iterator[str]:
    for name, value in record.items():
        field = model.by_name.get(name)
        if field is None:
            yield f"{above}{name}"
        elif field.model is not None and value is not None:
            below = value if isinstance(value, list) else [value]
            for inner in below:
                yield from _unknown(inner, field.model, f"{above}{name}.")
