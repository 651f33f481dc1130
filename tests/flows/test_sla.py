"""The table `sla`: sums first, percentages last; targets, periods, deleted queues."""

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcbatch
from gcbatch import AccessError, DataError, JobError
from gcbatch.genesys.metrics import Merge
from gcbatch.job.sla import Sla
from gcbatch.planning.plan import Plan
from gcbatch.query import Query, make_query
from gcbatch.running.pipeline import tables_of
from gcbatch.simulator import Call, Fault, Faults, Queue, Tenant
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.store import Store
from gcbatch.table import Table
from gcbatch.tables.group_by import distinct_groups, merge_groups
from gcbatch.tables.service_levels.periods import period_of
from gcbatch.tables.service_levels.sums import SUMS
from gcbatch.tables.service_levels.targets import Targets
from gcbatch.windows import Window
from tests.support.streams import to_bytes
from tests.support.table_sources import aggregate_table, job_in, source_of

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = datetime(2026, 10, 1, tzinfo=UTC)
DUBLIN = ZoneInfo("Europe/Dublin")
INSTANT = pa.timestamp("ms", tz="UTC")
FACTS = pa.schema(
    [
        pa.field("interval_start", INSTANT, nullable=False),
        pa.field("interval_end", INSTANT, nullable=False),
        pa.field("queue_id", pa.string()),
        pa.field("media_type", pa.string()),
        *(pa.field(name, pa.int64()) for name in SUMS),
    ]
)
Bucket = dict[str, Any]
BOTH = ("queueId", "mediaType")


def bucket(hour: int = 0, queue: str | None = "q", **sums: Any) -> Bucket:
    """Return what an endpoint says of an hour, counted from START."""
    start = START + hour * HOUR
    return {
        "interval_start": start,
        "interval_end": start + HOUR,
        "queue_id": queue,
        **sums,
    }


def part_of(window: Window, buckets: list[Bucket], schema: pa.Schema = FACTS) -> Part:
    table = pa.Table.from_pylist(buckets, schema=schema)
    return Part(table, PartMetadata(START, window, 1, len(buckets), 1, 1, ("",)))


class StoredBuckets:
    """A store in a folder, and the table of what was put in it."""

    def __init__(self, folder: Path) -> None:
        # Nothing is forced to disk: what these tests keep need not last.
        self.store = Store(folder, "j", sync=lambda _: None)
        self.queries: list[Query] = []

    def put(self, window: Window, *batches: list[Bucket], **options: Any) -> None:
        for number, buckets in enumerate(batches):
            query = make_query("org", "e", window, b'{"batch":%d}' % number)
            self.store.write(query.digest, part_of(window, buckets, **options))
            self.queries.append(query)

    def table(
        self,
        period: str = "day",
        *,
        whole: Window | None = None,
        groups: tuple[str, ...] = ("queueId",),
        names: Mapping[str, str] | None = None,
        sla: Mapping[str, Any] | None = None,
        zone: str = "UTC",
    ) -> Table:
        windows = [query.window for query in self.queries]
        plan = Plan(
            whole or Window(windows[0].start, windows[-1].end), tuple(self.queries)
        )
        job = job_in(zone)
        job = job.model_copy(
            update={
                "query": job.query.model_copy(update={"group_by": groups}),
                "sla": Sla.model_validate({"target": 80} if sla is None else sla),
            }
        )
        source = source_of(
            plan, self.store, names={"queueId": names or {}}, job=job, period=period
        )
        return aggregate_table("sla", source)

    def rows(self, period: str = "day", **options: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            self.table(period, **options).read_all().to_pylist()
        )
        return found


@pytest.fixture
def stored(tmp_path: Path) -> StoredBuckets:
    return StoredBuckets(tmp_path)


ONE_DAY = Window(START, START + DAY)


class TestFigures:
    def test_levels_are_weighted_by_their_calls(self, stored: StoredBuckets) -> None:
        """100 calls at 90 % and 10 at 100 % are 90.9 %, not 95 %."""
        large = bucket(9, answered=100, level_part=90, level_whole=100)
        small = bucket(10, answered=10, level_part=10, level_whole=10)
        stored.put(ONE_DAY, [large, small])

        (row,) = stored.rows()

        assert row["service_level_pct"] == 100 * 100 / 110
        assert round(row["service_level_pct"], 1) == 90.9

    def test_every_average_is_weighted(self, stored: StoredBuckets) -> None:
        """Times are Σ sum / Σ count, rates Σ count / Σ offered, over all buckets."""
        a: dict[str, Any] = {"offered": 10, "answered": 8, "abandoned": 1}
        a |= {"wait_sum_ms": 8_000, "wait_count": 8}
        a |= {"handle_sum_ms": 7_000, "handle_count": 7}
        b: dict[str, Any] = {"offered": 1, "answered": 1, "abandoned": 2}
        b |= {"wait_sum_ms": 60_001, "wait_count": 1}
        b |= {"handle_sum_ms": 500, "handle_count": 3}
        stored.put(ONE_DAY, [bucket(0, **a), bucket(1, **b)])

        (row,) = stored.rows()

        assert (row["offered"], row["answered"], row["abandoned"]) == (11, 9, 3)
        assert row["answer_rate_pct"] == 900 / 11
        assert row["abandon_rate_pct"] == 300 / 11
        assert row["asa_s"] == 68_001 / 9_000
        assert row["aht_s"] == 0.75

    def test_nothing_is_null_and_counts_are_0(self, stored: StoredBuckets) -> None:
        """Where a denominator is 0 there is no figure; a count is 0, never null."""
        stored.put(ONE_DAY, [bucket(handle_sum_ms=1_000, handle_count=1)])

        (row,) = stored.rows()

        assert (row["offered"], row["answered"], row["abandoned"]) == (0, 0, 0)
        nulls = {name for name, value in row.items() if value is None}
        assert nulls == {
            "service_level_pct",
            "compliance_met",
            "answer_rate_pct",
            "abandon_rate_pct",
            "asa_s",
            "service_level_threshold_s",
        }
        assert row["aht_s"] == 1

    def test_a_denominator_of_0_is_no_100_percent(self, stored: StoredBuckets) -> None:
        """A 0 that is sent counts like a missing value."""
        zeros: dict[str, Any] = dict.fromkeys(SUMS, 0)
        stored.put(ONE_DAY, [bucket(**zeros)])

        (row,) = stored.rows()

        assert row["service_level_pct"] is None
        assert row["compliance_met"] is None
        assert row["asa_s"] is None
        assert row["aht_s"] is None

    def test_without_a_target_nothing_is_met_or_missed(
        self, stored: StoredBuckets
    ) -> None:
        """Compliance is null where the target is."""
        stored.put(ONE_DAY, [bucket(level_part=1, level_whole=1)])

        (row,) = stored.rows(sla={})

        assert row["service_level_pct"] == 100
        assert (row["target_pct"], row["compliance_met"]) == (None, None)

    @pytest.mark.parametrize(
        ("part", "whole", "target", "met"),
        [
            (4, 5, 80, True),
            (799, 1000, 80, False),
            (801, 1000, 80, True),
            (7, 100, 7, True),
            (0, 9, 0, True),
            (9, 9, 100, True),
            (999_999, 1_000_000, 100, False),
        ],
    )
    def test_a_level_that_equals_its_target_meets_it(
        self, stored: StoredBuckets, part: int, whole: int, target: float, *, met: bool
    ) -> None:
        """The service level reaches the target, or exceeds it."""
        stored.put(ONE_DAY, [bucket(level_part=part, level_whole=whole)])

        (row,) = stored.rows(sla={"target": target})

        assert row["compliance_met"] is met

    @given(handled=st.lists(st.integers(1, 40), min_size=2, max_size=30))
    @settings(max_examples=60)
    def test_levels_that_all_equal_the_target_meet_it(self, handled: list[int]) -> None:
        """Weighing by binary fractions makes no hour of 80 % miss a target of 80."""
        types = dict.fromkeys(("level_part", "level_whole"), pa.float64())
        fields = [f.with_type(types.get(f.name, f.type)) for f in FACTS]
        buckets = [
            bucket(n, level_part=calls * (80.0 / 100), level_whole=float(calls))
            for n, calls in enumerate(handled)
        ]
        with tempfile.TemporaryDirectory() as folder:
            stored = StoredBuckets(Path(folder))
            stored.put(
                Window(START, START + 2 * DAY), buckets, schema=pa.schema(fields)
            )

            (row,) = stored.rows("total")

        assert row["compliance_met"]
        assert row["service_level_pct"] == pytest.approx(80, rel=1e-12)

    def test_figures_follow_from_the_sums_beside_them(
        self, stored: StoredBuckets
    ) -> None:
        """Whoever adds rows up adds these, and divides last."""
        sums: dict[str, Any] = {"wait_sum_ms": 9_000, "wait_count": 4}
        sums |= {"handle_sum_ms": 5, "handle_count": 2}
        stored.put(ONE_DAY, [bucket(level_part=3, level_whole=4, **sums)])

        (row,) = stored.rows()

        assert row.items() >= sums.items()
        assert row["service_level_numerator"] == 3
        assert row["service_level_denominator"] == 4
        assert row["service_level_pct"] == 75
        assert (row["asa_s"], row["aht_s"]) == (2.25, 0.0025)


class TestRows:
    def test_no_answer_is_no_row(self, stored: StoredBuckets) -> None:
        """A queue has a row where the service answered anything, and else none."""
        stored.put(ONE_DAY, [])

        table = stored.table()

        assert table.read_all().num_rows == 0
        assert table.schema.names[:5] == [
            "period",
            "period_start",
            "period_end",
            "queue_id",
            "queue_name",
        ]
        assert "media_type" not in table.schema.names

    def test_a_period_whose_end_is_missing_has_its_row(
        self, stored: StoredBuckets
    ) -> None:
        """As in a run that goes on where a query fails: what there is counts."""
        stored.put(ONE_DAY, [bucket(answered=3)])
        two_days = Window(START, START + 2 * DAY)

        (row,) = stored.rows("total", whole=two_days)

        assert (row["answered"], row["period_end"]) == (3, two_days.end)

    def test_media_types_are_distinguished_when_grouped_by(
        self, stored: StoredBuckets
    ) -> None:
        """They are a column of the key, null where the service gives none."""
        reported = [("voice", 1), ("email", 2), (None, 4), ("voice", 8)]
        buckets = [
            bucket(n, media_type=media, offered=offered)
            for n, (media, offered) in enumerate(reported)
        ]
        stored.put(ONE_DAY, buckets)

        together, apart = stored.rows(), stored.rows(groups=BOTH)

        assert [row["offered"] for row in together] == [15]
        offered = {row["media_type"]: row["offered"] for row in apart}
        assert offered == {"voice": 9, "email": 2, None: 4}
        assert stored.table(groups=BOTH).key == (
            "period_start",
            "queue_id",
            "media_type",
        )

    def test_names_stand_beside_ids(self, stored: StoredBuckets) -> None:
        """A queue without a name is its id; without grouping by queue, null."""
        stored.put(ONE_DAY, [bucket(queue=q, offered=1) for q in ("a", "b", None)])

        rows = stored.rows(names={"a": "Support", "z": "Other"})

        names = {row["queue_id"]: row["queue_name"] for row in rows}
        assert names == {"a": "Support", "b": "b", None: None}

    def test_names_are_those_of_the_listing(self, stored: StoredBuckets) -> None:
        """An answer's, which may be of long ago, stands in where there is none."""
        schema = FACTS.append(pa.field("queue_name", pa.string()))
        buckets = [
            {**bucket(queue="a", offered=1), "queue_name": "Old"},
            {**bucket(queue="b", offered=1), "queue_name": "Shown"},
            {**bucket(queue="c", offered=1), "queue_name": "Shown too"},
        ]
        stored.put(ONE_DAY, buckets, schema=schema)

        rows = stored.rows(
            names={"a": "Listed", "c": "c"}, sla={"targets": {"Listed": 50}}
        )

        names = {row["queue_id"]: row["queue_name"] for row in rows}
        assert names == {"a": "Listed", "b": "Shown", "c": "Shown too"}
        assert [row["target_pct"] for row in rows] == [50, None, None]

    def test_the_last_name_of_answers_counts(self, stored: StoredBuckets) -> None:
        """A queue may be renamed within a part; its id for a name is no new one."""
        schema = FACTS.append(pa.field("queue_name", pa.string()))
        reported = ["New", "Old", "New", "a"]
        buckets = [
            {**bucket(hour, queue="a", offered=1), "queue_name": name}
            for hour, name in enumerate(reported)
        ]
        stored.put(ONE_DAY, buckets, schema=schema)

        (row,) = stored.rows()

        assert row["queue_name"] == "New"

    def test_buckets_of_one_start_may_end_apart(self, stored: StoredBuckets) -> None:
        """Each keeps its own end."""
        hour = bucket(queue="a", offered=1)
        half = {**bucket(queue="b", offered=1), "interval_end": START + HOUR / 2}
        stored.put(ONE_DAY, [hour, half])

        rows = stored.rows("interval")

        ends = {row["queue_id"]: row["period_end"] - START for row in rows}
        assert ends == {"a": HOUR, "b": HOUR / 2}

    def test_only_the_queues_that_count_are_shown(self, stored: StoredBuckets) -> None:
        """Those that are not listed, and those that the answer marks, are left out."""
        schema = FACTS.append(pa.field("deleted", pa.bool_()))
        reported = {"listed": False, "unlisted": False, "marked": True}
        buckets = [
            {**bucket(queue=queue, offered=1), "deleted": deleted}
            for queue, deleted in reported.items()
        ]
        stored.put(ONE_DAY, buckets, schema=schema)

        names = {"listed": "A", "marked": "B"}
        everyone = stored.rows(names=names)
        some = stored.rows(names=names, sla={"include_deleted": False})

        assert {row["queue_id"] for row in everyone} == set(reported)
        assert {row["queue_id"] for row in some} == {"listed"}


def local(text: str, zone: ZoneInfo = DUBLIN, fold: int = 0) -> datetime:
    wall = datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return wall.astimezone(UTC)


class TestPeriods:
    RANGE = Window(local("2026-03-02"), local("2027-01-02"))

    @pytest.mark.parametrize(
        ("period", "at", "label", "start", "end"),
        [
            ("hour", "2026-10-16T13:45", "2026-10-16T13:00", "2026-10-16T13:00",
             "2026-10-16T14:00"),
            ("day", "2026-10-16T23:45", "2026-10-16", "2026-10-16", "2026-10-17"),
            ("week", "2026-10-16T13:45", "2026-W42", "2026-10-12", "2026-10-19"),
            ("week", "2026-10-12T00:00", "2026-W42", "2026-10-12", "2026-10-19"),
            ("week", "2026-10-11T23:45", "2026-W41", "2026-10-05", "2026-10-12"),
            ("week", "2026-12-31T00:00", "2026-W53", "2026-12-28", "2027-01-02"),
            ("week", "2027-01-01T00:00", "2026-W53", "2026-12-28", "2027-01-02"),
            ("month", "2026-10-31T23:45", "2026-10", "2026-10-01", "2026-11-01"),
            ("month", "2026-03-31T00:00", "2026-03", "2026-03-02", "2026-04-01"),
            ("total", "2026-10-16T13:45", "total", "2026-03-02", "2027-01-02"),
            ("day", "2026-03-29T12:00", "2026-03-29", "2026-03-29", "2026-03-30"),
            ("day", "2026-10-25T23:45", "2026-10-25", "2026-10-25", "2026-10-26"),
        ],
    )  # fmt: skip
    def test_a_bucket_falls_in_the_local_period(
        self, period: str, at: str, label: str, start: str, end: str
    ) -> None:
        """Labels and ends are those of the zone, clipped to the range."""
        found = period_of(
            local(at),
            local(at) + HOUR / 4,
            period=period,
            zone=DUBLIN,
            covered=self.RANGE,
        )

        assert found == (label, local(start), local(end))

    def test_an_hour_that_comes_twice_is_two_hours(self) -> None:
        """They share a label, and differ by their start."""
        first, second = (local("2026-10-25T01:30", fold=fold) for fold in (0, 1))

        found = [
            period_of(at, at + HOUR / 2, period="hour", zone=DUBLIN, covered=self.RANGE)
            for at in (first, second)
        ]

        assert [label for label, *_ in found] == ["2026-10-25T01:00"] * 2
        assert found[0][2] == found[1][1]

    @pytest.mark.parametrize(
        ("period", "hours", "hint"),
        [
            ("hour", 1.5, "PT15M"),
            ("day", 24.5, "--fresh"),
            ("day", 72, "--fresh"),
            ("week", 8 * 24, "--fresh"),
            ("month", 32 * 24, "--fresh"),
        ],
    )
    def test_a_bucket_of_two_periods_is_refused(
        self, period: str, hours: float, hint: str
    ) -> None:
        """No figure is given to a period that it may not belong to."""
        at = local("2026-10-01T00:00")

        with pytest.raises(DataError, match=r"bucket .* over the end of") as caught:
            period_of(
                at,
                at + hours * HOUR,
                period=period,
                zone=DUBLIN,
                covered=self.RANGE,
            )

        assert hint in (caught.value.hint or "")

    def test_a_part_with_buckets_of_two_days_is_refused(
        self, stored: StoredBuckets
    ) -> None:
        """Also one that an earlier release stored; other periods stay of use."""
        whole = {**bucket(offered=1), "interval_end": START + 2 * DAY}
        stored.put(Window(START, START + 2 * DAY), [whole])

        with pytest.raises(DataError, match="reaches over the end of 2026-10-01"):
            stored.rows("day")
        assert stored.rows("total")[0]["offered"] == 1

    def test_an_interval_is_the_bucket_itself(self) -> None:
        """It is as long as the service made it."""
        at = local("2026-07-01T13:15")

        found = period_of(
            at, at + HOUR / 4, period="interval", zone=DUBLIN, covered=self.RANGE
        )

        assert found == ("2026-07-01T13:15", at, at + HOUR / 4)

    @pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
    def test_a_day_has_all_of_its_hours(
        self, tmp_path: Path, day: str, hours: int
    ) -> None:
        """A local day of 23 or 25 hours counts 23 or 25 of them."""
        start = local(day)
        window = Window(start, start + hours * HOUR)
        first = (start - START) // HOUR
        stored = StoredBuckets(tmp_path)
        stored.put(window, [bucket(first + n, offered=1) for n in range(hours)])

        (row,) = stored.rows("day", zone="Europe/Dublin")
        by_hour = stored.rows("hour", zone="Europe/Dublin")

        assert (row["offered"], row["period"]) == (hours, day)
        assert (row["period_start"], row["period_end"]) == (window.start, window.end)
        assert len(by_hour) == hours


class TestTargets:
    OWN: Mapping[str, Mapping[str, float]] = {"id": {"voice": 70.0, "email": 20.0}}

    @pytest.mark.parametrize(
        ("targets", "media", "expected"),
        [
            (Targets(), None, None),
            (Targets(80), None, 80),
            (Targets(0), None, 0),
            (Targets(80, {"Name": 90}), None, 90),
            (Targets(80, {"id": 95}), None, 95),
            (Targets(80, {"Name": 90, "id": 95}), None, 95),
            (Targets(80, {"Name": 0}), None, 0),
            (Targets(80, {"Other": 90}), None, 80),
            (Targets(None, {"Other": 90}), None, None),
            (Targets(own=OWN), None, 70),
            (Targets(own=OWN), "voice", 70),
            (Targets(own=OWN), "email", 20),
            (Targets(own=OWN), "chat", None),
            (Targets(80, own=OWN), "email", 80),
            (Targets(None, {"Name": 90}, OWN), "email", 90),
        ],
    )
    def test_the_nearest_word_counts(
        self, targets: Targets, media: str | None, expected: float | None
    ) -> None:
        """By id, by name, the default, the queue's own for its media; calls if none."""
        assert targets.of("id", "Name", media) == expected

    def test_all_queues_together_have_the_default(self) -> None:
        """Where rows are not grouped by queue, no target of a queue counts."""
        assert Targets(80, {"Name": 90}, self.OWN).of(None, None, None) == 80
        assert Targets(None, {"Name": 90}, self.OWN).of(None, None, None) is None


class TestMerging:
    @pytest.mark.parametrize("merge", [Merge.RECOMPUTE, Merge.NEVER])
    def test_what_does_not_add_is_refused(self, merge: Merge) -> None:
        """A ratio, an average or a target cannot be merged, by any caller."""
        table = pa.table({"queue": ["a", "a"], "ratio": [0.9, 1.0]})

        with pytest.raises(ValueError, match="ratio cannot be merged"):
            merge_groups(table, ["queue"], {"ratio": merge})

    def test_each_column_merges_in_its_way(self) -> None:
        """Counts add, extremes stay extremes; types stay; null is passed over."""
        table = pa.table(
            {
                "queue": ["a", None, "a", None],
                "n": pa.array([1, 2, None, 4], pa.int64()),
                "low": pa.array([5, 6, 3, None], pa.int64()),
                "high": pa.array([5, None, 3, None], pa.int64()),
                "left": ["x"] * 4,
            }
        )

        found = merge_groups(
            table, ["queue"], {"n": Merge.ADD, "low": Merge.MIN, "high": Merge.MAX}
        )

        assert found.schema.names == ["queue", "n", "low", "high"]
        assert found.schema.types[1:] == [pa.int64()] * 3
        rows = sorted(found.to_pylist(), key=str)
        assert rows == [
            {"queue": "a", "n": 1, "low": 3, "high": 5},
            {"queue": None, "n": 6, "low": 6, "high": None},
        ]


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.text("ab"))),
    st.integers(1, 2),
    st.integers(0, 9),
)
def test_groups_are_found_as_a_row_at_a_time_would(
    rows: list[tuple[int | None, str | None]], width: int, cut: int
) -> None:
    """Each group once, and each row its own; null is a value, chunks are no border."""
    schema = pa.schema([("n", pa.int64()), ("t", pa.string())])
    rows_of = [dict(zip("nt", row, strict=True)) for row in rows]
    pieces = [
        pa.Table.from_pylist(some, schema) for some in (rows_of[:cut], rows_of[cut:])
    ]

    groups, which = distinct_groups(pa.concat_tables(pieces), ["n", "t"][:width])

    assert [groups[n] for n in which.to_pylist()] == [row[:width] for row in rows]
    assert len(groups) == len(set(groups))


HOURS = 3 * 24
FIGURE = st.none() | st.integers(0, 1_000)
BUCKETS = st.lists(
    st.tuples(
        st.integers(0, HOURS - 1), st.sampled_from("abcd"), st.tuples(*[FIGURE] * 9)
    ),
    unique_by=lambda reported: reported[:2],
    max_size=25,
)  # fmt: skip


class TestCuts:
    """However the range and the queues are cut, what comes out is the same."""

    @given(
        reported=BUCKETS,
        cuts=st.sets(st.integers(1, HOURS - 1), max_size=5),
        batches=st.integers(1, 3),
        period=st.sampled_from(["interval", "hour", "day", "week", "month", "total"]),
        zone=st.sampled_from(["UTC", "Europe/Dublin", "Asia/Tokyo"]),
    )
    @settings(max_examples=50)
    def test_any_cut_gives_the_same_bytes(
        self,
        reported: list[tuple[int, str, tuple[int | None, ...]]],
        cuts: set[int],
        batches: int,
        period: str,
        zone: str,
    ) -> None:
        """Periods that span windows are carried on, and batches come together."""
        buckets = [
            bucket(hour, queue, **dict(zip(SUMS, figures, strict=True)))
            for hour, queue, figures in reported
        ]
        edges = [0, *sorted(cuts), HOURS]
        with tempfile.TemporaryDirectory() as folder:
            whole, cut = (
                StoredBuckets(Path(folder) / "whole"),
                StoredBuckets(Path(folder) / "cut"),
            )
            whole.put(Window(START, START + HOURS * HOUR), buckets)
            for first, after in pairwise(edges):
                window = Window(START + first * HOUR, START + after * HOUR)
                there = [b for b in buckets if window.start <= b["interval_start"]
                         < window.end]  # fmt: skip
                cut.put(window, *(
                    [b for b in there if ord(b["queue_id"]) % batches == n]
                    for n in range(batches)
                ))  # fmt: skip
            expected = whole.table(period, zone=zone)
            found = cut.table(period, zone=zone)

            assert found.read_all().equals(expected.read_all())
            assert to_bytes(found) == to_bytes(expected)

    @given(
        reported=st.lists(
            st.tuples(st.integers(1, 500), st.floats(0, 100), st.floats(0, 3_600)),
            min_size=1,
            max_size=HOURS,
        ),
        cuts=st.sets(st.integers(1, HOURS - 1), max_size=5),
    )
    @settings(max_examples=30)
    def test_fractions_are_the_same_to_1e_9(
        self, reported: list[tuple[int, float, float]], cuts: set[int]
    ) -> None:
        """The tutorials' levels and averages add up in another order, no more."""
        floats = ("level_part", "level_whole", "handle_sum_ms")
        fields = [f.with_type(pa.float64()) if f.name in floats else f for f in FACTS]
        buckets = [
            bucket(
                hour,
                answered=handled,
                level_part=handled * level,
                level_whole=float(handled),
                handle_sum_ms=handled * average,
                handle_count=handled,
            )
            for hour, (handled, level, average) in enumerate(reported)
        ]
        edges = [0, *sorted(cuts), HOURS]
        with tempfile.TemporaryDirectory() as folder:
            stored = StoredBuckets(Path(folder))
            for first, after in pairwise(edges):
                window = Window(START + first * HOUR, START + after * HOUR)
                stored.put(window, buckets[first:after], schema=pa.schema(fields))

            (row,) = stored.rows("total")

        calls = sum(handled for handled, *_ in reported)
        level = (
            sum(Fraction(handled) * Fraction(x) for handled, x, _ in reported) / calls
        )
        handle = (
            sum(Fraction(handled) * Fraction(x) for handled, _, x in reported) / calls
        )
        assert row["answered"] == calls
        assert row["service_level_pct"] == pytest.approx(float(100 * level), rel=1e-9)
        assert row["aht_s"] == pytest.approx(float(handle / 1000), rel=1e-9)

    def test_rows_leave_when_their_period_has_ended(self, tmp_path: Path) -> None:
        """Only periods that go on are held: a day's rows come with its last window."""
        stored = StoredBuckets(tmp_path)
        for hour in range(36):
            window = Window(START + hour * HOUR, START + (hour + 1) * HOUR)
            stored.put(window, [bucket(hour, offered=1)])
        for query in stored.queries[24:]:
            stored.store.discard(query.digest)  # a later window is not read for it

        batches = stored.table("day").batches()
        first = next(batch for batch in batches if batch.num_rows)

        assert first["offered"].to_pylist() == [24]


# from the service to the files


def some_id(number: int) -> str:
    return str(UUID(int=number + (4 << 76) + (8 << 60)))


SALES, SUPPORT, GONE = (some_id(n) for n in (1, 0xABC, 3))
MARCH = {
    "from": "2026-03-02",
    "to": "2026-03-04",
    "timezone": "UTC",
    "granularity": "PT1H",
}


def calls_of(queue_id: str, in_time: int, late: int, **about: Any) -> list[Call]:
    """Return answered calls of one morning, so many in time."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    calls = []
    for number in range(in_time + late):
        offered = start + timedelta(minutes=number)
        wait = timedelta(seconds=10 if number < in_time else 50)
        answered = offered + wait
        call = Call(
            queue_id=queue_id,
            offered=offered,
            answered=answered,
            ended=answered + timedelta(seconds=100),
            **about,
        )
        calls.append(call)
    return calls


def tenant_of(*queues: Queue, calls: list[Call]) -> Tenant:
    return Tenant(name="Small", version="1", queues=queues, calls=tuple(calls))


TWO_QUEUES = (
    Queue(id=SALES, name="Sales"),
    Queue(id=SUPPORT, name="Support", target=0.07),
)
TWO_TENANT = tenant_of(
    *TWO_QUEUES, calls=calls_of(SALES, 3, 2) + calls_of(SUPPORT, 1, 9)
)


def rows_of(workspace: "Workspace", **sections: Any) -> list[dict[str, Any]]:
    sections.setdefault("sla", {})
    query = {**MARCH, **sections.pop("query", {})}
    report = workspace.run(query=query, exports=[], **sections)
    rows: list[dict[str, Any]] = report.tables["sla"].read_all().to_pylist()
    return rows


class TestRuns:
    def test_a_queues_own_target_is_the_orgs(self, workspace_of: "WorkspaceOf") -> None:
        """0.07 in the queue's settings is 7 %, exactly."""
        rows = rows_of(workspace_of(TWO_TENANT))

        targets = {row["queue_name"]: row["target_pct"] for row in rows}
        assert targets == {"Sales": 80.0, "Support": 7.0}

    @pytest.mark.parametrize(
        ("percentage", "target"),
        [
            (0.07, 7),
            (0.29, 29),
            (0.57, 57),
            (0.58, 58),
            (1.1e-2, 1.1),
            (1, 100),
            (0, 0),
        ],
    )
    def test_a_share_becomes_the_percentage_that_was_typed(
        self, workspace_of: "WorkspaceOf", percentage: float, target: float
    ) -> None:
        """Binary fractions do not show: 0.57 is 57, not 56.99999999999999."""
        queue = Queue(id=SALES, name="Sales", target=percentage)
        workspace = workspace_of(tenant_of(queue, calls=calls_of(SALES, 1, 0)))

        (row,) = rows_of(workspace)

        assert row["target_pct"] == target

    @pytest.mark.parametrize(
        ("group_by", "expected"),
        [
            (["queueId"], {None: 81.0}),
            (["queueId", "mediaType"], {"voice": 81.0, "email": 20.0, "chat": None}),
        ],
        ids=["together", "by media type"],
    )
    def test_each_media_type_has_its_own_target(
        self,
        workspace_of: "WorkspaceOf",
        group_by: list[str],
        expected: dict[str | None, float | None],
    ) -> None:
        """`call` is the target of voice, and of all media types together."""
        listed = {
            "id": SALES,
            "name": "Sales",
            "mediaSettings": {
                "call": {"serviceLevel": {"percentage": 0.81, "durationMs": 1}},
                "email": {"serviceLevel": {"percentage": 0.2}},
                "chat": {"serviceLevel": {"percentage": None}},
                "callback": {"serviceLevel": None},
                "message": None,
            },
        }
        page = json.dumps({"entities": [listed], "pageCount": 1}).encode()
        fault = Fault("garbage", path="/routing/queues$", body=page)
        calls = [
            call
            for media in ("voice", "email", "chat")
            for call in calls_of(SALES, 1, 1, media_type=media)
        ]
        workspace = workspace_of(
            tenant_of(TWO_QUEUES[0], calls=calls), faults=Faults(fault)
        )

        rows = rows_of(workspace, query={"group_by": group_by})

        assert {row.get("media_type"): row["target_pct"] for row in rows} == expected

    def test_targets_of_the_job_go_before_the_orgs(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """By name or id, else the default, whatever the queue's settings say."""
        workspace = workspace_of(TWO_TENANT)

        by_name = rows_of(workspace, sla={"target": 50, "targets": {"Sales": 60}})
        by_id = rows_of(workspace, sla={"target": 61, "targets": {SUPPORT.upper(): 10}})

        reported = {row["queue_name"]: row["target_pct"] for row in by_name}
        assert reported == {"Sales": 60.0, "Support": 50.0}
        met = {row["queue_name"]: row["compliance_met"] for row in by_name}
        assert met == {"Sales": True, "Support": False}
        met = {row["queue_name"]: row["compliance_met"] for row in by_id}
        assert met == {"Sales": False, "Support": True}

    def test_a_target_of_no_queue_is_a_warning(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A typo in a queue's name does not go unnoticed."""
        sla = {"targets": {"Sales": 60, SUPPORT.upper(): 70, "Salse": 80, GONE: 90}}

        report = workspace_of(TWO_TENANT).run(query=MARCH, exports=[], sla=sla)

        assert sorted(report.warnings) == sorted(
            [
                f"sla.targets: no queue {GONE!r} in this run",
                "sla.targets: no queue 'Salse' in this run",
            ]
        )

    def test_a_target_of_no_listed_queue_is_reported_before(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """By check and plan; a run says instead what it did not meet."""
        sla = {"targets": {"Sales": 60, SUPPORT.upper(): 70, "Salse": 80, GONE: 90}}
        job = workspace_of(TWO_TENANT).job(query=MARCH, exports=[], sla=sla)
        expected = (
            f"sla.targets: the org lists no queue {GONE!r}",
            "sla.targets: the org lists no queue 'Salse'; the nearest: Sales",
        )

        checked, planned = gcbatch.check(job), gcbatch.plan(job)

        assert checked == planned.warnings == expected
        reported = gcbatch.run(job).warnings
        assert not any("the org lists no queue" in warning for warning in reported)
        assert gcbatch.plan(job).warnings == expected

    @pytest.mark.parametrize("command", ["check", "plan", "run"])
    def test_a_target_by_a_name_of_two_queues_is_refused(
        self, workspace_of: "WorkspaceOf", command: str
    ) -> None:
        """Whose it is cannot be known; the ids can."""
        twins = (Queue(id=SALES, name="Sales"), Queue(id=SUPPORT, name="Sales"))
        workspace = workspace_of(tenant_of(*twins, calls=calls_of(SALES, 1, 0)))
        job = workspace.job(query=MARCH, exports=[], sla={"targets": {"Sales": 60}})

        with pytest.raises(JobError, match=f"sla.targets: .*: {SALES}, {SUPPORT}"):
            getattr(gcbatch, command)(job)

        assert not workspace.data_requests

    def test_such_a_target_that_came_later_is_refused(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """By export and report too, without requests, and by a run of what is done."""
        twins = (Queue(id=SALES, name="Sales"), Queue(id=SUPPORT, name="Sales"))
        workspace = workspace_of(tenant_of(*twins, calls=calls_of(SALES, 1, 0)))
        workspace.run(query=MARCH, exports=[], sla={})
        job = workspace.job(query=MARCH, exports=[], sla={"targets": {"Sales": 60}})

        for command in (gcbatch.export_job, tables_of, gcbatch.run):
            with pytest.raises(JobError, match=f"sla.targets: .*: {SALES}, {SUPPORT}"):
                command(job)

    def test_targets_change_without_a_request(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Targets and periods are no part of the question: all comes from the store."""
        workspace = workspace_of(TWO_TENANT)
        before = rows_of(workspace)
        workspace.simulator.request_log.clear()

        after = rows_of(workspace, sla={"target": 1, "period": "month"})

        assert len(workspace.simulator.request_log) == 0
        assert {row["period"] for row in (*before, *after)} == {"2026-03-02", "2026-03"}
        assert {row["target_pct"] for row in after} == {1}

    def test_breaches_are_rows_that_miss_their_target(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """They are counted for the job's period; rows without a level miss nothing."""
        workspace = workspace_of(TWO_TENANT)

        reports = [
            workspace.run(query=MARCH, exports=[], sla={"target": target})
            for target in (5, 50, 90)
        ]

        assert [report.breaches for report in reports] == [0, 1, 2]

    def test_divisions_add_up(self, workspace_of: "WorkspaceOf") -> None:
        """Grouped by division too, a queue is the sum of its divisions."""
        calls = [
            *calls_of(SALES, 3, 2, division_id=some_id(7)),
            *calls_of(SALES, 1, 4, division_id=some_id(8)),
        ]
        workspace = workspace_of(tenant_of(*TWO_QUEUES, calls=calls))

        together = rows_of(workspace)
        apart = rows_of(workspace, query={"group_by": ["queueId", "divisionId"]})

        assert apart == together
        assert together[0]["service_level_pct"] == 40

    def test_an_org_without_distinguished_queues_is_one_row(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Grouped by media type alone, all queues are one, against the default."""
        rows = rows_of(
            workspace_of(TWO_TENANT),
            query={"group_by": ["mediaType"]},
            sla={"target": 30},
        )

        (row,) = rows
        assert (row["queue_id"], row["queue_name"], row["media_type"]) == (
            *(None, None),
            "voice",
        )
        assert row["service_level_pct"] == 100 * 4 / 15
        assert row["compliance_met"] is False

    def test_an_export_may_have_another_period(self, workspace: "Workspace") -> None:
        """Each export is cut by its own period, or by the job's."""
        paths = {
            p: workspace.folder / f"{p}.csv" for p in (None, "month", "total", "hour")
        }
        exports: list[dict[str, Any]] = [
            {"exporter": "csv", "table": "sla", "path": str(path)}
            | ({"period": period} if period else {})
            for period, path in paths.items()
        ]

        report = workspace.run(sla={"period": "week"}, exports=exports)

        firsts = {
            period: path.read_text("utf-8").splitlines()[1].split(",")[0]
            for period, path in paths.items()
        }
        assert firsts == {
            None: "1999-W30",
            "month": "1999-08",
            "total": "total",
            "hour": "1999-08-01T00:00",
        }
        assert report.exports[0].rows == 12
        assert report.exports[2].rows == 6

    def test_an_empty_range_is_an_empty_table(self, workspace: "Workspace") -> None:
        """Headers are written all the same, and nothing is missed."""
        path = workspace.folder / "sla.csv"
        export = {"exporter": "csv", "table": "sla", "path": str(path)}

        report = workspace.run(
            query={"from": "2001-01-01", "to": "2001-01-08"}, sla={}, exports=[export]
        )

        assert path.read_text("utf-8") == (
            "period,period_start,period_end,queue_id,queue_name,offered,answered,"
            "abandoned,service_level_pct,target_pct,compliance_met,answer_rate_pct,"
            "abandon_rate_pct,asa_s,aht_s,service_level_threshold_s,"
            "service_level_numerator,service_level_denominator,wait_sum_ms,wait_count,"
            "handle_sum_ms,handle_count\n"
        )
        assert report.breaches == 0

    @pytest.mark.one_in(3)
    @pytest.mark.parametrize(
        "fetch",
        [
            {"chunk": "auto"},
            {"chunk": "P3D"},
            {"chunk": "PT6H"},
            {"chunk": "auto", "limits": {"expected_buckets": 400}},
        ],
    )
    def test_a_run_cut_otherwise_writes_the_same_bytes(
        self, workspace: "Workspace", fetch: dict[str, Any]
    ) -> None:
        """Windows and batches of queues leave no trace in any period."""
        names = ["Retail banking", "Prospects", "Call-backs", "Stock trading"]
        written = []
        for name, cut in (("one", {"chunk": "P1D"}), ("other", fetch)):
            folder = workspace.folder / name
            exports = [
                {
                    "exporter": "csv",
                    "table": "sla",
                    "period": period,
                    "path": str(folder / f"{period}.csv"),
                }
                for period in ("hour", "day", "week", "total")
            ]
            workspace.run(
                name, query={"queues": names}, sla={}, fetch=cut, exports=exports
            )
            written.append({f.name: f.read_bytes() for f in folder.iterdir()})

        assert len(written[0]) == 4
        assert written[0] == written[1]


class TestDeletedQueues:
    GONE_TENANT = tenant_of(
        *TWO_QUEUES,
        Queue(id=GONE, name="Gone", deleted=True),
        calls=[
            *calls_of(SALES, 1, 1),
            *calls_of(SUPPORT, 1, 1),
            *calls_of(GONE, 9, 0),
        ],
    )

    def test_they_count_unless_the_job_says_no(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """By default a queue that is gone still has its numbers, under its id."""
        rows = rows_of(workspace_of(self.GONE_TENANT))

        assert {row["queue_name"] for row in rows} == {"Sales", "Support", GONE}

    def test_they_are_left_out_of_sla_alone(self, workspace_of: "WorkspaceOf") -> None:
        """`intervals` keeps what the service answered; the report says how many."""
        workspace = workspace_of(self.GONE_TENANT)

        report = workspace.run(query=MARCH, exports=[], sla={"include_deleted": False})

        sla = report.tables["sla"].read_all()["queue_id"].to_pylist()
        intervals = report.tables["intervals"].read_all()["queue_id"].to_pylist()
        assert set(sla) == {SALES, SUPPORT}
        assert set(intervals) == {SALES, SUPPORT, GONE}
        assert report.warnings == ("sla: deleted queues left out: 1",)

    def test_without_a_listing_it_is_refused(self, workspace_of: "WorkspaceOf") -> None:
        """Whoever may not list queues cannot know which are gone."""
        permissions = frozenset({"analytics:conversationAggregate:view"})
        workspace = workspace_of(self.GONE_TENANT, permissions=permissions)

        with pytest.raises(AccessError, match="include_deleted") as caught:
            workspace.run(query=MARCH, exports=[], sla={"include_deleted": False})

        assert caught.value.exit_code == 3
        assert not workspace.data_requests

    def test_a_listing_that_was_refused_is_asked_again(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """What a previous run did without is not taken for a listing."""
        permissions = frozenset({"analytics:conversationAggregate:view"})
        workspace = workspace_of(self.GONE_TENANT, permissions=permissions)
        workspace.run(query=MARCH, exports=[], sla={})
        with pytest.raises(AccessError):
            workspace.run(query=MARCH, exports=[], sla={"include_deleted": False})
        workspace.become(self.GONE_TENANT)

        report = workspace.run(query=MARCH, exports=[], sla={"include_deleted": False})

        assert report.fetched == 0
        assert report.warnings == ("sla: deleted queues left out: 1",)
