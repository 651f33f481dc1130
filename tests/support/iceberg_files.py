"""Reads Iceberg tables without pyiceberg: the catalog, Avro manifests, then Parquet."""

import json
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Iceberg", "read"]

KINDS = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
DELETED = 2


@dataclass
class Iceberg:
    """An Iceberg table, as its newest metadata say.

    Args:
        metadata: The content of the metadata file.
    """

    metadata: dict[str, Any]

    @classmethod
    def of(cls, catalog: Path, namespace: str, name: str) -> "Iceberg | None":
        """Open a table of a catalog in SQLite; None if it is missing."""
        if not catalog.exists():
            return None
        with closing(sqlite3.connect(catalog)) as db:
            found = db.execute(
                "SELECT metadata_location FROM iceberg_tables "
                "WHERE table_namespace = ? AND table_name = ?",
                [namespace, name],
            ).fetchone()
        return found and cls(json.loads(Path(found[0]).read_text("utf-8")))

    @property
    def properties(self) -> dict[str, str]:
        found: dict[str, str] = self.metadata["properties"]
        return found

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """The columns, by name."""
        current = self.metadata["current-schema-id"]
        schemas = {one["schema-id"]: one for one in self.metadata["schemas"]}
        return {field["name"]: field for field in schemas[current]["fields"]}

    @property
    def snapshots(self) -> list[dict[str, Any]]:
        """The snapshots that led to the newest, oldest first."""
        known = {one["snapshot-id"]: one for one in self.metadata.get("snapshots", ())}
        number, found = self.metadata.get("current-snapshot-id"), []
        while number in known:
            found.append(known[number])
            number = known[number].get("parent-snapshot-id")
        return found[::-1]

    @property
    def loads(self) -> list[tuple[dict[str, Any], int]]:
        """What each load says of itself, and its rows."""
        summaries = [one["summary"] for one in self.snapshots]
        return [
            (json.loads(said["gcbatch"]), int(said["gcbatch-rows"]))
            for said in summaries
            if "gcbatch" in said
        ]

    @property
    def files(self) -> list[dict[str, Any]]:
        """The data files of the newest snapshot, as manifests have them."""
        if not self.snapshots:
            return []
        manifests = read_avro(Path(self.snapshots[-1]["manifest-list"]))
        entries = [
            entry
            for manifest in manifests
            for entry in read_avro(Path(manifest["manifest_path"]))
        ]
        assert all(entry["data_file"]["content"] == 0 for entry in entries)
        return [e["data_file"] for e in entries if e["status"] != DELETED]

    def read(self) -> pa.Table:
        """Return all rows; columns are found by their ids, as Iceberg says."""
        schema = pa.schema([(n, KINDS[f["type"]]) for n, f in self.fields.items()])
        found = [schema.empty_table()]
        for file in self.files:
            with pq.ParquetFile(file["file_path"]) as opened:
                data = opened.read()
            assert data.num_rows == file["record_count"]
            ids = {int(f.metadata[b"PARQUET:field_id"]): f.name for f in data.schema}
            columns = [
                data[ids[field["id"]]].cast(schema.field(name).type)
                if field["id"] in ids
                else pa.nulls(data.num_rows, schema.field(name).type)
                for name, field in self.fields.items()
            ]
            found.append(pa.Table.from_arrays(columns, schema=schema))
        return pa.concat_tables(found)


def read(catalog: Path, namespace: str, name: str) -> pa.Table | None:
    """Return all rows of a table; None if it is missing."""
    found = Iceberg.of(catalog, namespace, name)
    return None if found is None else found.read()


def read_avro(path: Path) -> list[dict[str, Any]]:
    """Return the records of an Avro file, as its own schema describes them."""
    stream = BytesIO(path.read_bytes())
    assert stream.read(4) == b"Obj\x01"
    head = decode({"type": "map", "values": "bytes"}, stream)
    schema, codec = json.loads(head["avro.schema"]), head.get("avro.codec", b"null")
    mark = stream.read(16)
    records: list[dict[str, Any]] = []
    while stream.tell() < path.stat().st_size:
        count, size = integer(stream), integer(stream)
        block = stream.read(size)
        if codec == b"deflate":
            block = zlib.decompress(block, -15)
        else:
            assert codec == b"null"
        content = BytesIO(block)
        records += [decode(schema, content) for _ in range(count)]
        assert stream.read(16) == mark
    return records


def integer(stream: BytesIO) -> int:
    shift = value = 0
    while True:
        (byte,) = stream.read(1)
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return (value >> 1) ^ -(value & 1)


def text(stream: BytesIO) -> bytes:
    return stream.read(integer(stream))


READERS: dict[str, Callable[[BytesIO], Any]] = {
    "int": integer,
    "long": integer,
    "bytes": text,
    "string": lambda stream: text(stream).decode(),
    "boolean": lambda stream: stream.read(1) == b"\x01",
    "double": lambda stream: struct.unpack("<d", stream.read(8))[0],
    "float": lambda stream: struct.unpack("<f", stream.read(4))[0],
    "null": lambda _: None,
}


def decode(schema: Any, stream: BytesIO) -> Any:
    """Return the next value of a type of Avro."""
    if isinstance(schema, list):
        return decode(schema[integer(stream)], stream)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return {f["name"]: decode(f["type"], stream) for f in schema["fields"]}
    if kind == "array":
        return [decode(schema["items"], stream) for _ in blocks(stream)]
    if kind == "map":
        values = schema["values"]
        return {text(stream).decode(): decode(values, stream) for _ in blocks(stream)}
    if isinstance(kind, str):
        return READERS[kind](stream)
    return decode(kind, stream)


def blocks(stream: BytesIO) -> Iterator[int]:
    """Yield once for each item of an array or map."""
    while count := integer(stream):
        if count < 0:
            integer(stream)  # the size in bytes
        yield from range(abs(count))
