"""The result of checking a run: flaws of files, differences of figures, hints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from gcbatch.errors import DataError, GcbatchError
from gcbatch.text import one_line
from gcbatch.verifying.totals import Difference
from gcbatch.windows import Window, iso, to_local

__all__ = ["MAX_LISTED", "RUN", "Flaw", "Totals", "VerifyResult"]

MAX_LISTED: Final = 1000
"""Differences that are listed; all are counted. Data of another org would differ in
every figure."""

RUN: Final = "gcbatch run JOB"
"""The command that mends; where the job file is known, it is named for JOB."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A file that is not as the run left it."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass
class Totals:
    """The result of comparing with the service's own totals.

    Args:
        spans: How many days, or longer spans, were compared.
        provisional: How many of them were fetched before their figures settled: they
            may differ, and the next run fetches them again.
        requests: How many requests it took.
        left_out: Spans that could not be compared: not whole days, or not complete.
        differing: How many figures of settled spans differ.
        differing_provisional: How many figures of provisional spans differ.
        listed: The first differences of settled spans.
        differing_spans: The settled spans that have a difference, all of them.
        listed_provisional: The first differences of provisional spans.
    """

    spans: int = 0
    provisional: int = 0
    requests: int = 0
    left_out: list[Window] = field(default_factory=list)
    differing: int = 0
    differing_provisional: int = 0
    listed: list[Difference] = field(default_factory=list)
    listed_provisional: list[Difference] = field(default_factory=list)
    differing_spans: set[Window] = field(default_factory=set, repr=False)

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
            if not is_open:
                self.differing_spans.add(difference.window)
            listed = self.listed_provisional if is_open else self.listed
            if len(listed) < MAX_LISTED:
                listed.append(difference)

    def sort(self) -> None:
        """Sort what was found by time."""
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
            "differences": [one.to_json() for one in self.listed],
            "provisional_differences": [
                one.to_json() for one in self.listed_provisional
            ],
        }


@dataclass
class VerifyResult:
    """The result of checking a run.

    Args:
        job: The job's name.
        run_id: The id of the plan that was checked.
        window: The range of that plan; None in a job of tables alone.
        timezone: The job's.
        names: The names of queues by id.
        parts, listings, outputs: How many were checked; listings are of the tables that
            the exports name.
        part_flaws, listing_flaws, output_flaws: What is not as the run left it.
        totals: The comparison with the service's own totals; None without one.
        not_compared: Why there is no comparison.
        failure: The error that ended the comparison early.
        report: The run.json of the last run; empty if it is not readable.
        refetch: What `--refetch` takes to fetch again what is missing, damaged or
            different; empty if nothing is.
        outdated: Why the outputs need not be as the parts are; None if they are of
            these parts.
    """

    job: str
    run_id: str
    window: Window | None
    timezone: str
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    parts: int = 0
    part_flaws: list[Flaw] = field(default_factory=list)
    listings: int = 0
    listing_flaws: list[Flaw] = field(default_factory=list)
    outputs: int = 0
    output_flaws: list[Flaw] = field(default_factory=list)
    totals: Totals | None = None
    not_compared: str | None = None
    failure: GcbatchError | None = None
    report: Mapping[str, Any] = field(default_factory=dict, repr=False)
    refetch: tuple[str, ...] = ()
    outdated: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing that was checked has a flaw or a difference."""
        return self.error is None

    @property
    def error(self) -> GcbatchError | None:
        """The error to act on first; None if there is none."""
        problems, hints = [], []
        if self.part_flaws:
            problems.append(_first(self.part_flaws, "part"))
            hints.append(f"`{self._command}` fetches what is missing or damaged")
        if self.listing_flaws:
            problems.append(_first(self.listing_flaws, "listing"))
            hints.append(f"`{RUN}` lists what is missing or damaged")
        if self.totals and self.totals.differing:
            problems.append(self._first_difference(self.totals))
            hints = [f"`{self._command}` fetches these days again"]
        if self.output_flaws:
            problems.append(_first(self.output_flaws, "output"))
            hints.append(f"`{RUN}` writes the outputs again")
        if problems:
            return DataError(f"{self.job}: {'; '.join(problems)}", hint=hints[0])
        return self.failure

    @property
    def _command(self) -> str:
        """The command that fetches again what is not as it should be."""
        return " ".join([RUN, *(f"--refetch {span}" for span in self.refetch)])

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
        """Return the name of a group: its queue by name, the rest by value."""
        values = [
            self.names.get(value or "", value) if column == "queue_id" else value
            for column, value in group.items()
        ]
        return one_line(", ".join(value or "-" for value in values) or "all")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "job": self.job,
            "run_id": self.run_id,
            "from": iso(self.window.start) if self.window else None,
            "to": iso(self.window.end) if self.window else None,
            "good": self.is_good,
            "parts": self.parts,
            "part_flaws": [asdict(flaw) for flaw in self.part_flaws],
            "listings": self.listings,
            "listing_flaws": [asdict(flaw) for flaw in self.listing_flaws],
            "outputs": self.outputs,
            "output_flaws": [asdict(flaw) for flaw in self.output_flaws],
            "totals": self.totals.to_json() if self.totals else None,
            "not_compared": self.not_compared,
            "refetch": list(self.refetch),
        }


def _first(flaws: Sequence[Flaw], noun: str) -> str:
    if len(flaws) == 1:
        return str(flaws[0])
    return f"{len(flaws):,} {noun}s are not as the run left them, first {flaws[0]}"
