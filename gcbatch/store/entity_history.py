"""The versions of entities: what the listings of a job have shown of them, over time.

<store>/<job name>/<table>.history.parquet    a row for each version of an entity

The file has the last listing too, as the versions that have not ended. So one rename
puts both in place, and a killed run leaves the old file or the new one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from gcbatch.errors import DataError, OutputError
from gcbatch.store.entity_files import (
    ROWS,
    ListedEntities,
    file_name,
    history_of,
    listing_filler,
    listing_rows,
)
from gcbatch.store.store import Store
from gcbatch.table import INSTANT

__all__ = [
    "StoredVersions",
    "Version",
    "next_versions",
    "read_versions",
    "same_but",
    "write_versions",
]

ATTEMPTS: Final = 5
"""How often a history is written again because another run has replaced it."""

MANY: Final = 10
"""Entities that do not all vanish between two listings of one org."""

_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("document", pa.large_string(), nullable=False),
        pa.field("valid_from", INSTANT, nullable=False),
        pa.field("valid_to", INSTANT),
    ]
)

Same = Callable[[str, str], bool]
"""Whether two documents of an entity are one version."""


class Version(NamedTuple):
    """An entity as it was for some time.

    Args:
        id: Its id; with that of its parent in front, where it has one.
        document: JSON, as it was sent.
        valid_from: When a listing first showed it so, UTC, in whole milliseconds.
        valid_to: When a listing first did not; None if the last one still did.
    """

    id: str
    document: str
    valid_from: datetime
    valid_to: datetime | None


class StoredVersions(NamedTuple):
    """The stored versions of a table.

    Args:
        at: When the entities were last listed, UTC.
        rows: By id and valid_from. The versions of an entity do not overlap.
    """

    at: datetime
    rows: Iterator[Version]


def same_but(volatile: Sequence[str]) -> Same:
    """Return a comparison of documents without some members and any order of members.

    Args:
        volatile: Members that change while the entity stays the same.
    """

    def is_same(old: str, new: str) -> bool:
        return old == new or lasting(old) == lasting(new)

    def lasting(document: str) -> Any:
        try:
            sent = msgspec.json.decode(document)
        except (msgspec.DecodeError, RecursionError):
            return document
        if not isinstance(sent, dict):
            return sent
        return {key: value for key, value in sent.items() if key not in volatile}

    return is_same


def next_versions(
    before: Iterable[Version],
    listed: ListedEntities,
    same: Same,
    keep_from: datetime | None = None,
) -> Iterator[Version]:
    """Yield the versions after a new listing.

    A version goes on, with the newest document, while *same* holds. Otherwise it ends
    with the listing, and the entity, if it is listed, has a new one.

    Args:
        before: The versions until now, by id and valid_from.
        listed: A complete listing, later than all of them.
        same: Compares documents.
        keep_from: Versions that ended earlier are left out.

    Yields:
        By id and valid_from.
    """
    at = _whole_ms(listed.at)
    documents = listed.documents
    by_id = itemgetter(0)
    known = ((version.id, version) for version in before)
    both = merge(known, ((i, None) for i in sorted(documents)), key=by_id)
    for identity, found in groupby(both, key=by_id):
        versions = [version for _, version in found if version is not None]
        sent = documents.get(identity)
        document = None if sent is None else sent.decode()
        for version in _continued(identity, versions, document, at, same):
            ended = version.valid_to
            if ended is None or keep_from is None or ended >= keep_from:
                yield version


def _continued(
    identity: str,
    versions: list[Version],
    document: str | None,
    at: datetime,
    same: Same,
) -> Iterator[Version]:
    """Yield the versions of one entity after a listing that has *document* of it."""
    for version in versions:
        if version.valid_to is not None:
            yield version
        elif document is not None and same(version.document, document):
            yield version._replace(document=document)
            return
        else:
            yield version._replace(valid_to=at)
    if document is not None:
        yield Version(identity, document, at, None)


def read_versions(store: Store, table: str) -> StoredVersions:
    """Return the stored versions of a table.

    Raises:
        DataError: If there are none, or they cannot be read; also when rows are read.
    """
    rows = listing_rows(store, history_of(table), _SCHEMA.names)
    at = next(rows)
    return StoredVersions(at, (Version(*row) for row in rows))


def write_versions(
    store: Store,
    table: str,
    listed: ListedEntities,
    same: Same,
    keep_from: datetime | None = None,
) -> None:
    """Add a listing to the stored versions of a table.

    A run that works at the same time is not overwritten: versions are made again of
    what it wrote. A listing that is older than the last one changes nothing.

    Raises:
        DataError: If the stored versions cannot be read, or seem to be of another org.
        OutputError: If they cannot be written.
    """
    name = history_of(table)
    file = file_name(name)
    for _ in range(ATTEMPTS):
        store.files.look_again([file])
        stamp = store.files.stamp(file)
        before: Iterable[Version] = ()
        if stamp is not None:
            stored = _stored(store, table)
            if stored.at >= _whole_ms(listed.at):
                return
            _check_org(store, table, listed)
            before = stored.rows
        rows = _tables_of(next_versions(before, listed, same, keep_from))
        fill = listing_filler(store, name, rows, _SCHEMA, listed.at)
        if store.write_file_if(file, fill, stamp):
            return
    msg = f"{store.files.place_of(file)}: other runs replace it all the time"
    raise OutputError(msg, hint="run it again")


def _stored(store: Store, table: str) -> StoredVersions:
    """Return the versions to go on from; damaged ones are never begun again."""
    try:
        return read_versions(store, table)
    except DataError as exc:
        hint = "bring back a copy of the file, or delete it to begin a new history"
        raise DataError(exc.problem, hint=hint) from exc


def _check_org(store: Store, table: str, listed: ListedEntities) -> None:
    """Refuse a listing that has none of many entities: another org answered it.

    Raises:
        DataError: If it does.
    """
    rows = read_versions(store, table).rows
    current = {version.id for version in rows if version.valid_to is None}
    if len(current) >= MANY and _halves(current).isdisjoint(_halves(listed.documents)):
        msg = (
            f"table {table}: the listing has none of the {len(current):,} entities "
            f"that the last one had, whose history is in {store.place}"
        )
        hint = (
            "if it is another org, give the job another name; if not, delete "
            f"{file_name(history_of(table))} to begin a new history"
        )
        raise DataError(msg, hint=hint)


def _halves(ids: Iterable[str]) -> set[str]:
    """Return ids, those of entities with a parent apart: one of the two may change."""
    return {half for identity in ids for half in identity.split("/")}


def _tables_of(versions: Iterator[Version]) -> Iterator[pa.Table]:
    """Yield versions as tables, a row group each."""
    while some := list(islice(versions, ROWS)):
        columns = zip(*some, strict=True)
        arrays = [
            pa.array(column, field.type)
            for column, field in zip(columns, _SCHEMA, strict=True)
        ]
        yield pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _whole_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
