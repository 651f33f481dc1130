"""A narrowed range must not replace an output of a wider one without being asked to."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import JobError

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace

NARROW = ("--from", "1999-08-03", "--to", "1999-08-05")


def rows(workspace: "Workspace") -> int:
    count: int = pq.read_metadata(workspace.folder / "job.parquet").num_rows
    return count


def narrowed(workspace: "Workspace", start: str, end: str, **sections: Any) -> Any:
    """Load a job with a range that settings replace."""
    path = workspace.write(**sections)
    settings = {"query.from": start, "query.to": end}
    return gcbatch.load_job(path, settings=settings, environ=workspace.environ)


@pytest.mark.parametrize(
    "options",
    [
        NARROW,
        ("--from", "1999-08-03"),
        ("--to", "1999-08-05"),
        ("--set", "query.from=1999-08-03"),
    ],
    ids=["both", "from", "to", "set"],
)
def test_a_narrowed_range_is_refused(
    cli: "Cli", workspace: "Workspace", options: tuple[str, ...]
) -> None:
    """Before any request; the message has the file, both ranges, and the ways out."""
    path = workspace.write()
    cli("run", path)
    written = workspace.outputs()
    workspace.simulator.request_log.clear()

    result = cli("run", path, *options)

    file = workspace.folder / "job.csv"
    assert result.exit_code == 2
    assert f"{file} holds 1999-08-01..1999-08-08 and would hold only" in result.stderr
    assert "1999-08-03.." in result.stderr or "..1999-08-05" in result.stderr
    assert "--refetch FROM..TO" in result.stderr
    assert "--replace" in result.stderr
    assert not len(workspace.simulator.request_log)
    assert workspace.outputs() == written


@pytest.mark.parametrize("spelling", ["./{}", "more/../{}", ".//{}"])
def test_another_spelling_of_the_path_is_the_same_file(
    cli: "Cli", workspace: "Workspace", monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    """However the job file writes it."""
    monkeypatch.chdir(workspace.folder)
    (workspace.folder / "more").mkdir()
    export = {"exporter": "csv", "table": "intervals", "path": spelling.format("a.csv")}
    path = workspace.write(exports=[export])
    cli("run", path)

    assert cli("run", path, *NARROW).exit_code == 2


def test_replace_lets_it_pass(cli: "Cli", workspace: "Workspace") -> None:
    """Then the file holds the narrow range, and the wide one may come back."""
    path = workspace.write()
    cli("run", path)
    whole = rows(workspace)

    result = cli("run", path, *NARROW, "--replace")
    narrow = rows(workspace)
    back = cli("run", path)

    assert (result.exit_code, back.exit_code) == (0, 0)
    assert 0 < narrow < whole == rows(workspace)


def test_export_is_refused_as_a_run_is(cli: "Cli", workspace: "Workspace") -> None:
    """A narrowed run to another path does not open the way to the first one."""
    path = workspace.write()
    cli("run", path)
    elsewhere = ("--set", f"exports.2.path={workspace.folder / 'b.parquet'}")
    others = [
        option
        for number, kind in enumerate(("csv", "json"))
        for option in ("--set", f"exports.{number}.path={workspace.folder}/b.{kind}")
    ]
    other = cli("run", path, *NARROW, *elsewhere, *others)

    result = cli("export", path, *NARROW)
    allowed = cli("export", path, *NARROW, "--replace")

    assert other.exit_code == 0
    assert result.exit_code == 2
    assert "would hold only 1999-08-03..1999-08-05" in result.stderr
    assert allowed.exit_code == 0


def test_the_file_itself_may_be_narrowed(workspace: "Workspace") -> None:
    """Who changes the job says what its files shall hold."""
    workspace.run()
    whole = rows(workspace)

    workspace.run(query={"from": "1999-08-03"})

    assert 0 < rows(workspace) < whole


def test_a_range_that_moves_is_not_narrowed(workspace: "Workspace") -> None:
    """Neither in the job file, nor by options that name another day each day."""
    workspace.run(query={"from": "1999-08-01", "to": "1999-08-04"})
    workspace.run(query={"from": "1999-08-02", "to": "1999-08-05"})
    (workspace.folder / "job.csv").unlink()
    (workspace.folder / "job.json").unlink()
    (workspace.folder / "job.parquet").unlink()

    for day in (1, 2, 3):
        start, end = f"1999-08-0{day}", f"1999-08-0{day + 1}"
        gcbatch.run(narrowed(workspace, start, end))

    assert rows(workspace) > 0


def test_a_later_day_is_no_way_round(workspace: "Workspace") -> None:
    """A file of a week is not replaced by a day outside what it holds."""
    workspace.run(query={"to": "1999-08-07"})

    with pytest.raises(JobError, match=r"holds 1999-08-01\.\.1999-08-07"):
        gcbatch.run(narrowed(workspace, "1999-08-07", "1999-08-08"))


def test_a_wider_or_equal_range_is_no_loss(workspace: "Workspace") -> None:
    """Options may say what the file says, or more."""
    workspace.run(query={"from": "1999-08-02", "to": "1999-08-06"})
    own = {"query": {"from": "1999-08-02", "to": "1999-08-06"}}

    gcbatch.run(narrowed(workspace, "1999-08-02", "1999-08-06", **own))
    gcbatch.run(narrowed(workspace, "1999-08-01", "1999-08-08", **own))


def test_a_file_that_is_gone_can_be_written(workspace: "Workspace") -> None:
    """There is nothing to lose."""
    workspace.run()
    for kind in workspace.outputs():
        (workspace.folder / f"job.{kind}").unlink()

    report = gcbatch.run(narrowed(workspace, "1999-08-03", "1999-08-05"))

    assert rows(workspace) == report.rows


def test_partitions_and_databases_keep_other_days(workspace: "Workspace") -> None:
    """A narrowed run replaces its own days there, so it is never refused."""
    exports = [
        {
            "exporter": "parquet",
            "table": "intervals",
            "path": str(workspace.folder / "days"),
            "partition_by": ["day"],
        },
        {
            "exporter": "sqlite",
            "table": "intervals",
            "path": str(workspace.folder / "a.sqlite"),
        },
    ]
    whole = workspace.run(exports=exports).rows

    job = narrowed(workspace, "1999-08-03", "1999-08-05", exports=exports)
    gcbatch.run(job)

    assert pq.read_table(workspace.folder / "days").num_rows == whole


OWN_TABLE = {
    "sql": "select queue_id, sum(n_offered) as n from intervals group by queue_id",
    "key": ["queue_id"],
}


@pytest.mark.parametrize(
    ("table", "sections"),
    [("sla", {"sla": {"period": "total"}}), ("own", {"tables": {"own": OWN_TABLE}})],
)
def test_a_table_without_time_is_protected_in_a_database(
    cli: "Cli", workspace: "Workspace", table: str, sections: dict[str, Any]
) -> None:
    """A load replaces all its rows, as a file is replaced."""
    place = workspace.folder / "a.sqlite"
    export = {"exporter": "sqlite", "table": table, "path": str(place)}
    path = workspace.write(exports=[export], **sections)
    cli("run", path)
    written = place.read_bytes()

    refused = cli("run", path, *NARROW)
    held = place.read_bytes()
    replaced = cli("run", path, *NARROW, "--replace")

    assert refused.exit_code == 2
    assert (
        f"exports[0]: {place}: {table} holds 1999-08-01..1999-08-08" in refused.stderr
    )
    assert held == written
    assert replaced.exit_code == 0
    assert place.read_bytes() != written


def test_a_listed_table_in_a_database_has_no_range(
    cli: "Cli", workspace: "Workspace"
) -> None:
    """Queues are all of them, whatever days are asked for."""
    place = str(workspace.folder / "a.sqlite")
    export = {"exporter": "sqlite", "table": "queues", "path": place}
    path = workspace.write(exports=[export])
    cli("run", path)

    assert cli("run", path, *NARROW).exit_code == 0


def test_a_report_of_an_older_release_protects_its_files(
    workspace: "Workspace",
) -> None:
    """It has no `ranges`; its files have its own range."""
    workspace.run()
    note = workspace.folder / "store" / "job" / "run.json"
    content = json.loads(note.read_text("utf-8"))
    kept = content.pop("ranges")
    note.write_text(json.dumps(content), "utf-8")

    with pytest.raises(JobError, match="would hold only"):
        gcbatch.run(narrowed(workspace, "1999-08-03", "1999-08-05"))

    assert [Path(one["path"]).name for one in kept] == [
        "job.csv",
        "job.json",
        "job.parquet",
    ]
    assert {(one["from"], one["narrowed"]) for one in kept} == {
        ("1999-07-31T21:00:00.000Z", False)
    }


@pytest.mark.parametrize(
    ("sections", "difference"),
    [
        ({"query": {"to": "1999-08-05"}}, "to: 1999-08-08 -> 1999-08-05"),
        ({"query": {"metrics": ["nOffered"]}}, "without tAnswered, tAbandon, tHandle"),
        ({"query": {"granularity": "PT30M"}}, "granularity: PT1H -> PT30M"),
        ({"query": {"timezone": "UTC"}}, "timezone: Asia/Jerusalem -> UTC"),
        ({"query": {"group_by": ["mediaType"]}}, "group_by: now "),
        ({"query": {"queues": ["Sales"]}}, "queues: none -> "),
        ({"fetch": {"chunk": "P2D"}}, "fetch.chunk: P1D -> P2D"),
        ({"org": {"name": "Other"}}, "org: "),
    ],
    ids=["to", "metrics", "granularity", "zone", "groups", "queues", "chunk", "org"],
)
def test_the_difference_to_the_last_run_is_said(
    workspace: "Workspace", sections: dict[str, Any], difference: str
) -> None:
    """Each key with both values, so that one sees which to give."""
    workspace.run()

    with pytest.raises(JobError, match="requests other data than its last") as caught:
        workspace.export(**sections)

    assert difference in str(caught.value)
    is_range = "from and --to" in str(caught.value.hint)
    assert is_range == difference.startswith("to:")


def test_of_an_older_store_the_range_is_said(workspace: "Workspace") -> None:
    """It kept its queries alone, which tell what they were about."""
    workspace.run()
    note = workspace.folder / "store" / "job" / "plan.json"
    content = json.loads(note.read_text("utf-8"))
    del content["requested"]
    note.write_text(json.dumps(content), "utf-8")

    with pytest.raises(JobError) as caught:
        workspace.export(query={"to": "1999-08-05"})

    spans = "1999-08-01..1999-08-08 -> 1999-08-01..1999-08-05"
    assert f"range: {spans}" in str(caught.value)
