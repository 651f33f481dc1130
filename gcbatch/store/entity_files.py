"""Entities (queues, users, codes …) that a run listed, stored beside its saved plan.

<store>/<job name>/<table>.parquet    a row for each entity: its id, and JSON as sent
<store>/<job name>/<table>.history.parquet    the same by version; see entity_history.py

They are files of their own, so that runs that do not export them do not read them.
They belong to the run that plan.json describes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.errors import DamagedPartError, DataError
from gcbatch.genesys import ENTITY_TABLES, Documents
from gcbatch.store.notes import unwritable
from gcbatch.store.part_file import (
    BLANK_CHECKSUM,
    CHECKSUM_KEY,
    batches_of,
    footer_of,
    write_checksum,
)
from gcbatch.store.store import Store
from gcbatch.store.verified_files import open_verified
from gcbatch.windows import iso, parse_instant

__all__ = [
    "ENTITY_FILES",
    "ROWS",
    "ListedEntities",
    "StoredEntities",
    "file_name",
    "has_entities",
    "history_of",
    "listing_checksums",
    "listing_filler",
    "listing_rows",
    "read_entities",
    "write_entities",
]

_SUFFIX: Final = ".parquet"


def history_of(table: str) -> str:
    """Return the name under which the versions of a table are stored."""
    return f"{table}.history"


def file_name(name: str) -> str:
    """Return the name of the file of a listing: of a table, or what history_of says."""
    return name + _SUFFIX


ENTITY_FILES: Final = tuple(
    file_name(name) for table in ENTITY_TABLES for name in (table, history_of(table))
)
"""Their names, in the folder of a job."""

ROWS: Final = 4_096
"""Rows of a row group; a queue's settings may have tens of kilobytes."""

_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("document", pa.large_string(), nullable=False),
    ]
)
OWNER_KEY: Final = b"gcbatch.listing"
"""The job and table that a file belongs to; older releases did not write it."""
LISTED_AT_KEY: Final = b"gcbatch.listed_at"
"""When the entities were listed; older releases did not write it."""

_HINT: Final = "`gcbatch run JOB` lists it"


@dataclass(frozen=True, slots=True)
class ListedEntities:
    """The entities of a listing.

    Args:
        documents: JSON documents by id.
        at: When they were listed, UTC.
    """

    documents: Documents
    at: datetime


class StoredEntities(NamedTuple):
    """A stored listing; all of it is of one file, also if that is replaced meanwhile.

    Args:
        at: When it was listed, UTC; None if an older release stored it.
        rows: Ids and JSON, by id.
    """

    at: datetime | None
    rows: Iterator[tuple[str, str]]


def write_entities(
    store: Store, entities: Mapping[str, ListedEntities], before: Collection[str] = ()
) -> None:
    """Write the entities that a run listed; remove those of the run before.

    Args:
        store: The store of the job.
        entities: By table.
        before: The tables that the run before listed.

    Raises:
        OutputError: If the store cannot be written.
    """
    for table, listed in entities.items():
        rows = _tables_of(listed.documents)
        fill = listing_filler(store, table, rows, _SCHEMA, listed.at)
        store.write_file(file_name(table), fill)
    # An export of these tables has to list the entities as they are then.
    outdated = sorted(set(before) - entities.keys())
    try:
        store.files.discard_all([file_name(table) for table in outdated])
    except OSError as exc:
        raise unwritable(store.place, exc) from exc


def has_entities(store: Store, table: str) -> bool:
    """Return whether the last run stored the entities of a table, undamaged."""
    return table in dict(listing_checksums(store, [table]))


def listing_checksums(
    store: Store, tables: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield tables, or what history_of says, and the checksums of their listings.

    A table whose listing is missing or damaged is left out.
    """
    for table in tables:
        with (
            suppress(OSError, DamagedPartError),
            _opened(store, table) as (_, checksum),
        ):
            yield table, checksum


def read_entities(store: Store, table: str) -> StoredEntities:
    """Return the entities that the last run listed.

    Raises:
        DataError: If it listed none, or they cannot be read; also when rows are read.
    """
    rows = listing_rows(store, table, _SCHEMA.names)
    return StoredEntities(next(rows), rows)


def listing_rows(store: Store, table: str, columns: Sequence[str]) -> Iterator[Any]:
    """Yield when the entities were listed, None if not known; then *columns* of each.

    Args:
        store: The store of the job.
        table: A table, or what history_of says.
        columns: Names of columns of the file.

    Raises:
        DataError: As read_entities does.
    """
    place = store.files.place_of(file_name(table))
    try:
        with _opened(store, table) as (file, _):
            yield _instant_in(footer_of(file))
            file.seek(0)
            for batch in batches_of(file):
                values = (batch.column(name).to_pylist() for name in columns)
                yield from zip(*values, strict=True)
    except FileNotFoundError as exc:
        msg = f"table {table}: the last run of this job did not list it"
        raise DataError(msg, hint=_HINT) from exc
    except OSError as exc:
        msg = f"{place}: cannot be read: {exc.strerror}"
        raise DataError(msg, hint=_HINT) from exc
    except DamagedPartError as exc:
        raise DataError(exc.problem, hint=_HINT) from exc
    except (KeyError, ValueError, OverflowError) as exc:
        msg = f"{place}: is damaged"
        raise DataError(msg, hint=_HINT) from exc


@contextmanager
def _opened(store: Store, table: str) -> Iterator[tuple[Any, str]]:
    """Open the file of a table, checksum verified.

    Yields:
        The file, and its checksum.

    Raises:
        OSError: If it cannot be read.
        DamagedPartError: If it is damaged, or belongs to another job or table.
    """
    with open_verified(store.files, file_name(table)) as (opened, checksum):
        file = opened.file
        owner = _owner(store, table)
        if footer_of(file).get(OWNER_KEY, owner) != owner:
            place = store.files.place_of(file_name(table))
            msg = f"{place}: belongs to another job or table"
            raise DamagedPartError(msg, hint=_HINT)
        file.seek(0)
        yield file, checksum


def _owner(store: Store, table: str) -> bytes:
    """Return the job and table that a file belongs to."""
    return f"{store.name}/{table}".encode()


def _instant_in(footer: Mapping[bytes, bytes]) -> datetime | None:
    """Return when the entities of a file were listed; None if it does not say.

    Raises:
        ValueError, OverflowError: If it says so in another form.
    """
    written = footer.get(LISTED_AT_KEY)
    return None if written is None else parse_instant(written.decode())


def listing_filler(
    store: Store, table: str, rows: Iterable[pa.Table], schema: pa.Schema, at: datetime
) -> Callable[[Path], None]:
    """Return what writes the file of a listing to a path, once.

    Args:
        store: The store of the job.
        table: A table, or what history_of says.
        rows: A row group each.
        schema: Of the rows.
        at: When the entities were listed, UTC.
    """
    about = {
        OWNER_KEY: _owner(store, table),
        LISTED_AT_KEY: iso(at).encode(),
        CHECKSUM_KEY: BLANK_CHECKSUM,
    }
    schema = schema.with_metadata(about)

    def fill(path: Path) -> None:
        with pq.ParquetWriter(
            path, schema, compression="zstd", write_page_checksum=True
        ) as writer:
            for group in rows:
                writer.write_table(group.replace_schema_metadata(about))
        write_checksum(path)

    return fill


def _tables_of(documents: Documents) -> Iterator[pa.Table]:
    """Yield entities by id, as tables of a row group each."""
    in_order = sorted(documents)
    for first in range(0, len(in_order), ROWS):
        ids = in_order[first : first + ROWS]
        texts = [documents[i].decode() for i in ids]
        columns = [pa.array(ids, pa.string()), pa.array(texts, pa.large_string())]
        yield pa.Table.from_arrays(columns, schema=_SCHEMA)
