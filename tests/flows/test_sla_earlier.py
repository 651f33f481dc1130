"""Columns of earlier periods in `sla` equal a count of those periods.

The count knows periods by their local labels, as people do: it takes a week from the
date, looks up the row of that label, and adds up rows of labels. It shares no code with
the table.
"""

import csv
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from gcbatch import Job, JobError
from gcbatch.simulator import Tenant, generate_calls
from gcbatch.tables.service_levels.earlier import Earlier
from gcbatch.windows import Window
from tests.support.sla_truth import (
    CHANGES,
    DAY,
    DUBLIN,
    LORD_HOWE,
    NEW_YORK,
    QUEUES,
    Calendar,
    Row,
    Rows,
    check_periods,
    quotient,
    stories_near,
    stories_of,
    year,
)

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

FORMS = {"hour": "%Y-%m-%dT%H:%M", "interval": "%Y-%m-%dT%H:%M", "day": "%Y-%m-%d"}


class Expected:
    """Adds the columns of earlier periods to rows that were counted.

    Args:
        span: The first day of the range and the day after its last.
        previous: For each kind of period, what it is compared with.
        rolling: For each kind of period, how many are added up.
    """

    def __init__(
        self,
        span: tuple[str, str],
        previous: dict[str, tuple[str, ...]],
        rolling: dict[str, int],
    ) -> None:
        self.first, self.after = map(date.fromisoformat, span)
        self.previous, self.rolling = previous, rolling

    def extend(self, kind: str, rows: Rows, calendar: Calendar) -> None:
        by_label: dict[tuple[str, str], Row] = {}
        for (_, queue), row in sorted(rows.items(), key=lambda item: item[0][0]):
            by_label.setdefault((row["period"], queue), row)
        plain = {key: dict(row) for key, row in by_label.items()}

        def sums(labels: list[str], queue: str) -> tuple[int, int, int] | None:
            if not all(self.is_known(kind, label, calendar) for label in labels):
                return None
            found = [plain.get((label, queue), {}) for label in labels]
            names = ("offered", "service_level_numerator", "service_level_denominator")
            offered, part, whole = (sum(r.get(n, 0) for r in found) for n in names)
            return offered, part, whole

        for (start, queue), row in rows.items():
            more: Row = {}
            for name in self.previous.get(kind, ()):
                earlier = label_before(row["period"], kind, name)
                found = sums([earlier], queue) if earlier else None
                now = row["service_level_pct"]
                before = columns(name, found)
                level = before[f"{name}_service_level_pct"]
                change = None if None in (now, level) else now - level
                more |= {**before, f"{name}_service_level_change": change}
            if count := self.rolling.get(kind):
                labels = [row["period"]]
                step = {"day": "previous_day", "month": "previous_month"}
                for _ in range(count - 1):
                    one_less = step.get(kind, "previous_week")
                    labels.append(label_before(labels[-1], kind, one_less) or "")
                more |= columns("rolling", sums(labels, queue))
            rows[start, queue] = {**row, **more}

    def is_known(self, kind: str, label: str, calendar: Calendar) -> bool:
        """Return whether a whole period has this label, and is in the range."""
        if kind in {"hour", "interval"}:
            wall = datetime.fromisoformat(label)
            at = wall.replace(tzinfo=calendar.zone).astimezone(UTC)
            text, start, _ = calendar.period(at, kind)
            return (text, start) == (label, at) and calendar.start <= at < calendar.end
        first = first_day(label, kind)
        after = first + DAY
        if kind == "week":
            after = first + 7 * DAY
        if kind == "month":
            after = (first + 32 * DAY).replace(day=1)
        return self.first <= first and after <= self.after


def columns(name: str, found: tuple[int, int, int] | None) -> Row:
    offered, part, whole = found or (None, None, None)
    return {
        f"{name}_offered": offered,
        f"{name}_service_level_numerator": part,
        f"{name}_service_level_denominator": whole,
        f"{name}_service_level_pct": quotient(100 * part, whole)
        if part is not None and whole is not None
        else None,
    }


def first_day(label: str, kind: str) -> date:
    if kind == "week":
        number, week = label.split("-W")
        return date.fromisocalendar(int(number), int(week), 1)
    return date.fromisoformat(f"{label}-01" if kind == "month" else label)


def label_before(label: str, kind: str, name: str) -> str | None:
    """Return the label of the period before, by the calendar on the wall."""
    days = {"previous_day": 1, "previous_week": 7, "previous_year": 364}.get(name, 0)
    if kind in FORMS:
        return f"{datetime.fromisoformat(label) - days * DAY:{FORMS[kind]}}"
    if kind == "week":
        number, week = map(int, label.split("-W"))
        if name == "previous_year":
            has_it = week < 53 or date(number - 1, 12, 28).isocalendar().week == 53
            return f"{number - 1}-W{week:02}" if has_it else None
        monday = first_day(label, kind) - 7 * DAY
        return "{}-W{:02}".format(*monday.isocalendar()[:2])
    number, month = map(int, label.split("-"))
    if name == "previous_year":
        return f"{number - 1}-{month:02}"
    return f"{number - (month == 1)}-{(month - 2) % 12 + 1:02}"


@pytest.mark.one_in(5)
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("zone", [DUBLIN, NEW_YORK, LORD_HOWE])
def test_weeks_across_a_change_of_the_clocks(
    workspace_of: "WorkspaceOf", zone: str, change: int
) -> None:
    """The same time by the clock a day and a week before; of 14 days, all calls."""
    day = date.fromisoformat(CHANGES[zone][change])
    span = (str(day - 16 * DAY), str(day + 9 * DAY))
    both = ("previous_day", "previous_week")
    expected = Expected(
        span,
        {"interval": both, "hour": both, "day": both, "week": ("previous_week",)},
        {"day": 14, "week": 2},
    )
    truth = check_periods(
        workspace_of(year()),
        stories_near(zone, span),
        zone,
        span,
        "PT30M",
        periods=("interval", "hour", "day", "week", "total"),
        sections={"sla": {"compare_with": list(both), "rolling": "P14D"}},
        extend=expected.extend,
        chunk="auto",
    )

    rows = list(truth["day"].values())
    assert sum(row["rolling_offered"] is not None for row in rows) > 20
    assert any(r["previous_week_service_level_change"] for r in truth["hour"].values())


@cache
def two_years() -> Tenant:
    """Return an org with a few calls a day, from the first week of 2025."""
    start, end = datetime(2024, 12, 30, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
    calls = generate_calls(23, QUEUES, start, end, per_day=8)
    return Tenant(name="Two years", version="1", queues=QUEUES, calls=calls)


@pytest.mark.slow
def test_years_have_weeks_and_months_of_different_length(
    workspace_of: "WorkspaceOf",
) -> None:
    """Days by weekday, weeks by number (2026 has 53), months by name."""
    span = ("2024-12-30", "2027-01-20")
    names = ("previous_week", "previous_month", "previous_year")
    expected = Expected(
        span,
        {
            "day": ("previous_week", "previous_year"),
            "week": ("previous_week", "previous_year"),
            "month": ("previous_month", "previous_year"),
        },
        {"month": 3},
    )

    truth = check_periods(
        workspace_of(two_years()),
        stories_of(two_years()),
        NEW_YORK,
        span,
        "P1D",
        periods=("day", "week", "month"),
        sections={"sla": {"compare_with": list(names), "rolling": "P3M"}},
        extend=expected.extend,
        chunk="auto",
    )

    weeks = {r["period"]: r["previous_year_offered"] for r in truth["week"].values()}
    assert weeks["2026-W53"] is None
    assert weeks["2027-W01"] is not None
    months = {r["period"]: r for r in truth["month"].values()}
    assert (
        months["2025-01"]["previous_month_offered"] is None
    )  # begins before the range
    assert months["2025-02"]["previous_month_offered"] is not None
    assert months["2025-02"]["rolling_offered"] is None
    assert months["2025-03"]["rolling_offered"] is not None


def test_days_before_the_range_are_null_and_said(workspace: "Workspace") -> None:
    """A week has no week before it; a day has one before it, but the first."""
    path = workspace.folder / "s.csv"
    export = {"exporter": "csv", "table": "sla", "path": str(path)}

    report = workspace.run(
        sla={"compare_with": ["previous_day", "previous_week"], "rolling": "P30D"},
        exports=[export],
    )

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = {row["period"] for row in rows if row["previous_day_offered"]}
    assert known == {f"1999-08-0{day}" for day in range(2, 8)}
    assert not any(row["previous_week_offered"] for row in rows)
    said = [w for w in report.warnings if "reaches back before the range" in w]
    assert [w.split()[1] for w in said] == ["previous_week", "rolling"]


def test_a_lack_makes_what_needs_it_unknown() -> None:
    """What could not be fetched is not 0 calls: the periods after it say nothing."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    sla = {"compare_with": ["previous_day"], "rolling": "P2D"}
    job = Job.model_validate(
        {
            "name": "j",
            "org": {"simulator": True},
            "query": {"from": "2026-10-01", "to": "2026-10-06"},
            "sla": sla,
        }
    )
    lack = Window(start + 2.5 * DAY, start + 2.6 * DAY)
    earlier = Earlier(
        job, "day", ("queue_id",), Window(start, start + 5 * DAY), (lack,)
    )
    sums = [
        {"period_start": start + n * DAY, "period_end": start + (n + 1) * DAY}
        | {"queue_id": "q", "offered": n, "level_part": 0, "level_whole": 0}
        for n in range(5)
    ]

    (*rows,) = earlier.added_to(iter([pa.Table.from_pylist(sums)]))

    offered = pa.concat_tables(rows).select(["previous_day_offered", "rolling_offered"])
    assert offered.to_pydict() == {
        "previous_day_offered": [None, 0, 1, None, 3],
        "rolling_offered": [None, 1, None, None, 7],
    }


@pytest.mark.parametrize(
    ("sla", "words"),
    [
        ({"compare_with": ["previous_weak"]}, "did you mean previous_week"),
        ({"compare_with": ["previous_day"] * 2}, "named more than once: previous_day"),
        (
            {"compare_with": ["previous_month"]},
            "compare_with: previous_month is for periods of month; this job has day",
        ),
        ({"compare_with": ["previous_day"], "period": "total"}, "this job has total"),
        ({"rolling": "PT24H"}, "PT24H is no number of days, weeks or months"),
        ({"rolling": "P1M1D"}, "P1M1D is no number of days, weeks or months"),
        ({"rolling": "P1D"}, "sla.rolling: P1D is no number of several periods"),
        ({"rolling": "P10D", "period": "week"}, "P10D is no number of several periods"),
        ({"rolling": 7}, "7 is not an ISO 8601 duration"),
    ],
)
def test_what_no_table_has_is_refused(
    workspace: "Workspace", sla: dict[str, Any], words: str
) -> None:
    """When the job is read, with the periods that it has."""
    with pytest.raises(JobError) as caught:
        workspace.job(sla=sla)

    assert words in str(caught.value)


def test_an_export_by_month_has_its_own(workspace: "Workspace") -> None:
    """Each table has the columns that its period can have."""
    month = {"exporter": "csv", "table": "sla", "period": "month", "path": "m.csv"}
    sla = {"compare_with": ["previous_day", "previous_year"], "rolling": "P3M"}

    job = workspace.job(sla=sla, exports=[month])

    assert job.sla is not None
    found = {period: job.sla.previous_of(period) for period in ("hour", "day", "month")}
    assert found == {
        "hour": ("previous_day",),
        "day": ("previous_day", "previous_year"),
        "month": ("previous_year",),
    }
    assert [job.sla.rolling_periods(p) for p in ("day", "month", "total")] == [0, 3, 0]
