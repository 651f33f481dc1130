"""What the log of a Delta table says about loads of gcbatch.

Each load is one commit that carries, under one key, what it replaced and of which job
and run. So the log is the ledger: it cannot disagree with the table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

__all__ = ["KEY", "Load", "last_load"]

KEY: Final = "gcbatch"
"""The key of a load in a commit, and the id of its transactions."""

UNTOUCHED: Final = frozenset(
    {
        "CREATE TABLE",
        "OPTIMIZE",
        "SET TBLPROPERTIES",
        "VACUUM START",
        "VACUUM END",
    }
)
"""Operations that leave all rows as they are."""


@dataclass(frozen=True, slots=True)
class Load:
    """A load, as its commit describes it.

    Args:
        id: No other load has it.
        job: The job that owns the table.
        run_id: The plan by which the rows were fetched.
        table: The name of the table in jobs.
        spans: What it replaced: org, begin and end of each span.
        fingerprint: A hash over all that determined it; empty if not known.
        version: The release of gcbatch.
    """

    id: str
    job: str
    run_id: str
    table: str
    spans: list[list[str]]
    fingerprint: str
    version: str

    @classmethod
    def of_commit(cls, commit: Mapping[str, Any]) -> Self | None:
        """Return the load that a commit is; None if it is none that is known."""
        try:
            return cls(**commit[KEY])
        except (KeyError, TypeError):
            return None

    @property
    def metadata(self) -> dict[str, Any]:
        """What the commit carries."""
        return {KEY: asdict(self)}

    def touches(self, spans: Iterable[list[str]]) -> bool:
        """Return whether it replaced rows of some spans."""
        return any(
            org == other and start < other_end and other_start < end
            for org, start, end in self.spans
            for other, other_start, other_end in spans
        )


def last_load(
    commits: Iterable[Mapping[str, Any]], spans: list[list[str]], *, timeless: bool
) -> tuple[Load, int] | None:
    """Return the load by which a table holds what it does in some spans.

    Args:
        commits: The history of the table, newest first.
        spans: Org, begin and end of each.
        timeless: Whether a load of any span replaces all rows of its orgs.

    Returns:
        The load and the number of its rows; None if the log does not say, or another
        program has changed rows since.
    """
    orgs = {org for org, _, _ in spans}
    for commit in commits:
        load = Load.of_commit(commit)
        if load is None:
            if commit.get("operation") in UNTOUCHED:
                continue
            return None
        own = {org for org, _, _ in load.spans}
        if load.touches(spans) or (timeless and own & orgs):
            return load, int(commit["operationMetrics"]["num_added_rows"])
    return None
