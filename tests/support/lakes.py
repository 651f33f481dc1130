"""Lakes as tests see them: loads as a run does them, and what is there then."""

import json
import shutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from urllib.parse import quote

import deltalake
import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import StringType

from gcbatch import Table
from gcbatch.exporting import (
    Mismatch,
    Receipt,
    export,
    held_export,
    load_exporter,
    mismatches,
)
from gcbatch.objects import Buckets
from gcbatch_exporters.lakes.exporter import LakeExporter
from tests.support import delta_files
from tests.support.iceberg_files import Iceberg
from tests.support.s3_server import ADMIN, S3Bucket, S3Server

__all__ = [
    "LAKES",
    "PLACES",
    "DeltaLake",
    "DeltaLakeOnS3",
    "IcebergLake",
    "Lake",
    "Row",
    "lake_of",
    "new_lake",
    "sorted_rows",
    "wanted",
]

Row = dict[str, Any]


def sorted_rows(rows: list[Row]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


def wanted(*tables: Table) -> list[str]:
    """Return the rows of tables in the spans that they cover, in one order."""
    return sorted_rows(
        [row for t in tables for batch in t.covered_rows() for row in batch.to_pylist()]
    )


@dataclass(frozen=True)
class Lake(ABC):
    """A lake with one table.

    Args:
        path: A folder of its own.
    """

    path: Path
    name: ClassVar[str]
    kind: ClassVar[str]

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the table is, as receipts say."""

    @property
    @abstractmethod
    def options(self) -> dict[str, Any]:
        """The exporter's options, as a job file has them."""

    def files(self) -> list[str]:
        """Return the names of all files of the lake, and folders."""
        return sorted(str(path) for path in self.path.rglob("*"))

    @abstractmethod
    def rows(self) -> list[Row]:
        """Return the rows without the library that wrote them, in any order."""

    @abstractmethod
    def rows_by_library(self) -> list[Row]:
        """Return the rows as the lake's own library reads them, in any order."""

    @abstractmethod
    def loads(self) -> list[tuple[Row, int]]:
        """Return what each load says of itself, and its rows; the last comes last."""

    @abstractmethod
    def state(self) -> Any:
        """Return something that is the same as long as nothing changes."""

    @abstractmethod
    def columns(self) -> list[str]:
        """Return the names of the columns."""

    @abstractmethod
    def properties(self) -> Mapping[str, str]:
        """Return the properties of the table."""

    @abstractmethod
    def give_to(self, job: str) -> None:
        """Let another job own the table, by hand."""

    @abstractmethod
    def write_as_others(self, table: Table) -> None:
        """Write a table without gcbatch."""

    @abstractmethod
    def add_column(self, name: str) -> None:
        """Add a column of text, by hand."""

    @abstractmethod
    def delete(self, at: datetime, queue: str) -> None:
        """Delete a row, by hand."""

    @abstractmethod
    def increase(self, at: datetime, queue: str) -> None:
        """Change a figure of a row, by hand."""

    def exporter(self, **options: Any) -> LakeExporter:
        kind: Any = load_exporter(self.name)
        made = kind(kind.Options.model_validate({**self.options, **options}))
        assert isinstance(made, LakeExporter)
        return made

    def check(self, table: Table, **options: Any) -> None:
        """Check a table as a run does, before it has rows."""
        made = self.exporter(**options)
        made.check({table.name: replace(table, batches=lambda: iter(()))})

    def load(self, table: Table, *, fingerprint: str = "", **options: Any) -> Receipt:
        """Write a table."""
        made = self.exporter(**options)
        tables = {table.name: table}
        receipt, published = export(made, self.name, tables, fingerprint=fingerprint)
        assert published == ()
        return receipt

    def held(self, table: Table, fingerprint: str, **options: Any) -> Receipt | None:
        made = self.exporter(**options)
        tables = {table.name: table}
        return held_export(made, self.name, tables, fingerprint=fingerprint)

    def verified(self, table: Table, **options: Any) -> list[Mismatch]:
        made = self.exporter(**options)
        return list(mismatches(made, self.name, {table.name: table}))

    def offered(self) -> Counter[int]:
        """Return how many rows are of which load; see lake_tables.hours."""
        return Counter(row["n_offered"] for row in self.rows())


class DeltaLake(Lake):
    """A Delta table."""

    name = "delta"
    kind = "delta"

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def options(self) -> dict[str, Any]:
        return {"path": self.place}

    @property
    def storage(self) -> dict[str, str] | None:
        """Options of Delta's library."""
        return None

    @property
    def opened(self) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(self.place, storage_options=self.storage)

    @property
    def log(self) -> delta_files.Log:
        return delta_files.Log.of(self.path)

    def rows(self) -> list[Row]:
        return delta_files.rows_of(self.log.folder)

    def rows_by_library(self) -> list[Row]:
        found: list[Row] = self.opened.to_pyarrow_table().to_pylist()
        return found

    def loads(self) -> list[tuple[Row, int]]:
        return [
            (commit["gcbatch"], int(commit["operationMetrics"]["num_added_rows"]))
            for commit in self.log.commits
            if "gcbatch" in commit
        ]

    def state(self) -> Any:
        return self.log

    def columns(self) -> list[str]:
        return list(self.log.fields)

    def properties(self) -> Mapping[str, str]:
        found: dict[str, str] = self.log.metadata["configuration"]
        return found

    def give_to(self, job: str) -> None:
        self.opened.alter.set_table_properties(
            {"gcbatch.job": job}, raise_if_not_exists=False
        )

    def write_as_others(self, table: Table) -> None:
        data = table.read_all()
        deltalake.write_deltalake(self.place, data, storage_options=self.storage)

    def add_column(self, name: str) -> None:
        kind = deltalake.schema.PrimitiveType("string")
        self.opened.alter.add_columns([deltalake.Field(name, kind)])

    def delete(self, at: datetime, queue: str) -> None:
        self.opened.delete(self._row(at, queue))

    def increase(self, at: datetime, queue: str) -> None:
        self.opened.update(
            {"n_offered": "n_offered + 1"}, predicate=self._row(at, queue)
        )

    def _row(self, at: datetime, queue: str) -> str:
        return f"interval_start = '{at.isoformat()}' AND queue_id = '{queue}'"


S3_NOTE: Final = "s3.json"
"""Beside the folder of a lake: which bucket it has, for other processes too."""


class DeltaLakeOnS3(DeltaLake):
    """A Delta table in a bucket; its path is where the files are read from."""

    kind = "delta on S3"

    @classmethod
    def new(cls, path: Path, s3: S3Bucket) -> Self:
        """Return one without a table."""
        note = {"server": s3.server.place, "bucket": s3.name}
        path.with_name(S3_NOTE).write_text(json.dumps(note), "utf-8")
        return cls(path)

    @property
    def s3(self) -> S3Bucket:
        note = json.loads(self.path.with_name(S3_NOTE).read_text("utf-8"))
        return S3Bucket(S3Server.known(note["server"]), note["bucket"])

    @property
    def place(self) -> str:
        return f"s3://{self.s3.name}/deep/{self.path.name}"

    @property
    def storage(self) -> dict[str, str] | None:
        return {**self.s3.environ, "AWS_ALLOW_HTTP": "true"}

    @property
    def log(self) -> delta_files.Log:
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        bucket = self.s3.open()
        top = f"deep/{self.path.name}/"
        for info in bucket.list(top):
            file = self.path / info.key.removeprefix(top)
            file.parent.mkdir(parents=True, exist_ok=True)
            assert bucket.download(info.key, file, info=info)
        return delta_files.Log.of(self.path)

    def files(self) -> list[str]:
        return self.s3.keys()

    def exporter(self, *, who: str = ADMIN, **options: Any) -> LakeExporter:
        made: Any = super().exporter(**options)
        made._options.use(Buckets(self.s3.server.settings(who), environ={}))
        assert isinstance(made, LakeExporter)
        return made


class IcebergLake(Lake):
    """An Iceberg table of a catalog in SQLite."""

    name = "iceberg"
    kind = "iceberg"
    table_name: ClassVar[str] = "calls"

    @property
    def place(self) -> str:
        return f"{self.path}/catalog.db: genesys.{self.table_name}"

    @property
    def options(self) -> dict[str, Any]:
        return {
            "catalog": {
                "type": "sql",
                "uri": self.uri,
                "warehouse": str(self.path / "warehouse"),
            },
            "namespace": "genesys",
            "name": self.table_name,
        }

    @property
    def uri(self) -> str:
        """The address of the catalog; SQLAlchemy reads `%20` as a space."""
        return f"sqlite:///{quote(str(self.path / 'catalog.db'))}"

    @property
    def catalog(self) -> SqlCatalog:
        """The catalog, by pyiceberg; to be closed."""
        return SqlCatalog(
            "default",
            uri=self.uri,
            warehouse=str(self.path / "warehouse"),
        )

    @property
    def content(self) -> Iceberg:
        found = Iceberg.of(self.path / "catalog.db", "genesys", self.table_name)
        assert found is not None
        return found

    def rows(self) -> list[Row]:
        found: list[Row] = self.content.read().to_pylist()
        return found

    def rows_by_library(self) -> list[Row]:
        with self.catalog as catalog:
            scanned = self._load_table(catalog).scan().to_arrow()
            found: list[Row] = scanned.to_pylist()
            return found

    def loads(self) -> list[tuple[Row, int]]:
        return self.content.loads

    def state(self) -> Any:
        return self.content

    def columns(self) -> list[str]:
        return list(self.content.fields)

    def properties(self) -> Mapping[str, str]:
        return self.content.properties

    def give_to(self, job: str) -> None:
        with self.catalog as catalog, self._load_table(catalog).transaction() as change:
            change.set_properties({"gcbatch.job": job})

    def write_as_others(self, table: Table) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        data = table.read_all()
        with self.catalog as catalog:
            catalog.create_namespace_if_not_exists("genesys")
            made = catalog.create_table(("genesys", self.table_name), data.schema)
            made.append(data)

    def add_column(self, name: str) -> None:
        with (
            self.catalog as catalog,
            self._load_table(catalog).update_schema() as update,
        ):
            update.add_column(name, StringType())

    def delete(self, at: datetime, queue: str) -> None:
        with self.catalog as catalog:
            self._load_table(catalog).delete(self._row(at, queue))

    def increase(self, at: datetime, queue: str) -> None:
        with self.catalog as catalog:
            there = self._load_table(catalog)
            row = there.scan(self._row(at, queue)).to_arrow()
            more = [value + 1 for value in row["n_offered"].to_pylist()]
            place = row.schema.get_field_index("n_offered")
            row = row.set_column(place, "n_offered", pa.array(more, pa.int64()))
            there.overwrite(row, self._row(at, queue))

    def _load_table(self, catalog: Catalog) -> Any:
        return catalog.load_table(("genesys", self.table_name))

    def _row(self, at: datetime, queue: str) -> str:
        return f"interval_start = '{at.isoformat()}' AND queue_id = '{queue}'"


LAKES: Final = ("delta", "iceberg")
"""The exporters to lakes."""

PLACES: Final = (*LAKES, "delta on S3")
"""Lakes on each kind of place."""


def new_lake(kind: str, path: Path) -> Lake:
    """Return a lake without a table; one on S3 has a note of its bucket beside it."""
    kinds: dict[str, type[Lake]] = {"delta": DeltaLake, "iceberg": IcebergLake}
    return kinds.get(kind, DeltaLakeOnS3)(path)


def lake_of(request: pytest.FixtureRequest, path: Path) -> Lake:
    """Return the lake of a test's parameter, without a table."""
    if request.param in LAKES:
        return new_lake(request.param, path)
    return DeltaLakeOnS3.new(path, request.getfixturevalue("s3"))
