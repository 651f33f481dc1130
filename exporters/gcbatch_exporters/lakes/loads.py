"""What the commits of a lake's table say about loads of gcbatch.

Each load is one commit that carries, under one key, what it replaced and of which job
and run. So the history is the ledger: it cannot disagree with the table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, NamedTuple, Self
from uuid import uuid4

from gcbatch.table import Table
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["KEY", "Commit", "Load", "last_load"]

KEY: Final = "gcbatch"
"""The key of a load in a commit."""


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
    def begin(cls, table: Table, selection: Selection, fingerprint: str) -> Self:
        """Return a new load of a table."""
        return cls(
            id=uuid4().hex,
            job=table.job,
            run_id=table.run_id,
            table=table.name,
            spans=selection.spans,
            fingerprint=fingerprint,
            version=version("gcbatch"),
        )

    @classmethod
    def parse(cls, said: Any) -> Self | None:
        """Return the load that a commit says it is; None if it is none that is known.

        Args:
            said: What the commit has under the key.
        """
        try:
            return cls(**said)
        except TypeError:
            return None

    def touches(self, spans: Iterable[list[str]]) -> bool:
        """Return whether it replaced rows of some spans."""
        return any(
            org == other and start < other_end and other_start < end
            for org, start, end in self.spans
            for other, other_start, other_end in spans
        )


class Commit(NamedTuple):
    """A commit of a lake's table.

    Args:
        load: The load that it is; None if it is another change.
        rows: The rows that the load added.
        leaves_rows: Whether all rows stayed as they were.
    """

    load: Load | None
    rows: int = 0
    leaves_rows: bool = False


def last_load(
    commits: Iterable[Commit], spans: list[list[str]], *, timeless: bool
) -> Commit | None:
    """Return the load by which a table holds what it does in some spans.

    Args:
        commits: The history of the table, newest first.
        spans: Org, begin and end of each.
        timeless: Whether a load of any span replaces all rows of its orgs.

    Returns:
        None if the history does not say, or another program has changed rows since.
    """
    orgs = {org for org, _, _ in spans}
    for commit in commits:
        load = commit.load
        if load is None:
            if commit.leaves_rows:
                continue
            return None
        own = {org for org, _, _ in load.spans}
        if load.touches(spans) or (timeless and own & orgs):
            return commit
    return None
