"""Keeping the store small: what is in it, and what goes."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from gcbatch import JobError, OutputError
from gcbatch.cli import app
from gcbatch.store import maintenance
from gcbatch.store.maintenance import list_store, parse_age, prune
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.store import Store
from gcbatch.windows import Period, Window
from tests.support.stored_files import path_of

if TYPE_CHECKING:
    from tests.conftest import Workspace

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = Period.parse("P30D")


def digest(number: int) -> str:
    return f"{number:040x}"


def put(
    root: Path, ended: float, *, job: str = "job", number: int = 1, asked: float = 0
) -> Path:
    """Store a part whose window ended, and that was asked for, so many days ago."""
    window = Window(NOW - (ended + 1) * DAY, NOW - ended * DAY)
    metadata = PartMetadata(NOW - asked * DAY, window, 1, 1, 1, 100, ("id",))
    store = Store(root, job)
    store.write(digest(number), Part(pa.table({"n": [number]}), metadata))
    return path_of(store, digest(number))


def note(root: Path, name: str, job: str = "job", days: float = 0) -> Path:
    """Keep a note, written so many days ago."""
    Store(root, job).write_note(name, {"name": name})
    return aged(root / job / name, days)


def aged(path: Path, days: float) -> Path:
    at = (NOW - days * DAY).timestamp()
    os.utime(path, (at, at))
    return path


def left(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.mark.parametrize(
    ("text", "period"),
    [("30d", "P30D"), ("12w", "P12W"), ("6mo", "P6M"), ("1y", "P1Y"), (" 7 d ", "P7D")],
)
def test_ages_are_counted_by_the_calendar(text: str, period: str) -> None:
    """Days, weeks, months and years."""
    assert parse_age(text) == Period.parse(period)


@pytest.mark.parametrize(
    "text", ["", "30", "d", "0d", "-3d", "30m", "1h", "3.5d", "P30D", "٣d", "9999999d"]
)
def test_what_is_no_age_is_refused(text: str) -> None:
    """Above all a lone number, and m, which may be minutes or months."""
    with pytest.raises(JobError, match="is not an age"):
        parse_age(text)


class TestPrune:
    def test_what_ended_long_ago_goes(self, tmp_path: Path) -> None:
        """By the end of its window: 31 days ago goes, 30 and 29 days ago stay."""
        old, edge, young = (
            put(tmp_path, days, number=n) for n, days in enumerate((31, 30, 29))
        )

        done = prune(tmp_path, MONTH, now=NOW)

        assert not old.exists()
        assert edge.exists()
        assert young.exists()
        assert (done.parts, done.jobs, done.emptied) == (1, ["job"], [])

    def test_fetching_again_makes_nothing_younger(self, tmp_path: Path) -> None:
        """The age is that of the data, not of the request or of the file."""
        put(tmp_path, 400, asked=0)
        put(tmp_path, 5, number=2, asked=400)

        prune(tmp_path, MONTH, now=NOW)

        assert [path.stem for path in tmp_path.rglob("*.parquet")] == [digest(2)]

    @pytest.mark.parametrize("name", ["plan.json", "run.json", "fresh.json"])
    def test_notes_stay_while_a_part_does(self, tmp_path: Path, name: str) -> None:
        """Without them what is left could be neither exported nor verified."""
        put(tmp_path, 31)
        put(tmp_path, 3, number=2)
        kept = note(tmp_path, name, days=40)

        done = prune(tmp_path, MONTH, now=NOW)

        assert (done.parts, done.emptied) == (1, [])
        assert kept.exists()

    @pytest.mark.parametrize("name", ["plan.json", "run.json", "fresh.json"])
    def test_notes_go_with_the_last_part(self, tmp_path: Path, name: str) -> None:
        """They name queues and people; nothing of the job is left, others stay."""
        put(tmp_path, 31)
        note(tmp_path, name)
        put(tmp_path, 3, job="other")
        note(tmp_path, name, "other")

        done = prune(tmp_path, MONTH, now=NOW)

        assert done.emptied == ["job"]
        assert left(tmp_path) == {
            "other",
            "other/parts",
            f"other/parts/{digest(1)}.parquet",
            f"other/{name}",
        }

    @pytest.mark.parametrize(("days", "stays"), [(0.5, True), (1.5, False)])
    def test_a_job_that_has_just_begun_stays(
        self, tmp_path: Path, days: float, *, stays: bool
    ) -> None:
        """Notes without parts may be a run's under way, for a day."""
        path = note(tmp_path, "plan.json", days=days)

        done = prune(tmp_path, MONTH, now=NOW)

        assert path.exists() == stays
        assert done.emptied == ([] if stays else ["job"])

    @pytest.mark.parametrize(("days", "stays"), [(0.5, True), (1.5, False)])
    def test_leftovers_of_writes_go_after_a_day(
        self, tmp_path: Path, days: float, *, stays: bool
    ) -> None:
        """Younger ones may be written now."""
        put(tmp_path, 3)
        folder = tmp_path / "job"
        leftovers = [
            folder / "parts" / f".{digest(9)}.0123456789ab.part",
            folder / "parts" / f"{digest(9)}.pending",
            folder / ".plan.json.0123456789ab.part",
        ]
        for path in leftovers:
            path.touch()
            aged(path, days)

        done = prune(tmp_path, MONTH, now=NOW)

        assert [path.exists() for path in leftovers] == [stays] * 3
        assert done.leftovers == (0 if stays else 3)

    def test_the_leftovers_of_real_writes_are_known(self, tmp_path: Path) -> None:
        """What files.create_beside makes is what is looked for."""
        from gcbatch.atomic_files import create_temp_beside  # noqa: PLC0415 - one test

        put(tmp_path, 3)
        names = (f"parts/{digest(9)}.parquet", f"parts/{digest(9)}.pending")
        for name in (*names, "plan.json", "run.json"):
            aged(create_temp_beside(tmp_path / "job" / name), 2)

        assert prune(tmp_path, MONTH, now=NOW).leftovers == 4

    def test_nothing_of_others_is_removed(self, tmp_path: Path) -> None:
        """Whatever lies in the store and is not ours stays, and so do its folders."""
        put(tmp_path, 31)
        parts = tmp_path / "job" / "parts"
        foreign = [
            tmp_path / "readme.txt",
            tmp_path / "job" / "notes.txt",
            tmp_path / "elsewhere" / "data.parquet",
            parts / "table.parquet",
            parts / f"{digest(5)}.parquet.bak",
            parts / f"{digest(5).upper()}A.parquet",
            parts / ".hidden.part",
            parts / "deeper" / f"{digest(6)}.parquet",
        ]
        for path in foreign:
            path.parent.mkdir(exist_ok=True)
            path.write_text("mine")
            aged(path, 999)
        own = parts / f"{digest(7)}.parquet"
        pq.write_table(pa.table({"mine": [1]}), own)
        aged(own, 999)

        done = prune(tmp_path, MONTH, now=NOW)

        assert done.parts == 1
        assert all(path.exists() for path in (*foreign, own))

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        """Neither to files, nor to folders of parts, nor to folders of jobs."""
        elsewhere = tmp_path / "elsewhere"
        parts = [put(elsewhere, 99, number=n, job=f"j{n}") for n in range(3)]
        root = tmp_path / "store"
        put(root, 3)
        (root / "job" / "parts" / parts[0].name).symlink_to(parts[0])
        (root / "linked").mkdir()
        (root / "linked" / "parts").symlink_to(parts[1].parent)
        (root / "linked" / "plan.json").symlink_to(parts[1])
        (root / "far").symlink_to(elsewhere / "j2")
        before = left(tmp_path)

        done = prune(root, MONTH, now=NOW)

        assert left(tmp_path) == before
        assert (done.parts, done.emptied) == (0, [])
        assert [job.job for job in list_store(root)] == ["job"]
        assert list_store(root)[0].parts == 1

    def test_a_store_that_is_a_link_was_meant(self, tmp_path: Path) -> None:
        """Who names a link names what it leads to."""
        part = put(tmp_path / "real", 31)
        (tmp_path / "link").symlink_to(tmp_path / "real")

        prune(tmp_path / "link", MONTH, now=NOW)

        assert not part.exists()

    @pytest.mark.parametrize(("days", "stays"), [(29, True), (31, False)])
    def test_a_damaged_part_is_as_old_as_its_file(
        self, tmp_path: Path, days: float, *, stays: bool
    ) -> None:
        """It has no window, but it may hold personal data."""
        part = put(tmp_path, 3)
        part.write_bytes(part.read_bytes()[:-20])
        aged(part, days)

        prune(tmp_path, MONTH, now=NOW)

        assert part.exists() == stays

    def test_a_dry_run_reports_the_same_and_removes_nothing(
        self, tmp_path: Path
    ) -> None:
        """What it says is what would happen."""
        put(tmp_path, 31)
        put(tmp_path, 3, job="other")
        note(tmp_path, "plan.json")
        before = left(tmp_path)

        reported = prune(tmp_path, MONTH, now=NOW, dry_run=True)
        unchanged = left(tmp_path)
        done = prune(tmp_path, MONTH, now=NOW)

        assert unchanged == before
        assert reported == done
        assert (reported.parts, reported.emptied) == (1, ["job"])
        assert reported.size > 0

    def test_a_second_time_finds_nothing(self, tmp_path: Path) -> None:
        """Pruning again changes nothing."""
        put(tmp_path, 31)
        put(tmp_path, 3, number=2)
        prune(tmp_path, MONTH, now=NOW)

        assert prune(tmp_path, MONTH, now=NOW).parts == 0

    def test_what_cannot_be_removed_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Rights of the store are exit 6; what another process removed is no matter."""
        part = put(tmp_path, 31)

        def refuse(path: Path) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        def vanish(path: Path) -> None:
            raise FileNotFoundError(2, "No such file", str(path))

        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(OutputError, match="cannot be removed: Permission denied"):
            prune(tmp_path, MONTH, now=NOW)
        monkeypatch.setattr(Path, "unlink", vanish)
        done = prune(tmp_path, MONTH, now=NOW)

        assert part.exists()
        assert done.size == 0

    def test_a_store_that_cannot_be_read_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So is one that is not there: a slip in --store shall not pass for done."""

        def refuse(path: Path) -> Any:
            raise PermissionError(13, "Permission denied", str(path))

        with pytest.raises(OutputError, match="holds no store"):
            prune(tmp_path / "nowhere", MONTH, now=NOW)
        monkeypatch.setattr(os, "scandir", refuse)
        with pytest.raises(OutputError, match="cannot be read: Permission denied"):
            prune(tmp_path, MONTH, now=NOW)

    def test_an_age_beyond_the_calendar_is_refused(self, tmp_path: Path) -> None:
        """No store is 9,999 years old."""
        with pytest.raises(JobError, match="no store is as old"):
            prune(tmp_path, parse_age("9999y"), now=NOW)


class TestList:
    def test_parts_are_looked_at_one_by_one(self, tmp_path: Path) -> None:
        """What is known of 100,000 of them would take 80 MB."""
        for number in range(3):
            put(tmp_path, 20, number=number)
        store = Store(tmp_path, "job")

        looked_at = [
            (maintenance._found_part(store, entry), len(store._known))
            for entry in store.files.entries()
        ]

        assert [(bool(part), known) for part, known in looked_at] == [(True, 0)] * 3

    def test_reports_every_job(self, tmp_path: Path) -> None:
        """Range, number and size of parts; by name."""
        put(tmp_path, 10, job="b")
        sizes = [put(tmp_path, n, number=n, job="a").stat().st_size for n in (20, 30)]
        (tmp_path / "no job").mkdir()

        a, b = list_store(tmp_path)

        assert (a.job, b.job, a.parts, a.size) == ("a", "b", 2, sum(sizes))
        assert a.window == Window(NOW - 31 * DAY, NOW - 20 * DAY)
        assert a.last_run is None

    @pytest.mark.parametrize(
        ("reported", "provisional"),
        [
            ({}, 1),
            ({"settle": "P30D", "timezone": "Europe/Dublin"}, 2),
            ({"settle": "PT0S", "timezone": "UTC"}, 0),
            ({"settle": "nonsense", "timezone": "UTC"}, 1),
            ({"settle": "P30D", "timezone": "Mars"}, 1),
            ({"settle": 3, "timezone": None, "started_at": 5}, 1),
        ],
    )
    def test_what_is_provisional_follows_the_last_run(
        self, tmp_path: Path, reported: dict[str, Any], provisional: int
    ) -> None:
        """By its settling time; by the usual four days where that is not known."""
        put(tmp_path, 3)
        put(tmp_path, 10, number=2)
        Store(tmp_path, "job").write_note("run.json", reported)

        (job,) = list_store(tmp_path)

        assert (job.provisional, job.last_run) == (provisional, None)

    def test_damaged_parts_are_counted(self, tmp_path: Path) -> None:
        """They take space, and have no range."""
        put(tmp_path, 3).write_bytes(b"damaged")

        (job,) = list_store(tmp_path)

        assert (job.parts, job.unreadable, job.window) == (1, 1, None)

    def test_a_name_that_is_not_stored(self, tmp_path: Path) -> None:
        """The nearest is named."""
        put(tmp_path, 3, job="retail")

        with pytest.raises(JobError, match="did you mean retail"):
            list_store(tmp_path, ["retial"])


class TestCommands:
    @pytest.fixture
    def cli(
        self, workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., Result]:
        monkeypatch.chdir(workspace.folder)
        for name, value in workspace.environ.items():
            monkeypatch.setenv(name, value)
        return lambda *args: CliRunner().invoke(app, ["store", *map(str, args)])

    def test_ls_shows_what_a_run_left(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """One line for each job; as JSON for machines."""
        workspace.run()
        report = workspace.run("other", query={"to": "1999-08-03"})

        shown = cli("ls", "--store", "store")
        reported = json.loads(cli("ls", "--store", "store", "--json", "other").stdout)

        assert shown.exit_code == 0
        *rows, zone = shown.stdout.splitlines()
        assert [row.split()[0] for row in rows] == ["job", "job", "other"]
        assert zone == "times in UTC"
        (other,) = reported
        assert (other["parts"], other["provisional"]) == (2, 0)
        assert other["from"] == "1999-07-31T21:00:00.000Z"
        assert other["last_run"] == report.to_json()["started_at"]

    def test_the_default_store(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """Without --store it is .gcbatch; an empty one is reported as empty."""
        missing = cli("ls")
        (workspace.folder / ".gcbatch").mkdir()

        assert missing.exit_code == 6
        assert "hint: " in missing.stderr
        assert cli("ls").stdout == "nothing is stored\n"
        assert json.loads(cli("ls", "--json").stdout) == []

    def test_prune_says_what_it_removed(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """One line; nothing of the job is left, and a run fetches all of it again."""
        workspace.run()
        outputs = workspace.outputs()
        leftover = workspace.parts[0].with_name(f".{digest(1)}.0123456789ab.part")
        leftover.touch()
        os.utime(leftover, (0, 0))

        dry = cli("prune", "--older-than", "30d", "--store", "store", "--dry-run")
        reported = cli(
            "prune", "--older-than=30d", "--store=store", "--dry-run", "--json"
        )
        done = cli("prune", "--older-than", "30d", "--store", "store")

        assert dry.stdout.startswith("would remove 7 parts of 1 job, 1 unfinished file")
        assert done.stdout.startswith("removed 7 parts of 1 job, 1 unfinished file")
        assert "everything of job" in done.stdout
        assert len(done.stdout.splitlines()) == 1
        assert json.loads(reported.stdout)["parts"] == 7
        assert json.loads(reported.stdout)["dry_run"] is True
        assert left(workspace.folder / "store") == set()
        assert workspace.run().fetched == 7
        assert workspace.outputs() == outputs

    def test_prune_wants_an_age(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """Without one nothing is done; one that is none is exit 2."""
        workspace.run()

        results = [
            cli("prune", "--store", "store"),
            cli("prune", "--store", "store", "--older-than", "30"),
        ]

        assert [result.exit_code for result in results] == [2, 2]
        assert len(workspace.parts) == 7

    def test_a_job_file_stands_for_its_job(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """Its store is listed and pruned, and of it only what is of this job."""
        workspace.run()
        workspace.run("other", query={"to": "1999-08-03"})
        file = workspace.write("other", query={"to": "1999-08-03"})

        (row,) = json.loads(cli("ls", file, "--json").stdout)
        dry = cli("prune", file, "--older-than", "1y", "--dry-run")
        done = cli("prune", file, "--older-than", "1y")

        assert (row["job"], row["parts"]) == ("other", 2)
        assert "2 parts of 1 job" in dry.stdout
        assert "everything of other" in done.stdout
        assert [one.job for one in list_store(workspace.folder / "store")] == ["job"]

    def test_a_job_file_that_never_ran(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """The message names the file, and what would store something."""
        workspace.run()
        file = workspace.write("new")

        result = cli("ls", file)

        assert result.exit_code == 2
        assert (
            f"error: {file}: {workspace.folder}/store: unknown job 'new'"
            in result.stderr
        )
        assert "hint: `gcbatch run JOB` stores what it fetches" in result.stderr

    @pytest.mark.parametrize("option", ["--store", "--job"])
    def test_a_job_file_beside_another_store(
        self, cli: Callable[..., Result], workspace: "Workspace", option: str
    ) -> None:
        """Each of the two names a store."""
        result = cli("ls", workspace.write(), option, workspace.folder / "elsewhere")

        assert result.exit_code == 2
        assert f"{option} both name a store" in result.stderr
