"""Exports without rows, as a run report knows those of the last run."""

from typing import Any

import pytest

from gcbatch.running.missing_rows import empty_warnings
from gcbatch.running.report import Exported


def exported(rows: int) -> Exported:
    return Exported("csv", ("sla",), "sla.csv", rows)


def report_with(*rows: int) -> dict[str, Any]:
    return {
        "exports": [{"exporter": "csv", "tables": ["sla"], "rows": n} for n in rows]
    }


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ((5, 3), (0, 0), ["csv sla: no rows, where the last run wrote 8"]),
        ((5, 0), (0, 0), ["csv sla: no rows, where the last run wrote 5"]),
        ((5, 3), (0, 2), []),
        ((0, 0), (0, 0), []),
        ((), (0,), []),
    ],
)
def test_exports_of_one_table_are_looked_at_together(
    before: tuple[int, ...], now: tuple[int, ...], said: list[str]
) -> None:
    """A table may be exported for several periods."""
    exports = [exported(rows) for rows in now]

    assert [*empty_warnings(exports, report_with(*before))] == said
