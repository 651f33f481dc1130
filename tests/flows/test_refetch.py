"""Fetching some days again: `--refetch FROM..TO`."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import JobError, ServiceError
from gcbatch.joined_spans import joined_spans
from gcbatch.simulator import Call, Fault, Queue, Tenant
from gcbatch.store.store import Store
from gcbatch.windows import Window
from tests.flows.test_runs import SALES, TWO_QUEUES, small_tenant
from tests.support.cluster_world import Run, aggregates_sections, job_file
from tests.support.several_orgs import orgs_of

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace, WorkspaceOf
    from tests.support.s3_server import S3Bucket

TWO_DAYS = "1999-08-03..1999-08-05"
DAYS_OF_AUGUST = {"from": "2026-08-01", "to": "2026-08-06", "timezone": "UTC"}


def starts(parts: list[Path], since: dict[Path, int]) -> list[str]:
    """Return the begins of the parts that were written since, in order."""
    written = [part for part in parts if part.stat().st_mtime_ns != since[part]]
    return sorted(f"{_start_of(part).astimezone(UTC):%m-%dT%H}" for part in written)


def offered(path: Path) -> dict[str, int]:
    """Return the calls of each day of a file."""
    table = pq.read_table(path)
    days = [start.date().isoformat() for start in table["interval_start"].to_pylist()]
    found: Counter[str] = Counter()
    for day, calls in zip(days, table["n_offered"].to_pylist(), strict=True):
        found[day] += calls
    return dict(found)


def august(*more: Call) -> Tenant:
    """Return a tenant with a call a day in a queue, and more."""
    first = datetime(2026, 8, 1, 9, 10, tzinfo=UTC)
    each = (
        Call(
            queue_id=SALES,
            offered=first + timedelta(days=day),
            answered=first + timedelta(days=day, seconds=10),
            ended=first + timedelta(days=day, seconds=70),
        )
        for day in range(5)
    )
    return Tenant(
        name="August",
        version="1",
        queues=(Queue(id=SALES, name="Sales"),),
        calls=(*each, *more),
    )


LATE = Call(queue_id=SALES, offered=datetime(2026, 8, 2, 12, 30, tzinfo=UTC))


def test_only_the_days_of_the_span_are_requested(workspace: "Workspace") -> None:
    """The span is of local midnights and half-open, as ranges are."""
    job = workspace.job()
    gcbatch.run(job)
    since = {part: part.stat().st_mtime_ns for part in workspace.parts}
    workspace.simulator.request_log.clear()

    report = gcbatch.run(job, refetch=TWO_DAYS)

    assert (report.fetched, report.queries) == (2, 7)
    assert len(workspace.data_requests) == 2
    assert starts(workspace.parts, since) == ["08-02T21", "08-03T21"]


@pytest.mark.parametrize(
    "refetch",
    [
        ("1999-08-03", "1999-08-05"),
        (date(1999, 8, 3), date(1999, 8, 5)),
        ["1999-08-03..1999-08-04", ("1999-08-04", "1999-08-05")],
        "1999-08-02T21:00:00Z..1999-08-04T21:00:00Z",
        "1999-08-03T12:00..1999-08-04T00:30",
    ],
    ids=["pair", "dates", "several", "instants", "touching"],
)
def test_a_span_has_many_forms(workspace: "Workspace", refetch: Any) -> None:
    """Pairs, dates, lists and instants; a window that a span touches is fetched."""
    job = workspace.job()
    gcbatch.run(job)

    assert gcbatch.plan(job, refetch=refetch).stored == 5
    assert gcbatch.run(job, refetch=refetch).fetched == 2


def test_the_whole_range_is_exported(workspace_of: "WorkspaceOf") -> None:
    """What arrived late in one day is added; all other days stay in the file."""
    workspace = workspace_of(august())
    workspace.run(query=DAYS_OF_AUGUST)
    before = offered(workspace.folder / "job.parquet")
    workspace.become(august(LATE))
    workspace.environ["GENESYS_CLIENT_SECRET"] = workspace.simulator.client_secret
    unasked = workspace.run(query=DAYS_OF_AUGUST)

    gcbatch.run(workspace.job(query=DAYS_OF_AUGUST), refetch="2026-08-02..2026-08-03")
    after = offered(workspace.folder / "job.parquet")

    assert unasked.fetched == 0
    assert before == {f"2026-08-0{day}": 1 for day in range(1, 6)}
    assert after == {**before, "2026-08-02": 2}


def test_an_interrupted_refetch_goes_on(workspace: "Workspace") -> None:
    """The next plain run fetches the rest; the parts were in use until then."""
    job = workspace.job(fetch={"concurrency": 1})
    gcbatch.run(job)
    written = workspace.outputs()
    workspace.simulator.faults.add(Fault("status", status=400, nth=(2,)))
    with pytest.raises(ServiceError):
        gcbatch.run(job, refetch="1999-08-02..1999-08-06")
    kept = gcbatch.export_job(job).rows

    again, after = gcbatch.run(job), gcbatch.run(job)

    assert (again.fetched, after.fetched) == (3, 0)
    assert kept == again.rows > 0
    assert workspace.outputs() == written


def test_a_second_refetch_keeps_the_first(workspace: "Workspace") -> None:
    """What an interrupted one did not come to is fetched with the next."""
    job = workspace.job(fetch={"concurrency": 1})
    gcbatch.run(job)
    workspace.simulator.faults.add(Fault("status", status=400, nth=(1,)))
    with pytest.raises(ServiceError):
        gcbatch.run(job, refetch="1999-08-02..1999-08-03")

    assert gcbatch.run(job, refetch="1999-08-06..1999-08-07").fetched == 2


def test_a_plan_says_what_it_costs_and_begins_nothing(
    cli: "Cli", workspace: "Workspace"
) -> None:
    """Two of seven are to be fetched; the next run fetches none."""
    path = workspace.write()
    cli("run", path)

    shown = cli("plan", path, "--refetch", TWO_DAYS)
    counted = json.loads(cli("plan", path, "--refetch", TWO_DAYS, "--json").stdout)

    assert "5 stored, 2 to fetch" in shown.stdout
    assert (counted["requests"], counted["stored"]) == (7, 5)
    assert json.loads(cli("run", path, "--json").stdout)["fetched"] == 0


@pytest.mark.parametrize(
    ("span", "problem"),
    [
        ("1999-08-03", "refetch 1999-08-03: is not FROM..TO"),
        ("1999-08-03..", "refetch 1999-08-03..: '' is not a date"),
        ("a..b", "refetch a..b: 'a' is not a date"),
        ("1..2..3", "refetch 1..2..3: is not FROM..TO"),
        ("", "refetch '': is not FROM..TO"),
    ],
)
def test_a_malformed_span_is_one_clear_message(
    cli: "Cli", workspace: "Workspace", span: str, problem: str
) -> None:
    """It ends with 2 before any request, once for all jobs."""
    jobs = [workspace.write(name) for name in ("one", "two")]

    result = cli("run", *jobs, f"--refetch={span}")

    assert result.exit_code == 2
    (line,) = [x for x in result.stderr.splitlines() if x.startswith("error")]
    assert line.startswith(f"error: {problem}")
    assert "hint: write FROM..TO" in result.stderr
    assert not len(workspace.simulator.request_log)


@pytest.mark.parametrize(
    "span",
    [
        "1999-07-31..1999-08-02",
        "1999-08-07..1999-08-09",
        "2026-01-01..2026-01-02",
    ],
)
def test_a_span_outside_the_range_is_refused(workspace: "Workspace", span: str) -> None:
    """The message has the range; nothing is requested and nothing begun."""
    job = workspace.job()

    with pytest.raises(JobError) as caught:
        gcbatch.run(job, refetch=span)

    assert f"refetch {span}: is not within the range of the job " in str(caught.value)
    assert "(1999-08-01..1999-08-08)" in str(caught.value)
    assert not len(workspace.simulator.request_log)
    assert not Store(workspace.folder / "store", "job").fresh


def test_a_span_that_ends_before_it_begins_is_refused(workspace: "Workspace") -> None:
    """As such a range is."""
    with pytest.raises(JobError, match="must be before to"):
        gcbatch.run(workspace.job(), refetch="1999-08-04..1999-08-04")


def test_fresh_and_refetch_contradict(cli: "Cli", workspace: "Workspace") -> None:
    """One of them is superfluous, so one of them is a mistake."""
    result = cli("run", workspace.write(), "--fresh", "--refetch", TWO_DAYS)

    assert result.exit_code == 2
    assert "fresh fetches everything again already" in result.stderr


def test_tables_alone_have_no_days(workspace: "Workspace") -> None:
    """The message says what lists them again."""
    path = workspace.write()
    content = json.loads(path.read_text("utf-8"))
    del content["query"]
    content["exports"] = [
        {"exporter": "csv", "table": "queues", "path": str(workspace.folder / "q.csv")}
    ]
    path.write_text(json.dumps(content), "utf-8")
    job = gcbatch.load_job(path, environ=workspace.environ)

    with pytest.raises(JobError, match="it has no range") as caught:
        gcbatch.run(job, refetch=TWO_DAYS)

    assert caught.value.hint == "`gcbatch run --fresh JOB` lists its tables again"


def test_each_of_several_jobs_is_refetched(workspace: "Workspace") -> None:
    """A job with another range is refused alone, and the others run."""
    jobs = [
        workspace.job("one"),
        workspace.job("two", query={"to": "1999-08-04"}),
        workspace.job("three"),
    ]
    asyncio.run(gcbatch.arun_all(jobs))

    done = asyncio.run(gcbatch.arun_all(jobs, refetch=TWO_DAYS))

    one, two, three = done
    assert isinstance(two, JobError)
    assert "(1999-08-01..1999-08-04)" in str(two)
    assert not isinstance(one, gcbatch.GcbatchError)
    assert not isinstance(three, gcbatch.GcbatchError)
    assert (one.fetched, three.fetched) == (2, 2)


def test_relative_dates_count_as_in_the_range(workspace_of: "WorkspaceOf") -> None:
    """Yesterday is one window; `now` may be later than the last whole bucket."""
    workspace = workspace_of(small_tenant(*TWO_QUEUES))
    query = {"from": "today-3d", "to": "now", "timezone": "UTC"}
    job = workspace.job(query=query)
    windows = gcbatch.run(job).queries

    planned = gcbatch.plan(job, refetch="yesterday..today")
    ended = gcbatch.plan(job, refetch="now-1h..now")

    assert windows == len(planned.plan.queries)
    assert planned.stored == ended.stored == 0  # all are provisional


def test_details_are_refetched_by_the_windows_that_are_touched(
    workspace: "Workspace",
) -> None:
    """Their windows are days of UTC; a local day touches two."""
    query = {"endpoint": "conversation-details", "from": "1999-08-02"}
    query |= {"to": "1999-08-06", "timezone": "Asia/Jerusalem"}
    path = workspace.write(query=query)
    content = json.loads(path.read_text("utf-8"))
    content["query"] = query
    out = workspace.folder / "c.csv"
    content["exports"] = [
        {"exporter": "csv", "table": "conversations", "path": str(out)}
    ]
    path.write_text(json.dumps(content), "utf-8")
    job = gcbatch.load_job(path, environ=workspace.environ)
    first = gcbatch.run(job)
    written = out.read_bytes()

    again = gcbatch.run(job, refetch="1999-08-03..1999-08-04")

    assert (first.fetched, first.queries) == (5, 5)
    assert again.fetched == 2
    assert out.read_bytes() == written


def test_each_org_is_refetched_by_its_own_days(workspace_of: "WorkspaceOf") -> None:
    """One span, in the zone of each; each org fetches its window."""
    orgs = orgs_of(workspace_of, "north", "west")
    job = orgs.job()
    first = gcbatch.run(job)

    again = gcbatch.run(job, refetch="2026-03-02..2026-03-03")

    assert first.fetched == first.queries
    assert again.fetched == 2


def test_a_span_of_one_org_is_clipped_to_the_ranges_of_others(
    workspace_of: "WorkspaceOf",
) -> None:
    """Local times mean other instants in another zone, as the spans of verify do."""
    orgs = orgs_of(workspace_of, "north", "south")
    ends = {"from": "2026-03-03T11:00:00Z", "to": "2026-03-05T11:00:00Z"}
    job = orgs.job(query=ends)
    gcbatch.run(job)

    again = gcbatch.run(job, refetch="2026-03-04..2026-03-06")

    assert again.fetched > 1
    assert not again.failures
    with pytest.raises(JobError, match="not within the range of any org"):
        gcbatch.run(job, refetch="2026-05-04..2026-05-06")


def test_verify_prints_the_command_that_mends(workspace: "Workspace") -> None:
    """Run in a shell as it is printed, verify is good again."""
    sections = {"query": DAYS_OF_AUGUST}
    workspace.become(august())
    secret = {"GENESYS_CLIENT_SECRET": workspace.simulator.client_secret}
    workspace.environ.update(secret)
    path = workspace.write("my-job", **sections)
    path = path.rename(workspace.folder / "my job.yaml")
    gcbatch.run(gcbatch.load_job(path, environ=secret))
    workspace.become(august(LATE))
    environ = {**workspace.process_environ}
    environ["GENESYS_CLIENT_SECRET"] = workspace.simulator.client_secret
    programs = str(Path(sys.executable).parent)
    environ["PATH"] = f"{programs}{os.pathsep}{environ.get('PATH', '')}"

    def shell(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S602 - as a user would paste it
            command,
            shell=True,
            cwd=workspace.folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    found = shell(f"gcbatch verify {shlex.quote(path.name)}")
    hint = found.stderr.partition("hint: `")[2].partition("`")[0]
    mended = shell(hint)
    again = shell(f"gcbatch verify {shlex.quote(path.name)}")

    assert found.returncode == 5
    assert hint == "gcbatch run 'my job.yaml' --refetch 2026-08-02..2026-08-03"
    assert (mended.returncode, again.returncode) == (0, 0), mended.stderr
    assert "1 of 5 queries fetched" in mended.stdout


def test_verify_names_the_days_of_missing_parts(
    cli: "Cli", workspace: "Workspace"
) -> None:
    """Each day once, with the options of the run; days in a row are one span."""
    path = workspace.write()
    options = ("--from", "1999-08-02", "--set", "fetch.concurrency=2")
    cli("run", path, *options)
    by_start = sorted(workspace.parts, key=_start_of)
    for part in (by_start[0], by_start[3], by_start[4]):
        part.unlink()

    result = cli("verify", path, *options, "--offline")

    spans = "--refetch 1999-08-02..1999-08-03 --refetch 1999-08-05..1999-08-07"
    command = f"gcbatch run {path} {' '.join(options)} {spans}"
    assert f"hint: `{command}` fetches what is missing or damaged" in result.stderr


def _start_of(part: Path) -> datetime:
    starts = pq.read_table(part, columns=["interval_start"])["interval_start"]
    first: datetime = min(starts.to_pylist())
    return first


def test_many_spans_become_few() -> None:
    """Those that are closest are joined; every window stays within one."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    windows = [
        Window(first + timedelta(hours=h), first + timedelta(hours=h + 1))
        for h in (0, 1, 10, 12, 100, 101, 200)
    ]

    spans = joined_spans(windows, 3)

    assert [(s.start - first) // timedelta(hours=1) for s in spans] == [0, 100, 200]
    assert [(s.end - first) // timedelta(hours=1) for s in spans] == [13, 102, 201]
    assert len(joined_spans(windows)) == 5


def test_a_store_in_a_bucket_is_refetched(
    workspace_of: "WorkspaceOf", s3: "S3Bucket"
) -> None:
    """Also after an interruption; the note of it is emptied at the end."""
    workspace = workspace_of(bucket=s3)
    job = workspace.job(fetch={"concurrency": 1})
    gcbatch.run(job)
    written = workspace.outputs()
    workspace.simulator.faults.add(Fault("status", status=400, nth=(2,)))
    with pytest.raises(ServiceError):
        gcbatch.run(job, refetch="1999-08-02..1999-08-05")

    again, after = gcbatch.run(job), gcbatch.run(job)

    assert (again.fetched, after.fetched) == (2, 0)
    assert workspace.outputs() == written


@pytest.mark.cluster
def test_workers_refetch_too(workspace: "Workspace") -> None:
    """What they write counts as fetched for the span."""
    job = job_file(workspace, "job", aggregates_sections())
    spread = ("--engine", "dask", "--workers", "2")
    Run(workspace, job).end()
    total = len(workspace.data_requests)
    workspace.simulator.request_log.clear()

    Run(workspace, job, *spread, "--refetch", TWO_DAYS).end()
    fetched = len(workspace.data_requests)
    Run(workspace, job, *spread).end()

    assert 0 < fetched < total
    assert len(workspace.data_requests) == fetched
