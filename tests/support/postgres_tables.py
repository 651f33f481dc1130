"""Tables for tests of the postgres exporter, and loads of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from gcbatch.exporting import Receipt, export, load_exporter
from gcbatch.table import Table
from gcbatch.testing import sample_table
from tests.support.postgres_server import PostgresDatabase

__all__ = ["load", "postgres_exporter", "table_of"]


def load(
    where: PostgresDatabase | str, *tables: Table, job: str = "sample", **options: Any
) -> Receipt:
    """Load tables as the job's run does.

    Args:
        where: A database as its owner, or an address with user and password.
        tables: The tables.
        job: The job's name; by default that of sample tables.
        options: Options of the exporter.
    """
    by_name = {t.name: replace(t, job=job) for t in tables}
    return export(postgres_exporter(where, **options), "postgres", by_name)[0]


def postgres_exporter(where: PostgresDatabase | str, **options: Any) -> Any:
    """Return the exporter into a database; see load."""
    uri = where if isinstance(where, str) else where.uri
    kind = load_exporter("postgres")
    return kind(kind.Options.model_validate({"uri": uri, **options}))


def table_of(
    columns: Mapping[str, Any],
    *,
    schema: pa.Schema | None = None,
    name: str = "intervals",
    key: tuple[str, ...] = (),
    time: str | None = "interval_start",
) -> Table:
    """Return a table of some columns that covers October 2026."""
    data = pa.table(columns, schema=schema)
    return replace(
        sample_table(0),
        name=name,
        schema=data.schema,
        key=key,
        time=time,
        end=None,
        batches=lambda: iter(data.to_batches()),
    )
