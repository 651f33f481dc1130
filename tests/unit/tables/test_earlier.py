"""Earlier periods where the clocks are changed, against a count by the wall clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from gcbatch import load_job
from gcbatch.table import INSTANT
from gcbatch.tables.service_levels.earlier import Earlier
from gcbatch.windows import Window

AUTUMN = {
    "Europe/Berlin": datetime(2026, 10, 25),  # noqa: DTZ001 - by the wall clock
    "America/New_York": datetime(2026, 11, 1),  # noqa: DTZ001 - as above
    "Australia/Lord_Howe": datetime(2026, 4, 5),  # noqa: DTZ001 - as above
}
DAY = timedelta(days=1)
BACK = {"previous_day": DAY, "previous_week": 7 * DAY}


@pytest.mark.parametrize("minutes", [15, 30])
@pytest.mark.parametrize("compared", BACK)
@pytest.mark.parametrize("name", AUTUMN)
def test_an_hour_that_comes_twice_has_the_same_earlier_period_twice(
    name: str, compared: str, minutes: int
) -> None:
    """Both times, the figure is that of the one earlier period of this wall time."""
    zone, length = ZoneInfo(name), timedelta(minutes=minutes)
    begin, end = (
        (AUTUMN[name] + days * DAY).replace(tzinfo=zone).astimezone(UTC)
        for days in (-9, 3)
    )
    starts = [begin + n * length for n in range((end - begin) // length)]
    offered = {start: number for number, start in enumerate(starts, 1)}
    by_wall: dict[datetime, int] = {}
    for start, number in offered.items():
        by_wall.setdefault(start.astimezone(zone).replace(tzinfo=None), number)
    job = load_job(
        {
            "name": "earlier",
            "org": {"simulator": True},
            "query": {
                "from": "2026-01-01",
                "to": "2026-01-02",
                "timezone": name,
                "granularity": f"PT{minutes}M",
                "group_by": ["queueId"],
            },
            "sla": {"period": "interval", "compare_with": [compared]},
        }
    )

    def periods() -> Iterator[pa.Table]:
        for start, number in offered.items():
            wall = start.astimezone(zone).replace(tzinfo=None)
            yield pa.table(
                {
                    "period": [f"{wall:%Y-%m-%dT%H:%M}"],
                    "period_start": pa.array([start], INSTANT),
                    "period_end": pa.array([start + length], INSTANT),
                    "queue_id": ["a"],
                    "offered": [number],
                    "level_part": [float(number)],
                    "level_whole": [float(number)],
                }
            )

    earlier = Earlier(job, "interval", ("queue_id",), Window(begin, end))
    for rows in earlier.added_to(periods()):
        (row,) = rows.to_pylist()
        wall = row["period_start"].astimezone(zone).replace(tzinfo=None)

        assert row[f"{compared}_offered"] == by_wall.get(wall - BACK[compared]), wall
