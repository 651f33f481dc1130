"""Tables of several orgs: the column `org` everywhere, days only where they agree."""

import csv
import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import openpyxl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from gcbatch import JobError
from gcbatch.exporting import FileOptions, Receipt, Target, export
from gcbatch.table import Table
from gcbatch.windows import iso
from tests.support.several_orgs import DAYS, Orgs, orgs_of

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf


@pytest.fixture
def two(workspace_of: "WorkspaceOf") -> Orgs:
    """Start two orgs."""
    return orgs_of(workspace_of, "north", "west")


def exports(*each: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    return [{**one, "path": str(folder / one["path"])} for one in each]


def sla_job(**more: Any) -> dict[str, Any]:
    """Return sections of a job with the table `sla`, whose target is 80 %."""
    return {"sla": {"target": 80}, **more}


@pytest.mark.parametrize("table", ["intervals", "sla", "queues", "users"])
def test_org_is_the_first_column_and_key(two: Orgs, table: str) -> None:
    """In every table; rows of one org come after those of the other, by name."""
    one = {"exporter": "parquet", "table": table, "path": "o.parquet"}
    job = sla_job(exports=exports(one, folder=two.folder))

    report = two.run(**job)

    assert report.catalog is not None
    found = report.catalog.table(table)
    assert found.schema.names[0] == found.key[0] == "org"
    assert not found.schema.field("org").nullable
    rows = pq.read_table(two.folder / "o.parquet")
    assert rows.schema.names[0] == "org"
    reported = rows["org"].to_pylist()
    assert reported == sorted(reported)
    assert set(reported) <= {"north", "west"}
    keys = list(zip(*(rows[name].to_pylist() for name in found.key), strict=True))
    assert len(set(keys)) == len(keys)


def test_details_have_it_too(two: Orgs) -> None:
    """Conversations of orgs that have none are an empty table with the column."""
    query: dict[str, Any] = {
        "endpoint": "conversation-details",
        "granularity": None,
        "metrics": [],
    }
    one = {"exporter": "csv", "table": "conversations", "path": "c.csv"}

    report = two.run(query=query, exports=exports(one, folder=two.folder))

    for name, table in report.tables.items():
        assert table.key[:2] == ("org", "conversation_id"), name
    header = (two.folder / "c.csv").read_text("utf-8").splitlines()[0]
    assert header.startswith("org,conversation_id,")


def test_every_exporter_writes_it(two: Orgs) -> None:
    """First of all columns, with the org of every row."""
    kinds = ("csv", "json", "parquet", "xlsx", "html")
    each = [{"exporter": k, "table": "intervals", "path": f"o.{k}"} for k in kinds]

    two.run(exports=exports(*each, folder=two.folder))

    wanted = ["north"] * 4 * DAYS + ["west"] * 4 * DAYS
    with (two.folder / "o.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert next(iter(rows[0])) == "org"
    assert [row["org"] for row in rows] == wanted
    lines = (two.folder / "o.json").read_text("utf-8").splitlines()
    objects = [json.loads(line) for line in lines]
    assert next(iter(objects[0])) == "org"
    assert [row["org"] for row in objects] == wanted
    assert pq.read_table(two.folder / "o.parquet").column(0).to_pylist() == wanted
    sheet = openpyxl.load_workbook(two.folder / "o.xlsx").worksheets[0]
    cells = [cell.value for (cell,) in sheet.iter_rows(max_col=1)]
    assert cells == ["org", *wanted]
    page = (two.folder / "o.html").read_text("utf-8")
    assert re.findall(r"<tr><td>(\w+)</td>", page) == wanted


class OlderExporter:
    """An exporter for API 1: it replaces the range of a table, and knows no spans."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[BaseModel]] = FileOptions

    def __init__(self, options: BaseModel) -> None:
        self._path = FileOptions.model_validate(options).path

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        del target
        (table,) = tables.values()
        found = table.read_all().to_pylist()
        rows = [(row["org"], iso(row["interval_start"])) for row in found]
        covered = iso(table.covered.start), iso(table.covered.end)
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS history (org, at)")
            db.execute("DELETE FROM history WHERE at >= ? AND at < ?", covered)
            db.executemany("INSERT INTO history VALUES (?, ?)", rows)
        return Receipt(str(self._path), len(rows))


def test_an_exporter_for_api_1_works(two: Orgs) -> None:
    """It replaces what it wrote, of all orgs, each once."""
    options = FileOptions(path=two.folder / "history.db")
    tables = {"intervals": two.run().tables["intervals"]}

    for _ in range(2):
        export(OlderExporter(options), "older", tables)

    with closing(sqlite3.connect(two.folder / "history.db")) as db:
        found = db.execute("SELECT org, count(*) FROM history GROUP BY 1").fetchall()
    assert found == [("north", 4 * DAYS), ("west", 4 * DAYS)]


class TestTimeZones:
    def partitioned(self, two: Orgs, *by: str) -> list[dict[str, Any]]:
        one = {"exporter": "parquet", "table": "intervals", "path": "parts"}
        return exports({**one, "partition_by": list(by)}, folder=two.folder)

    def test_partitions_where_they_agree(self, two: Orgs) -> None:
        """By org and local day; readers find all rows again."""
        report = two.run(exports=self.partitioned(two, "org", "day"))

        folder = two.folder / "parts"
        assert len(list(folder.glob("org=*/day=2026-03-0*/data.parquet"))) == 2 * DAYS
        rows = ds.dataset(folder, partitioning="hive").to_table()
        assert rows.num_rows == report.rows == 8 * DAYS

    @pytest.mark.parametrize("unit", ["day", "month"])
    def test_no_partitions_of_days_where_they_differ(
        self, two: Orgs, unit: str
    ) -> None:
        """Refused before any request, with the reason and a way out."""
        own = {"west": {"timezone": "Asia/Tokyo"}}
        exports = self.partitioned(two, "org", unit)

        with pytest.raises(JobError, match=f"have no {unit} in common") as failed:
            two.run(own=own, exports=exports)

        assert "partition by org" in (failed.value.hint or "")
        assert two.requests("/") == {"north": [], "west": []}

    def test_partitions_by_org_do_not_need_days(self, two: Orgs) -> None:
        """As the hint says."""
        two.run(
            own={"west": {"timezone": "Asia/Tokyo"}},
            exports=self.partitioned(two, "org"),
        )

        folders = {path.parent.name for path in two.folder.glob("parts/*/data.parquet")}
        assert folders == {"org=north", "org=west"}

    def test_no_report_where_they_differ(self, two: Orgs) -> None:
        """Days and hours of the week are of one zone."""
        page = {"exporter": "html", "table": "sla", "path": "o.html"}
        job = sla_job(
            own={"west": {"timezone": "Asia/Tokyo"}},
            exports=exports(page, folder=two.folder),
        )

        with pytest.raises(JobError, match="differ by their time zones"):
            two.run(**job)

    def test_periods_are_each_orgs_own(self, two: Orgs) -> None:
        """A day of `sla` is one of the org's zone."""
        report = two.run(**sla_job(own={"west": {"timezone": "Asia/Tokyo"}}))

        assert report.tables["sla"].zones_differ
        assert report.tables["sla"].time == "period_start"
        rows = report.tables["sla"].read_all().to_pylist()
        starts = {(r["org"], r["period_start"].strftime("%H:%M")) for r in rows}
        assert starts == {("north", "00:00"), ("west", "15:00")}

    def test_local_times_are_utc_where_they_differ(self, two: Orgs) -> None:
        """No zone is everyone's; the heading says which it is."""
        sheet = {"exporter": "xlsx", "table": "intervals", "path": "o.xlsx"}
        two.run(
            query={"timezone": "America/New_York"},
            own={"west": {"timezone": "Asia/Tokyo"}},
            exports=exports(sheet, folder=two.folder),
        )

        rows = openpyxl.load_workbook(two.folder / "o.xlsx").worksheets[0]
        heading, first = (rows.cell(row=n, column=2).value for n in (1, 2))
        assert "UTC" in str(heading)
        assert str(first) == "2026-03-02 09:00:00"


class TestPage:
    @pytest.fixture
    def page(self, two: Orgs) -> str:
        """Write a report of two orgs with queues of the same names."""
        one = {"exporter": "html", "table": "sla", "period": "hour", "path": "o.html"}
        two.run(**sla_job(exports=exports(one, folder=two.folder)))
        return (two.folder / "o.html").read_text("utf-8")

    def test_names_the_org_before_the_queue(self, page: str) -> None:
        """Two queues of one name are two, each with its own level."""
        (table,) = re.findall(r'<table id="queues">.*?</table>', page, re.DOTALL)
        plain = re.sub(r"<svg.*?</svg>", "", table, flags=re.DOTALL)
        rows = re.findall(
            r'<th scope="row">(?:<a[^>]*>)?([^<]+).*?<td[^>]*>([^<]+)<', plain
        )

        assert rows[:4] == [
            ("west · Sales", "0.0\u202f%"),
            ("west · Support", "0.0\u202f%"),
            ("north · Sales", "100.0\u202f%"),
            ("north · Support", "100.0\u202f%"),
        ]

    def test_charts_have_the_same_names(self, page: str) -> None:
        """Every small chart says whose queue it shows."""
        captions = re.findall(r"<figcaption><b>([^<]+)</b>", page)

        assert set(captions) == {
            "All queues", "north · Sales", "north · Support",
            "west · Sales", "west · Support",
        }  # fmt: skip
