"""What a run has of an org: its rows, and queues without any."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from gcbatch.text import one_line

__all__ = ["EmptyQueues", "OrgRows", "hash_of_queues", "known_empty_queues"]

MAX_LISTED: Final = 5
"""Queues that a line names."""


@dataclass(frozen=True, slots=True)
class EmptyQueues:
    """The queues that should have rows, and have none.

    Args:
        names: The names of these queues, or their ids, in order.
        wanted_sha256: A hash of all the queues that should; empty if none should.
        unknown: Why it is not known; empty if it is.
    """

    names: tuple[str, ...] = ()
    wanted_sha256: str = ""
    unknown: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"names": list(self.names), "wanted_sha256": self.wanted_sha256}

    def __str__(self) -> str:
        more = len(self.names) - MAX_LISTED
        shown = ", ".join(map(one_line, self.names[:MAX_LISTED]))
        rest = f" and {more:,} more" if more > 0 else ""
        return f"queues without rows: {len(self.names):,} ({shown}{rest})"


def hash_of_queues(ids: Iterable[str]) -> str:
    """Return a hash of some queues."""
    return sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class OrgRows:
    """What a run has of an org.

    Args:
        org: The org's name in the job; empty in a job of one org.
        rows: Its rows; those of listed tables in a job of tables alone.
        rows_before: Those of the last run; None if there was none.
        queues: Its queues without rows.
    """

    org: str
    rows: int
    rows_before: int | None
    queues: EmptyQueues

    @property
    def warnings(self) -> Iterator[str]:
        """What is to be said of the org."""
        if self.rows == 0:
            if self.rows_before:
                yield f"no rows, where the last run had {self.rows_before:,}"
            elif self.org:
                yield "no rows"
        elif self.queues.names:
            yield str(self.queues)


def known_empty_queues(
    report: Mapping[str, Any], wanted: str, inputs: str
) -> EmptyQueues | None:
    """Return the queues without rows that a run report has; None if it is of others.

    Args:
        report: The run.json of the last run; empty if there is none.
        wanted: The hash of the queues that should have rows.
        inputs: Digest of the parts.
    """
    try:
        found = report["empty_queues"]
        before = found["wanted_sha256"], report["digests"]["inputs"]["sha256"]
        if before != (wanted, inputs):
            return None
        return EmptyQueues(tuple(map(str, found["names"])), wanted)
    except (KeyError, TypeError):
        return None
