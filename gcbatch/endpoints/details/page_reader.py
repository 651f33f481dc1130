"""Pages of details: decoded with types, their records kept as they were sent.

A page is cut into its records, which stay as they are. Each is then decoded with types,
which checks every field that this release knows and finds its id; what was decoded is
dropped before the next, so that it stays in the processor's cache. That takes less time
than reading a page into dicts, and nothing of a record is lost. A record with fields or
values of other kinds is gone through field by field: they are noted, and only a strict
field refuses it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import (
    CONVERSATION,
    USER_DETAIL,
    Field,
    FieldKind,
    Model,
    fits,
    loaded,
)
from gcbatch.genesys.client import BodyReader
from gcbatch.store import Document
from gcbatch.text import one_line
from gcbatch.windows import milliseconds

__all__ = [
    "CONVERSATIONS",
    "USERS",
    "Page",
    "RecordKind",
    "available_until",
    "read_page",
]


@dataclass(frozen=True, eq=False)
class RecordKind:
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


CONVERSATIONS: Final = RecordKind(
    CONVERSATION,
    "conversations",
    "conversationId",
    "conversationStart",
    "conversations",
)
USERS: Final = RecordKind(
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
        unknown_fields: Fields that this release does not know, as dotted paths.
        odd: Where fields of records hold something else than they should, by the
            record's id: paths as errors name them.
    """

    documents: list[Document]
    total: int | None
    cursor: str | None
    available_until: datetime | None
    unknown_fields: frozenset[str]
    odd: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_page(body: bytes, records: RecordKind, about: object = "") -> Page:
    """Read a page of records.

    Args:
        body: As it came.
        records: What it holds.
        about: What was asked, for errors about a record.

    Raises:
        msgspec.DecodeError: If it is no JSON, or no page; ValidationError if of another
            shape.
        DataError: If a record has no id or instant, an instant is none, or a strict
            field holds something else; names the record and the field.
    """
    page = _cutter(records).decode(body)
    contents = page.rows or ()
    decode = _decoder(records, _Reach.KNOWN).decode
    tolerant = _decoder(records, _Reach.TOLERANT).decode
    documents: list[Document] = []
    unknown_fields: set[str] = set()
    odd: dict[str, tuple[str, ...]] = {}
    for text in contents:
        try:
            record = decode(text)
        except msgspec.ValidationError:
            told = _told(text)
            try:
                record = tolerant(text)
            except msgspec.ValidationError:
                record = _core_of(text, records, about)
                identity = getattr(record, records.id) or ""
                places = tuple(_odd(told, records.model, ""))
                odd[identity] = (*odd.get(identity, ()), *places)
            unknown_fields.update(_unknown_fields(told, records.model, ""))
        documents.append(_document(record, text, records))
    until = available_until(page.data_availability_date)
    cursor = page.cursor or None
    return Page(
        documents, page.total_hits, cursor, until, frozenset(unknown_fields), odd
    )


def _core_of(text: msgspec.Raw, records: RecordKind, about: object) -> Any:
    """Return a record, read as far as it is strict.

    Raises:
        DataError: If a strict field holds something else, or a record is none.
    """
    try:
        return _decoder(records, _Reach.STRICT).decode(text)
    except msgspec.ValidationError as exc:
        told = _told(text)
        identity = told.get(records.id) if isinstance(told, dict) else None
        query = f"{about}: " if about else ""
        msg = (
            f"{query}{records.noun[:-1]} {one_line(identity)}: unexpected answer: {exc}"
        )
        raise DataError(msg, hint=SHAPE_HINT) from exc


def _told(text: msgspec.Raw) -> Any:
    """Return a record as plain data.

    Raises:
        msgspec.DecodeError: If a text in it is none, which msgspec passes over.
    """
    try:
        return loaded(bytes(text))
    except ValueError as exc:
        raise msgspec.DecodeError(str(exc)) from exc


def _document(record: Any, content: msgspec.Raw, records: RecordKind) -> Document:
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
            msg = f"{one_line(identity)}: {records.at} is no instant ({one_line(told)})"
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
        msg = f"dataAvailabilityDate is no instant ({one_line(told)})"
        raise DataError(msg, hint=SHAPE_HINT) from exc


def _instant(told: str) -> datetime:
    """Read an instant; one without an offset is in UTC, as the API's examples are.

    Raises:
        ValueError, TypeError: If it is none.
    """
    read = datetime.fromisoformat(told)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


class _Reach(Enum):
    """What the type of a record takes in."""

    KNOWN = "all fields that are known; others are refused"
    TOLERANT = "all fields that are known; others are passed over"
    STRICT = "strict fields only; others are passed over"


_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


def _type_of(field: Field, reach: _Reach) -> Any:
    if field.model is not None:
        record = _struct(field.model, reach)
        return list[record] | None if field.holds is FieldKind.MANY else record | None  # type: ignore[valid-type]
    if field.strict:
        # Instants are read by ourselves; whole numbers are sometimes written 414.0.
        number = field.holds is FieldKind.WHOLE
        return int | float | None if number else str | None
    return {
        FieldKind.TEXT: str | None,
        FieldKind.TIME: datetime | None,
        FieldKind.FLAG: bool | None,
        FieldKind.WHOLE: _Int64 | None,
        FieldKind.NUMBER: int | float | None,
        FieldKind.TEXTS: list[str] | None,
        FieldKind.WHOLES: list[_Int64] | None,
        FieldKind.JSON: msgspec.Raw,
    }[field.holds]


@cache
def _struct(model: Model, reach: _Reach) -> type[msgspec.Struct]:
    """Return the type of a record; fields of records are always in it."""
    is_all = reach is not _Reach.STRICT
    taken = [f for f in model.fields if is_all or f.strict or f.model is not None]
    # In the order in which the service writes them, they are found a fifth faster.
    fields = sorted(taken, key=lambda field: field.name)
    return msgspec.defstruct(
        model.name,
        [(f.name, _type_of(f, reach), None) for f in fields],
        gc=False,
        forbid_unknown_fields=reach is _Reach.KNOWN,
    )


def _pages_of(record: Any, records: RecordKind) -> type[msgspec.Struct]:
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
def _cutter(records: RecordKind) -> BodyReader[Any]:
    """Return what reads pages, their records as they were sent.

    Past the last page the rows are left out; their number is evidence enough.
    """
    evidence = (records.rows, "totalHits", "cursor", "dataAvailabilityDate")
    pages = _pages_of(msgspec.Raw, records)
    return BodyReader(pages, *evidence, next_page="cursor")


@cache
def _decoder(records: RecordKind, reach: _Reach) -> msgspec.json.Decoder[Any]:
    """Return what reads one record of a page."""
    return msgspec.json.Decoder(_struct(records.model, reach))


def _unknown_fields(
    record: Mapping[str, Any], model: Model, above: str
) -> Iterator[str]:
    """Yield the paths of all fields that the model does not have."""
    for name, value in record.items():
        field = model.by_name.get(name)
        if field is None:
            yield f"{above}{name}"
        elif field.model is not None and value is not None:
            below = value if isinstance(value, list) else [value]
            for inner in below:
                yield from _unknown_fields(inner, field.model, f"{above}{name}.")


def _odd(record: Mapping[str, Any], model: Model, above: str) -> Iterator[str]:
    """Yield where fields hold something else than the model says."""
    for name, value in record.items():
        field = model.by_name.get(name)
        if field is None or value is None or field.holds is FieldKind.JSON:
            continue
        place = f"{above}{name}"
        if field.model is None:
            if not fits(value, field.holds):
                yield place
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                yield from _odd(inner, field.model, f"{place}[{number}].")
        else:
            yield from _odd(value, field.model, f"{place}.")
