"""The queues of an org without rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from gcbatch.planning import Plan, digest_parts
from gcbatch.store import Store
from gcbatch.text import one_line

__all__ = ["EmptyQueues", "find_empty_queues"]

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


def find_empty_queues(
    plan: Plan,
    store: Store,
    wanted: Mapping[str, str],
    last_report: Mapping[str, Any],
) -> EmptyQueues:
    """Return the queues that should have rows, and have none.

    Parts are read until each queue was seen; if none changed since the last run, its
    report says it.

    Args:
        plan: The queries of the run.
        store: Has their parts.
        wanted: The queues that should have rows: their names, by id.
        last_report: The run.json of the last run; empty if there is none.
    """
    digest = sha256("\n".join(sorted(wanted)).encode()).hexdigest()[:16]
    known = _known(last_report, digest, digest_parts(plan, store).sha256)
    if known is not None:
        return known
    missing = {*wanted}
    for query in plan.queries:
        if not missing:
            break
        for rows in store.batches(query.digest, ["queue_id"]):
            missing.difference_update(rows["queue_id"].unique().to_pylist())
    return EmptyQueues(tuple(sorted(wanted[queue] for queue in missing)), digest)


def _known(report: Mapping[str, Any], wanted: str, inputs: str) -> EmptyQueues | None:
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
