"""Entities (queues, users, codes …) that a run listed, stored beside its saved plan.

<store>/<job name>/<table>.parquet    a row for each entity: its id, and JSON as sent

They are files of their own, so that runs that do not export them do not read them.
They belong to the run that plan.json describes.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.errors import DamagedPartError, DataError
from gcbatch.genesys import ENTITY_KINDS, Documents
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

__all__ = [
    "ENTITY_FILES",
    "has_entities",
    "listing_checksums",
    "read_entities",
    "write_entities",
]

_SUFFIX: Final = ".parquet"
ENTITY_FILES: Final = tuple(kind.table + _SUFFIX for kind in ENTITY_KINDS)
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

_HINT: Final = "`gcbatch run JOB` lists it"


def write_entities(store: Store, entities: Mapping[str, Documents]) -> None:
    """Write the entities that a run listed; remove those of the run before.

    Args:
        store: The store of the job.
        entities: By table, JSON documents by id.

    Raises:
        OutputError: If the store cannot be written.
    """
    for kind in ENTITY_KINDS:
        name = kind.table + _SUFFIX
        if kind.table in entities:
            owner = _owner(store, kind.table)
            fill = partial(_fill, documents=entities[kind.table], owner=owner)
            store.write_file(name, fill)
            continue
        try:
            # An export of this table has to list the entities as they are then.
            store.files.discard(name)
        except OSError as exc:
            raise unwritable(store.place, exc) from exc


def has_entities(store: Store, table: str) -> bool:
    """Return whether the last run stored the entities of a table, undamaged."""
    return table in dict(listing_checksums(store, [table]))


def listing_checksums(
    store: Store, tables: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield tables, and the checksums of their stored listings.

    A table whose listing is missing or damaged is left out.
    """
    for table in tables:
        with (
            suppress(OSError, DamagedPartError),
            _opened(store, table) as (_, checksum),
        ):
            yield table, checksum


def read_entities(store: Store, table: str) -> Iterator[tuple[str, str]]:
    """Yield the entities that the last run listed: id and JSON, by id.

    Raises:
        DataError: If it listed none, or they cannot be read.
    """
    place = store.files.place_of(table + _SUFFIX)
    try:
        with _opened(store, table) as (file, _):
            for batch in batches_of(file):
                ids, documents = (batch.column(n).to_pylist() for n in _SCHEMA.names)
                yield from zip(ids, documents, strict=True)
    except FileNotFoundError as exc:
        msg = f"table {table}: the last run of this job did not list it"
        raise DataError(msg, hint=_HINT) from exc
    except OSError as exc:
        msg = f"{place}: cannot be read: {exc.strerror}"
        raise DataError(msg, hint=_HINT) from exc
    except DamagedPartError as exc:
        raise DataError(exc.problem, hint=_HINT) from exc
    except KeyError as exc:
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
    with open_verified(store.files, table + _SUFFIX) as (opened, checksum):
        file = opened.file
        owner = _owner(store, table)
        if footer_of(file).get(OWNER_KEY, owner) != owner:
            place = store.files.place_of(table + _SUFFIX)
            msg = f"{place}: belongs to another job or table"
            raise DamagedPartError(msg, hint=_HINT)
        file.seek(0)
        yield file, checksum


def _owner(store: Store, table: str) -> bytes:
    """Return the job and table that a file belongs to."""
    return f"{store.name}/{table}".encode()


def _fill(path: Path, documents: Documents, owner: bytes) -> None:
    schema = _SCHEMA.with_metadata({OWNER_KEY: owner, CHECKSUM_KEY: BLANK_CHECKSUM})
    in_order = sorted(documents)
    with pq.ParquetWriter(
        path, schema, compression="zstd", write_page_checksum=True
    ) as writer:
        for first in range(0, len(in_order), ROWS):
            ids = in_order[first : first + ROWS]
            texts = [documents[i].decode() for i in ids]
            columns = [pa.array(ids, pa.string()), pa.array(texts, pa.large_string())]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    write_checksum(path)
