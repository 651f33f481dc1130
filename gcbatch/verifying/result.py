"""What checking a run found: flaws of files, differences of figures, what to do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from gcbatch.errors import DataError, GcbatchError
from gcbatch.text import one_line
from gcbatch.verifying.totals import Difference
from gcbatch.windows import Window, iso, to_local

__all__ = ["MOST_LISTED", "Flaw", "Totals", "VerifyResult"]

MOST_LISTED: Final = 1000
"""Differences that are listed; all are counted. Another org's data would differ in
every figure."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A file that is not as the run left it.

    Args:
        path: Where it is, or should be.
        problem: What is wrong with it.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass
class Totals:
    """What comparing with the service's own totals gave.

    Args:
        spans: Days, or longer spans, that were compared.
        provisional: Those of them whose figures had not settled when they were
            fetched: they may differ, and the next run fetches them again.
        requests: What it cost.
        left_out: Spans that could not be compared: no whole days, or not all there.
        differing: Figures of settled spans that differ.
        differing_provisional: Likewise, of the others.
        listed: The first differences of settled spans.
        listed_provisional: The first of the others.
    """

    spans: int = 0
    provisional: int = 0
    requests: int = 0
    left_out: list[Window] = field(default_factory=list)
    differing: int = 0
    differing_provisional: int = 0
    listed: list[Difference] = field(default_factory=list)
    listed_provisional: list[Difference] = field(default_factory=list)

    def add(
        self,
        spans: Sequence[Window],
        provisional: set[Window],
        found: Iterable[Difference],
    ) -> None:
        """Count what was compared, and list the first differences."""
        self.spans += len(spans)
        self.provisional += len(provisional)
        for difference in found:
            is_open = difference.window in provisional
            self.differing += not is_open
            self.differing_provisional += is_open
            listed = self.listed_provisional if is_open else self.listed
            if len(listed) < MOST_LISTED:
                listed.append(difference)

    def sort(self) -> None:
        """Bring what was found into the order of time."""
        for listed in (self.listed, self.listed_provisional):
            listed.sort(key=lambda difference: difference.window)
        self.left_out.sort()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "spans": self.spans,
            "provisional": self.provisional,
            "requests": self.requests,
            "left_out": [[iso(w.start), iso(w.end)] for w in self.left_out],
            "differing": self.differing,
            "differing_provisional": self.differing_provisional,
            "differences": [_told(difference) for difference in self.listed],
            "provisional_differences": [
                _told(difference) for difference in self.listed_provisional
            ],
        }


def _told(difference: Difference) -> dict[str, Any]:
    return {
        "from": iso(difference.window.start),
        "to": iso(difference.window.end),
        "group": dict(difference.group),
        "figure": difference.figure,
        "stored": difference.stored,
        "served": difference.served,
    }


@dataclass
class VerifyResult:
    """What checking a run found.

    Args:
        job: The job's name.
        run_id: Of the plan that was checked.
        window: The range of that plan.
        timezone: The job's.
        names: What queues are called, by id.
        parts, outputs: How many were looked at.
        part_flaws, output_flaws: Those that are not as the run left them.
        totals: What the service's own totals gave; None where they were not asked.
        not_compared: Why they were not.
        failure: What kept them from being asked to the end.
    """

    job: str
    run_id: str
    window: Window
    timezone: str
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    parts: int = 0
    part_flaws: list[Flaw] = field(default_factory=list)
    outputs: int = 0
    output_flaws: list[Flaw] = field(default_factory=list)
    totals: Totals | None = None
    not_compared: str | None = None
    failure: GcbatchError | None = None

    @property
    def is_good(self) -> bool:
        """Whether all that was looked at is as it should be."""
        return self.error is None

    @property
    def error(self) -> GcbatchError | None:
        """What the reader should act on first; None where all is good."""
        said, hints = [], []
        if self.part_flaws:
            said.append(_first(self.part_flaws, "part"))
            hints.append("`gcbatch run JOB` fetches what is missing or damaged")
        if self.totals and self.totals.differing:
            said.append(self._first_difference(self.totals))
            hints = ["`gcbatch run --fresh JOB` fetches all of it again"]
        if self.output_flaws:
            said.append(_first(self.output_flaws, "output"))
            hints.append("`gcbatch run JOB` writes the outputs again")
        if said:
            return DataError(f"{self.job}: {'; '.join(said)}", hint=hints[0])
        return self.failure

    def _first_difference(self, totals: Totals) -> str:
        difference, many = totals.listed[0], totals.differing
        who = self.name_of(difference.group)
        zone = ZoneInfo(self.timezone)
        day = to_local(difference.window.start, zone).date()
        return (
            f"{many:,} {'figure differs' if many == 1 else 'figures differ'} from the "
            f"service's own totals: {who}, {difference.figure}, {day}: "
            f"stored {difference.stored}, served {difference.served}"
        )

    def name_of(self, group: Mapping[str, str | None]) -> str:
        """Return what a group is called: its queue by name, the rest by value."""
        said = [
            self.names.get(value or "", value) if column == "queue_id" else value
            for column, value in group.items()
        ]
        return one_line(", ".join(value or "-" for value in said) or "all")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "job": self.job,
            "run_id": self.run_id,
            "from": iso(self.window.start),
            "to": iso(self.window.end),
            "good": self.is_good,
            "parts": self.parts,
            "part_flaws": [asdict(flaw) for flaw in self.part_flaws],
            "outputs": self.outputs,
            "output_flaws": [asdict(flaw) for flaw in self.output_flaws],
            "totals": self.totals.to_json() if self.totals else None,
            "not_compared": self.not_compared,
        }


def _first(flaws: Sequence[Flaw], noun: str) -> str:
    if len(flaws) == 1:
        return str(flaws[0])
    return f"{len(flaws):,} {noun}s are not as the run left them, first {flaws[0]}"
