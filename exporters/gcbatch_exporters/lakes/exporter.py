"""The base of exporters to lakes: one commit, exact after any run."""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from pydantic import BaseModel

from gcbatch.errors import OutputError
from gcbatch.exporting import Mismatch, Receipt, Target, compare_days
from gcbatch.table import Table
from gcbatch_exporters.base import only_table
from gcbatch_exporters.lakes.loads import Load, last_load
from gcbatch_exporters.lakes.table import ConflictError, LakeTable

__all__ = ["LakeExporter"]

MAX_TRIES: Final = 8
"""Loads of one table at the same time each win once: so many may meet."""

PAUSE_S: Final = 0.2
"""Longest first pause after a conflict; it doubles each time."""


class LakeExporter(ABC):
    """Writes one table into a lake; rows of other ranges stay."""

    api_version: ClassVar[int] = 2
    deterministic: ClassVar[bool] = True
    side_by_side: ClassVar[bool] = True
    exporter_name: ClassVar[str]
    Options: ClassVar[type[BaseModel]]

    @abstractmethod
    def _of_lake(self, table: Table) -> LakeTable:
        """Return what a table is to be in the lake.

        Raises:
            JobError: If the lake has no such table.
        """

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse what cannot be exported.

        Raises:
            JobError: If there is not exactly one table, it cannot be partitioned as
                asked, what is there is not the job's or does not fit, or a row there
                reaches over an edge of what is covered.
            OutputError: If the lake cannot be read.
        """
        with self._of_lake(only_table(tables, self.exporter_name)) as lake:
            present = lake.open()
            if present is not None:
                with lake.reported():
                    lake.agree(present)
                    lake.rows(present).refuse_cut()

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Replace what the table covers.

        Raises:
            JobError: As in check.
            OutputError: If others kept writing to it, or it cannot be written.
        """
        table = only_table(tables, self.exporter_name)
        with self._of_lake(table) as lake:
            if not lake.selection:
                return Receipt(lake.place, 0)
            load = Load.begin(table, lake.selection, target.fingerprint)
            tries = 0
            while True:
                try:
                    return Receipt(lake.place, lake.load(load))
                except ConflictError as exc:
                    tries += 1
                    if tries == MAX_TRIES or target.is_stopped:
                        msg = f"{lake.place}: others kept writing to it ({tries} tries)"
                        hint = "the table is as they left it; try again"
                        raise OutputError(msg, hint=hint) from exc
                pause = random.uniform(0, PAUSE_S * 2**tries)  # noqa: S311 - no secret
                time.sleep(pause)

    def holds(self, tables: Mapping[str, Table], target: Target) -> Receipt | None:
        """Return the receipt if the lake holds what would be written.

        It does if the last load of what the table covers has the same fingerprint, no
        other program changed rows since, and their number is still the same.
        """
        table = only_table(tables, self.exporter_name)
        with self._of_lake(table) as lake:
            present = lake.open()
            if present is None or not lake.selection or not target.fingerprint:
                return None
            with lake.reported():
                if not lake.agree(present):
                    return None
                spans, timeless = lake.selection.spans, table.is_timeless
                last = last_load(lake.commits(present), spans, timeless=timeless)
                if last is None or last.load is None:
                    return None
                said = last.load.fingerprint, last.load.spans
                if said != (target.fingerprint, spans):
                    return None
                if lake.rows(present).count() != last.rows:
                    return None
            return Receipt(lake.place, last.rows)

    def verify(self, tables: Mapping[str, Table]) -> Iterator[Mismatch]:
        """Yield where the lake does not hold the rows of the table.

        Raises:
            JobError: As in check.
            OutputError: If the lake's table is missing or cannot be read.
        """
        table = only_table(tables, self.exporter_name)
        with self._of_lake(table) as lake:
            if not lake.selection:
                return
            present = lake.open()
            if present is None:
                msg = f"{lake.place}: is missing"
                raise OutputError(msg, hint="`gcbatch export JOB` loads it again")
            with lake.reported():
                lake.agree(present)
                yield from compare_days(table, lake.rows(present).batches())
