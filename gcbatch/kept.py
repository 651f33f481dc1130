"""What is kept with a run: the plan it asked and the names it used.

Export, report and re-run read it instead of asking again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from gcbatch.genesys.names import Names
from gcbatch.job import Job
from gcbatch.plan import Plan
from gcbatch.query import PART_FORMAT, canonical
from gcbatch.store import Store

__all__ = ["Kept", "asked_by"]

NOTE: Final = "plan.json"
FORMAT: Final = 1


def asked_by(
    job: Job,
    identity: str,
    queues: Sequence[str] | None,
    part_format: int = PART_FORMAT,
) -> str:
    """Return a hash over what determines a job's plan, its dates unresolved.

    Args:
        job: What is asked.
        identity: Whose data.
        queues: The queues that the job names, read from their file if need be.
        part_format: Version of how the endpoint's parts are written.
    """
    about: dict[str, Any] = {
        "format": FORMAT,
        "identity": identity,
        "queues": queues,
        "query": job.query.model_dump(mode="json", by_alias=True),
        "chunk": str(job.fetch.chunk),
        "limits": job.fetch.limits.model_dump(mode="json"),
    }
    if part_format != PART_FORMAT:
        about["part_format"] = part_format
    return sha256(canonical(about)).hexdigest()[:16]


@dataclass(frozen=True)
class Kept:
    """What the last run of a job asked.

    Args:
        asked: As asked_by returns it.
        names: What ids are called.
        plan: The queries.
    """

    asked: str
    names: Names
    plan: Plan

    def write(self, store: Store) -> None:
        """Keep it beside the parts."""
        store.write_note(
            NOTE,
            {
                "asked": self.asked,
                "run_id": self.plan.run_id,
                "names": self.names.to_json(),
                "plan": self.plan.to_json(),
            },
        )

    @classmethod
    def read(cls, store: Store) -> "Kept | None":
        """Return what the last run kept; None if nothing usable is there."""
        raw = store.read_note(NOTE)
        if raw is None:
            return None
        try:
            names, plan = Names.from_json(raw["names"]), Plan.from_json(raw["plan"])
            return cls(raw["asked"], names, plan)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return None
