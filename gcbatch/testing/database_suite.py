"""The base of suites for databases: what to define, and how rows are compared."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from unittest import SkipTest

from gcbatch.errors import GcbatchError
from gcbatch.table import Table
from gcbatch.testing.comparing import alike, expect, same
from gcbatch.testing.conformance import ExporterConformance
from gcbatch.testing.samples import Row

__all__ = ["DatabaseSuite", "skip"]

_KEY = ("org", "interval_start", "queue_id")


class DatabaseSuite(ExporterConformance):
    """What a suite for databases needs: what to define, and comparisons."""

    keeps_history: ClassVar[bool] = True
    has_owners: ClassVar[bool] = True
    """Whether it refuses to replace the rows of another job."""
    adds_columns: ClassVar[bool] = True
    """Whether it adds a column that a table has and the database lacks."""
    takes_several: ClassVar[bool] = True
    """Whether one export may have several tables."""
    loads_together: ClassVar[bool] = True
    """Whether several tables are loaded in one transaction."""

    def read_table(self, folder: Path, name: str) -> list[Row]:
        """Return the rows of a table in *folder* by column, in any order.

        Best by a reader that is not the exporter's own. Values are as for read().
        """
        raise NotImplementedError

    def read(self, folder: Path) -> list[Row]:
        """Return the rows of `intervals`, in the order of the key."""
        rows = self.read_table(folder, "intervals")
        return sorted(rows, key=lambda r: [r[name] for name in _KEY if name in r])

    def _asked(self, folder: Path, method: str = "destinations") -> Any:
        """Return an exporter to ask; without the method, the test is skipped."""
        exporter = self._exporter(folder)
        if not hasattr(exporter, method):
            skip(f"has no method {method}")
        return exporter

    def _refuses(self, folder: Path, table: Table, what: str) -> None:
        try:
            self._export(folder, table)
        except GcbatchError as exc:
            cause = type(exc.__cause__).__name__
            expect(cause not in exc.problem, f"{what}: a bare error: {exc.problem}")
            return
        except Exception as exc:
            msg = f"{what}: a bare error: {type(exc).__name__}: {exc}"
            raise AssertionError(msg) from exc
        msg = f"export: takes {what}"
        raise AssertionError(msg)

    def _has(
        self, folder: Path, wanted: Sequence[Row], name: str = "intervals"
    ) -> None:
        """Compare the rows of a table with those that it is to have, in any order."""
        rows = self._sorted(self.read_table(folder, name))
        expected = self._sorted(
            {k: self.as_read(v) for k, v in row.items()} for row in wanted
        )
        same(len(rows), len(expected), f"{name}: rows")
        for row, other in zip(rows, expected, strict=True):
            key = ", ".join(str(row.get(k)) for k in _KEY if k in row)
            same(sorted(row), sorted(other), f"{name}: {key}: columns")
            for column, value in other.items():
                if not alike(row[column], value):
                    same(row[column], value, f"{name}: {key}: {column}")

    def _sorted(self, rows: Iterable[Row]) -> list[Row]:
        def place(row: Mapping[str, Any]) -> list[str]:
            return [str(row.get(name)) for name in _KEY]

        return sorted(rows, key=place)


def skip(reason: str) -> NoReturn:
    """Skip a test.

    Raises:
        SkipTest: Always; pytest takes it as a skip.
    """
    raise SkipTest(reason)
