"""Reads pages of details: checks the types of records, stores their text unchanged.

A page is cut into the texts of its records. Each is then decoded with types, which
checks every known field and finds the id; the result is dropped before the next record,
so that it stays in the processor's cache. That takes less time than reading a page into
dicts, and nothing of a record is lost. A record with unknown fields, or values of wrong
types, is checked field by field: they are noted, and only a strict field refuses it.
The type has only the fields that came before, see record_types.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final

import msgspec

from gcbatch.endpoints.details.record_types import (
    SeenFields,
    decoder_of,
    known_fields,
    strict_fields,
)
from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import (
    CONVERSATION,
    USER_DETAIL,
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


_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")
"""Line breaks to spaces: within JSON they are white space, and texts escape theirs."""


@dataclass(frozen=True, eq=False)
class RecordKind:
    """The kind of records on a page; compared by identity, which is quick.

    Args:
        model: The model of a record.
        rows: The page's key that holds the records.
        id: The field that identifies a record.
        at: The field that says when it began; None if a record is about the span of
            the query.
        noun: What records are called in messages.
        in_pieces: Whether one id may come in several records with different content.
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
"""Whether a long day of one user may come in several records is not documented; a
record is dropped only if it repeats another to the letter."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Args:
        documents: Its records; those without an instant of their own have 0.
        total: How many there are on all pages; None if the page does not say.
        cursor: The cursor of the next page; None on the last.
        available_until: Up to when the service has data; None if it does not say.
        unknown_fields: Fields that this release does not know, as dotted paths.
        fields: Known fields, as dotted paths: all that occur in the records, and
            others that occurred on a page before.
        odd: The paths of values of a wrong type, by the id of their record.
    """

    documents: list[Document]
    total: int | None
    cursor: str | None
    available_until: datetime | None
    unknown_fields: frozenset[str]
    fields: frozenset[str] = frozenset()
    odd: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_page(
    body: bytes,
    records: RecordKind,
    about: object = "",
    seen: SeenFields | None = None,
) -> Page:
    """Read a page of records.

    Args:
        body: As received.
        records: The kind of records.
        about: The query, for errors about a record.
        seen: The fields that occurred on pages before; those of this page are added.
            None for none. The records are read alike, whatever it has.

    Raises:
        msgspec.DecodeError: If it is not JSON, or no page; ValidationError if it has
            another shape.
        DataError: If a record has no id or no valid instant, or a strict field has a
            value of a wrong type; names the record and the field.
    """
    seen = seen or SeenFields(records.model)
    page = _cutter(records).decode(body)
    has_breaks = b"\n" in body or b"\r" in body
    documents: list[Document] = []
    unknown_fields: set[str] = set()
    odd: dict[str, tuple[str, ...]] = {}
    for text in page.rows or ():
        try:
            record = seen.decode(text)
        except msgspec.ValidationError:
            read = _read_by_field(text, records, about, seen)
            record = read.record
            unknown_fields |= read.unknown_fields
            if read.odd:
                identity = getattr(record, records.id) or ""
                odd[identity] = (*odd.get(identity, ()), *read.odd)
        content = bytes(text).translate(_BREAKS) if has_breaks else memoryview(text)
        documents.append(_document(record, content, records))
    return Page(
        documents,
        page.total_hits,
        page.cursor or None,
        available_until(page.data_availability_date),
        frozenset(unknown_fields),
        seen.paths,
        odd,
    )


@dataclass(frozen=True, slots=True)
class _ReadByField:
    """A record that has fields that did not occur before, or something odd.

    Args:
        record: As decoded.
        unknown_fields: The paths of its unknown fields.
        odd: The paths of its values of a wrong type.
    """

    record: Any
    unknown_fields: frozenset[str] = frozenset()
    odd: tuple[str, ...] = ()


def _read_by_field(
    text: msgspec.Raw, records: RecordKind, about: object, seen: SeenFields
) -> _ReadByField:
    """Read a record whose fields are not all among those seen, and add them.

    Raises:
        DataError: If a strict field has a value of a wrong type, or it is no record.
    """
    plain, model = _plain(text), records.model
    are_new, unknown = seen.add(plain)
    if are_new:
        with suppress(msgspec.ValidationError):
            return _ReadByField(seen.decode(text))
    try:
        return _ReadByField(_tolerant(records).decode(text), unknown)
    except msgspec.ValidationError:
        record = _core_of(text, records, about)
        odd = tuple(_odd(plain, model, ""))
        return _ReadByField(record, unknown, odd)


def _core_of(text: msgspec.Raw, records: RecordKind, about: object) -> Any:
    """Return a record with its strict fields only.

    Raises:
        DataError: If a strict field has a value of a wrong type, or it is no record.
    """
    try:
        return _core(records).decode(text)
    except msgspec.ValidationError as exc:
        plain = _plain(text)
        identity = plain.get(records.id) if isinstance(plain, dict) else None
        where = f"{about}: " if about else ""
        where += f"{records.noun[:-1]} {one_line(identity)}"
        msg = f"{where}: unexpected answer: {exc}"
        raise DataError(msg, hint=SHAPE_HINT) from exc


def _plain(text: msgspec.Raw) -> Any:
    """Return a record as plain data.

    Raises:
        msgspec.DecodeError: If a text in it is not valid, which msgspec ignores.
    """
    try:
        return loaded(bytes(text))
    except ValueError as exc:
        raise msgspec.DecodeError(str(exc)) from exc


def _document(
    record: Any, content: bytes | memoryview, records: RecordKind
) -> Document:
    identity = getattr(record, records.id)
    if not identity or "\0" in identity:
        msg = f"{records.noun}: a record has no {records.id}"
        raise DataError(msg, hint=SHAPE_HINT)
    at_ms = 0
    if records.at is not None:
        at = getattr(record, records.at)
        try:
            at_ms = milliseconds(_instant(at))
        except (TypeError, ValueError) as exc:
            msg = f"{one_line(identity)}: {records.at} is no instant ({one_line(at)})"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    piece = sha256(content).hexdigest() if records.in_pieces else ""
    return Document(identity, at_ms, content, piece)


def available_until(text: str | None) -> datetime | None:
    """Return up to when the service has data; None if it does not say.

    Raises:
        DataError: If it is no instant.
    """
    if not text:
        return None
    try:
        return _instant(text).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        msg = f"dataAvailabilityDate is no instant ({one_line(text)})"
        raise DataError(msg, hint=SHAPE_HINT) from exc


def _instant(text: str) -> datetime:
    """Return an instant; without an offset it is in UTC, as the API's examples are.

    Raises:
        ValueError, TypeError: If it is none.
    """
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


@cache
def _cutter(records: RecordKind) -> BodyReader[Any]:
    """Return what reads pages and leaves their records as text.

    Past the last page the rows are missing; the total alone is evidence of a page.
    """
    names = {
        "rows": records.rows,
        "total_hits": "totalHits",
        "cursor": "cursor",
        "data_availability_date": "dataAvailabilityDate",
    }
    types = (list[msgspec.Raw], int, str, str)
    page = msgspec.defstruct(
        "Page",
        [(name, type_ | None, None) for name, type_ in zip(names, types, strict=True)],
        rename=names,
        gc=False,
    )
    return BodyReader(page, *names.values(), next_page="cursor")


@cache
def _tolerant(records: RecordKind) -> msgspec.json.Decoder[Any]:
    """Return what reads a record with all its known fields; others are ignored."""
    paths = known_fields(records.model)
    return decoder_of(records.model, paths, refuse_others=False)


@cache
def _core(records: RecordKind) -> msgspec.json.Decoder[Any]:
    """Return what reads the strict fields of a record; others are ignored."""
    paths = strict_fields(records.model)
    return decoder_of(records.model, paths, refuse_others=False)


def _odd(record: Mapping[str, Any], model: Model, above: str) -> Iterator[str]:
    """Yield the paths of values whose type differs from the model."""
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
