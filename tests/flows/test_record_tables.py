"""Evaluations, surveys and other records out of a run of details, in any format."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from gcbatch.simulator import sample_tenant
from tests.support.detail_tables import DETAIL_TABLES
from tests.support.details_world import World
from tests.unit.tables.test_detail_tables import NUMBERS

DAY = {"from": "1999-08-03", "to": "1999-08-04", "timezone": "Asia/Jerusalem"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a job that exports all tables of a day into three formats."""
    world = World(tmp_path_factory.mktemp("records"), sample_tenant())
    exports: list[dict[str, Any]] = [
        {"exporter": "csv", "path": str(world.folder / "{table}.csv")},
        {"exporter": "parquet", "path": str(world.folder / "{table}.parquet")},
        {"exporter": "duckdb", "path": str(world.folder / "all.duckdb")},
    ]
    world.run(query=DAY, exports=[{"tables": "all", **one} for one in exports])
    return world.folder


@pytest.mark.parametrize("table", NUMBERS)
def test_all_formats_have_the_same_rows(folder: Path, table: str) -> None:
    """Of a day of the sample; each table has some."""
    count = pq.read_metadata(folder / f"{table}.parquet").num_rows

    assert count > 20
    assert pa_csv.read_csv(folder / f"{table}.csv").num_rows == count
    with duckdb.connect(str(folder / "all.duckdb"), read_only=True) as database:
        (found,) = database.execute(f"SELECT count(*) FROM {table}").fetchall()[0]  # noqa: S608 - a name of ours
    assert found == count


@pytest.mark.parametrize("table", NUMBERS)
def test_rows_join_their_conversations_and_sessions(folder: Path, table: str) -> None:
    """By the first columns of their key, which name one row each."""
    owner, key = "conversations", "conversation_id"
    if "session_number" in pq.read_schema(folder / f"{table}.parquet").names:
        owner, key = "sessions", "conversation_id, session_number"
    with duckdb.connect(str(folder / "all.duckdb"), read_only=True) as database:
        joined, rows, keys = database.execute(
            f"""SELECT count(o.conversation_start), count(*),
                       count(DISTINCT ({key}, {NUMBERS[table]}))
                FROM {table} LEFT JOIN {owner} o USING ({key})"""  # noqa: S608 - names of ours
        ).fetchall()[0]

    assert joined == rows == keys


def test_all_tables_means_all(folder: Path) -> None:
    """Each table of conversations is exported."""
    assert {path.stem for path in folder.glob("*.parquet")} == set(DETAIL_TABLES)
