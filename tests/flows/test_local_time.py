"""The key `local_time`: local columns in every table, from the run to the file."""

import csv
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from gcbatch import JobError

if TYPE_CHECKING:
    from tests.conftest import Workspace

ISRAEL = "Asia/Jerusalem"


def rows_of(workspace: "Workspace", name: str) -> list[dict[str, str]]:
    with (workspace.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check(rows: list[dict[str, str]], column: str, zone: str = ISRAEL) -> None:
    """Assert that a column's local times are those of its instants."""
    assert rows
    for row in rows:
        if not row[column]:
            assert not row[f"{column}_local"]
            continue
        instant, local = (
            datetime.fromisoformat(row[name]) for name in (column, f"{column}_local")
        )
        assert local == instant
        assert local.utcoffset() == instant.astimezone(ZoneInfo(zone)).utcoffset()


def csvs(workspace: "Workspace", **tables: str) -> list[dict[str, Any]]:
    return [
        {"exporter": "csv", "table": table, "path": str(workspace.folder / path)}
        for table, path in tables.items()
    ]


@pytest.mark.parametrize(
    ("given", "zone"), [(True, ISRAEL), ("Asia/Tokyo", "Asia/Tokyo")]
)
def test_tables_of_figures_and_of_entities_have_them(
    workspace: "Workspace", given: object, zone: str
) -> None:
    """`intervals`, `sla` and listed tables; the zone is the job's or the one named."""
    exports = csvs(workspace, intervals="i.csv", sla="s.csv", queues="q.csv")

    workspace.run(local_time=given, sla={}, exports=exports)

    check(rows_of(workspace, "i.csv"), "interval_start", zone)
    check(rows_of(workspace, "i.csv"), "interval_end", zone)
    check(rows_of(workspace, "s.csv"), "period_start", zone)
    check(rows_of(workspace, "q.csv"), "date_created", zone)


def test_tables_of_one_pass_have_them(workspace: "Workspace") -> None:
    """Those of conversations, whose exports share a pass over the parts."""
    tables = {"conversations": "c.csv", "segments": "s.csv", "session_metrics": "m.csv"}
    query = {"from": "1999-08-02", "to": "1999-08-03", "timezone": ISRAEL}
    query |= {"endpoint": "conversation-details"}
    exports = csvs(workspace, **tables)
    path = workspace.write(exports=exports, query=query, local_time=True)
    text = path.read_text("utf-8")
    path.write_text(
        re.sub(r'  "(metrics|granularity)": ("\w+"|\[[^]]*\]),?\n', "", text)
    )
    from gcbatch import load_job, run  # noqa: PLC0415 - the keys of the usual job are taken out first

    run(load_job(path, environ=workspace.environ))

    check(rows_of(workspace, "c.csv"), "conversation_start")
    check(rows_of(workspace, "s.csv"), "segment_start")
    check(rows_of(workspace, "m.csv"), "conversation_start")


def test_no_table_has_a_column_of_that_name_already() -> None:
    """Or its local times would be missing."""
    from gcbatch.cli.listed_tables import tables_of_any_job  # noqa: PLC0415 - imports all tables

    for table in tables_of_any_job():
        names = {column.name for column in table.columns}
        assert not names & {f"{name}_local" for name in names}


def test_outputs_follow_the_key(workspace: "Workspace") -> None:
    """A run with other columns writes the file again, without a request."""
    exports = csvs(workspace, sla="s.csv")
    workspace.run(sla={}, exports=exports)
    before = len(workspace.data_requests)

    report = workspace.run(sla={}, local_time=True, exports=exports)
    same = workspace.run(sla={}, local_time=True, exports=exports)

    assert [report.exports[0].unchanged, same.exports[0].unchanged] == [False, True]
    assert len(workspace.data_requests) == before
    assert "period_start_local" in rows_of(workspace, "s.csv")[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Europe/Dublni", "did you mean Europe/Dublin"),
        ("yes", "unknown time zone 'yes'"),
        (1, "must be true or false"),
    ],
)
def test_what_is_no_zone_is_refused(
    workspace: "Workspace", given: object, words: str
) -> None:
    """With the nearest."""
    with pytest.raises(JobError, match=words):
        workspace.job(local_time=given)


def test_a_job_of_tables_alone_names_the_zone(workspace: "Workspace") -> None:
    """It has no time zone that `true` could mean."""
    exports = csvs(workspace, queues="q.csv")
    job = workspace.write(exports=exports, local_time=True)
    text = re.sub(
        r' "query": \{.*?\n \},\n', "", job.read_text("utf-8"), flags=re.DOTALL
    )
    job.write_text(text, "utf-8")
    from gcbatch import load_job, run  # noqa: PLC0415 - as above

    with pytest.raises(JobError, match="local_time: without a section `query:`"):
        load_job(job, environ=workspace.environ)
    job.write_text(text.replace('"local_time": true', f'"local_time": "{ISRAEL}"'))
    run(load_job(job, environ=workspace.environ))

    check(rows_of(workspace, "q.csv"), "listed_at")


def test_tables_in_memory_have_them(workspace: "Workspace") -> None:
    """As the exporters see them, with a description."""
    report = workspace.run(sla={}, local_time=True, exports=[])

    assert report.catalog is not None
    table = report.catalog.table("intervals")
    assert table.read_all().schema.names[:2] == [
        "interval_start",
        "interval_start_local",
    ]
    field = table.schema.field("interval_start_local")
    assert field.type == pa.string()
    assert b"clock" in field.metadata[b"description"]
