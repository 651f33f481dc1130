"""JSON columns on their way out: embedded in JSON Lines, or a line each."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gcbatch.coverage import Coverage
from gcbatch.errors import JobError
from gcbatch.exporting import export
from gcbatch.table import Table
from gcbatch.windows import Window
from gcbatch_exporters.json import JsonExporter, JsonOptions
from gcbatch_exporters.parquet import ParquetExporter, ParquetOptions
from tests.support.detail_tables import DAY, START, batch_of, conversation, table_of

HOUR = timedelta(hours=1)

SENT = [
    conversation(conversationId="c1", evaluations=[{"score": 1.0}], divisionIds=["d"]),
    b'{"conversationId":"c2","conversationStart":"2026-10-02T08:00:00Z","x":"\\u2028"}',
]


def lines(path: Path, table: Table, **options: Any) -> list[bytes]:
    made = JsonExporter(JsonOptions(path=path, **options))
    made.check({table.name: table})
    export(made, "json", {table.name: table})
    return path.read_bytes().split(b"\n")[:-1]


def test_json_is_embedded(tmp_path: Path) -> None:
    """A reader finds the list, not a text that has to be read again."""
    table = table_of("conversations", batch_of(SENT))

    rows = [json.loads(line) for line in lines(tmp_path / "out.jsonl", table)]

    assert [row["evaluations"] for row in rows] == [[{"score": 1.0}], None]
    assert [row["division_ids"] for row in rows] == [["d"], None]
    assert rows[0]["conversation_id"] == "c1"


def test_conversations_come_out_as_they_went_in(tmp_path: Path) -> None:
    """Unwrapped, each line is what the service sent."""
    table = table_of("conversations_nested", batch_of(SENT))

    assert lines(tmp_path / "out.jsonl", table, unwrap="conversation") == SENT


def test_what_is_null_is_a_line_too(tmp_path: Path) -> None:
    """As many lines as rows."""
    table = table_of("conversations", batch_of(SENT))

    found = lines(tmp_path / "out.jsonl", table, unwrap="evaluations")

    assert found == [b'[{"score": 1.0}]', b"null"]


@pytest.mark.parametrize("column", ["conversation_id", "nothing"])
def test_only_json_is_unwrapped(tmp_path: Path, column: str) -> None:
    """Before the first request, with the columns that would do."""
    table = table_of("conversations_nested")
    exporter = JsonExporter(JsonOptions(path=tmp_path / "out", unwrap=column))

    with pytest.raises(JobError, match=f"no column of JSON called '{column}'") as error:
        exporter.check({"conversations_nested": table})

    assert error.value.hint == "choose from conversation"


def test_a_table_without_json_is_not_unwrapped(tmp_path: Path) -> None:
    """The hint says so."""
    table = table_of("participant_attributes")
    exporter = JsonExporter(JsonOptions(path=tmp_path / "out", unwrap="value"))

    with pytest.raises(JobError) as error:
        exporter.check({"participant_attributes": table})

    assert error.value.hint == "leave unwrap out"


def test_partitions_go_by_the_start(tmp_path: Path) -> None:
    """Each conversation is in the folder of its local day."""
    late = conversation(conversationStart="2026-10-01T22:59:59.999Z")
    next_day = conversation(conversationStart="2026-10-01T23:00:00.000Z")
    table = table_of("conversations", batch_of([SENT[0], late, next_day]))
    covered = Window(START - HOUR, START - HOUR + 2 * DAY)  # days of Dublin
    table = replace(table, covered=Coverage.whole(covered))
    exporter = ParquetExporter(ParquetOptions(path=tmp_path, partition_by=("day",)))

    export(exporter, "parquet", {"conversations": table})

    rows = {
        path.parent.name: pq.ParquetFile(path).metadata.num_rows
        for path in tmp_path.glob("*/data.parquet")
    }
    assert rows == {"day=2026-10-01": 2, "day=2026-10-02": 1}
