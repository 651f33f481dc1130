"""What a run listed of the org's queues, users and codes, kept beside its plan.

<store>/<job name>/<table>.parquet    a row for each entity: its id, and as it was sent

They are files of their own, so that runs that do not export them do not read them.
Whatever is there was listed by the run that plan.json is of.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from gcbatch.atomic_files import Sync, to_disk, write_atomically
from gcbatch.errors import DamagedPartError, DataError, OutputError
from gcbatch.genesys import ENTITY_KINDS, Documents
from gcbatch.store.part_file import (
    BLANK_SEAL,
    SEAL_KEY,
    batches_of,
    metadata_of,
    open_verified,
    write_checksum,
)
from gcbatch.store.store import Store

__all__ = ["LISTING_FILES", "has_entities", "read_entities", "write_entities"]

_SUFFIX: Final = ".parquet"
LISTING_FILES: Final = tuple(listing.table + _SUFFIX for listing in ENTITY_KINDS)
"""Their names, in the folder of a job."""

ROWS: Final = 4_096
"""Of a row group; a queue's settings may have tens of kilobytes."""

_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("document", pa.large_string(), nullable=False),
    ]
)
LISTING_KEY: Final = b"gcbatch.listing"
"""The job and the table that a listing is of; those of older releases lack it."""

_HINT: Final = "`gcbatch run JOB` lists it"


def write_entities(
    store: Store, listings: Mapping[str, Documents], *, sync: Sync = to_disk
) -> None:
    """Keep what a run listed, and nothing that an earlier one did.

    Args:
        store: Of the job.
        listings: By table, entities by id.
        sync: Forces a file or folder to disk.

    Raises:
        OutputError: If the store cannot be written.
    """
    for name in LISTING_FILES:
        table = name.removesuffix(_SUFFIX)
        path = store.folder / name
        try:
            if table in listings:
                fill = partial(_fill, documents=listings[table], own=_own(store, table))
                write_atomically(path, fill, sync=sync)
            else:
                # Whoever exports it again wants it as it is then.
                path.unlink(missing_ok=True)
        except OSError as exc:
            msg = f"{path}: cannot be written: {exc.strerror}"
            raise OutputError(
                msg, hint="check fetch.store, its space and rights"
            ) from exc


def has_entities(store: Store, table: str) -> bool:
    """Say whether the last run kept a listing, and it is whole."""
    with suppress(OSError, DamagedPartError), _opened(store, table):
        return True
    return False


def read_entities(store: Store, table: str) -> Iterator[tuple[str, str]]:
    """Yield the entities that the last run listed: id and JSON, by id.

    Raises:
        DataError: If it listed none, or they cannot be read.
    """
    path = _path(store, table)
    try:
        with _opened(store, table) as file:
            for batch in batches_of(file):
                ids, documents = (batch.column(n).to_pylist() for n in _SCHEMA.names)
                yield from zip(ids, documents, strict=True)
    except FileNotFoundError as exc:
        msg = f"table {table}: the last run of this job did not list it"
        raise DataError(msg, hint=_HINT) from exc
    except OSError as exc:
        msg = f"{path}: cannot be read: {exc.strerror}"
        raise DataError(msg, hint=_HINT) from exc
    except (DamagedPartError, KeyError) as exc:
        msg = (
            exc.problem if isinstance(exc, DamagedPartError) else f"{path}: is damaged"
        )
        raise DataError(msg, hint=_HINT) from exc


@contextmanager
def _opened(store: Store, table: str) -> Iterator[Any]:
    """Open a listing, checksum verified.

    Raises:
        OSError: If it cannot be read.
        DamagedPartError: If it is damaged, or another job's or table's.
    """
    path = _path(store, table)
    with open_verified(path) as (file, _):
        own = _own(store, table)
        if metadata_of(file).get(LISTING_KEY, own) != own:
            msg = f"{path}: is another job's or table's listing"
            raise DamagedPartError(msg, hint=_HINT)
        file.seek(0)
        yield file


def _own(store: Store, table: str) -> bytes:
    """Return what a listing is of."""
    return f"{store.name}/{table}".encode()


def _path(store: Store, table: str) -> Path:
    return store.folder / f"{table}{_SUFFIX}"


def _fill(path: Path, documents: Documents, own: bytes) -> None:
    metadata = {LISTING_KEY: own, SEAL_KEY: BLANK_SEAL}
    schema = _SCHEMA.with_metadata(metadata)
    in_order = sorted(documents)
    with pq.ParquetWriter(
        path, schema, compression="zstd", write_page_checksum=True
    ) as writer:
        for first in range(0, len(in_order), ROWS):
            ids = in_order[first : first + ROWS]
            texts = [documents[i].decode() for i in ids]
            writer.write_table(
                pa.Table.from_arrays(
                    [pa.array(ids, pa.string()), pa.array(texts, pa.large_string())],
                    schema=schema,
                )
            )
    write_checksum(path)
