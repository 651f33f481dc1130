"""What a run did, as plain data."""

import json
from datetime import UTC, datetime, timedelta

from gcbatch.report import Exported, RunReport
from gcbatch.windows import Window

START = datetime(2026, 10, 1, tzinfo=UTC)


def test_a_report_is_plain_json() -> None:
    """Times are ISO 8601 with Z, spans in seconds; tables are not part of it."""
    report = RunReport(
        job="j",
        run_id="abc",
        window=Window(START, START + timedelta(days=1)),
        started_at=START,
        seconds=1.23456,
        queries=3,
        fetched=2,
        provisional=1,
        requests=5,
        retries={"429": 2},
        throttled=2,
        waited_s=0.98765,
        tokens=1,
        rows=7,
        exports=(Exported("csv", ("intervals",), "out.csv", 7),),
        warnings=("queues are shown by id",),
        breaches=1,
    )

    told = json.loads(json.dumps(report.to_json()))

    assert told["from"] == "2026-10-01T00:00:00.000Z"
    assert told["to"] == "2026-10-02T00:00:00.000Z"
    assert (told["seconds"], told["waited_s"]) == (1.235, 0.988)
    assert told["exports"] == [
        {"exporter": "csv", "tables": ["intervals"], "location": "out.csv", "rows": 7}
    ]
    assert "tables" not in told
