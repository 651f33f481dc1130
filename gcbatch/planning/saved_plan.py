"""What is kept with a run: the plan it asked and the names it used.

Export, report and re-run read it instead of asking again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec

from gcbatch.genesys import Names
from gcbatch.job import Job
from gcbatch.planning.plan import Plan
from gcbatch.query import PART_FORMAT, canonical
from gcbatch.store import PLAN_NOTE, Store

__all__ = ["PartsDigest", "SavedPlan", "digest_parts", "job_fingerprint"]

FORMAT: Final = 1


def job_fingerprint(
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
class SavedPlan:
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
            PLAN_NOTE,
            {
                "asked": self.asked,
                "run_id": self.plan.run_id,
                "names": self.names.to_json(),
                "plan": self.plan.to_json(),
            },
        )

    @classmethod
    def read(cls, store: Store) -> "SavedPlan | None":
        """Return what the last run kept; None if nothing usable is there."""
        raw = store.read_note(PLAN_NOTE)
        if raw is None:
            return None
        try:
            msgspec.convert(raw, _Shape)
            names, plan = Names.from_json(raw["names"]), Plan.from_json(raw["plan"])
        except (msgspec.ValidationError, ValueError, IndexError):
            return None
        if raw["run_id"] != plan.run_id:
            return None  # queries of it are missing
        return cls(raw["asked"], names, plan)


_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
_Place = Annotated[int, msgspec.Meta(ge=0)]


class _Plan(msgspec.Struct):
    window: tuple[str, str]
    templates: list[str]
    queries: list[tuple[str, str, str, _Place, _Digest]]


class _Shape(msgspec.Struct):
    """What the note looks like; one of another shape would fail its readers late."""

    asked: str
    run_id: str
    names: Names
    plan: _Plan


@dataclass(frozen=True, slots=True)
class PartsDigest:
    """The parts that tables were made of.

    Args:
        parts: How many.
        sha256: Over the sorted lines `<digest of the query> <checksum of the part>`.
    """

    parts: int
    sha256: str


def digest_parts(plan: "Plan", store: "Store") -> PartsDigest:
    """Return what tells the parts of *plan* from any others; missing ones count too."""
    digests = sorted({query.digest for query in plan.queries})
    whole = sha256()
    for digest in digests:
        whole.update(f"{digest} {store.checksum(digest) or '-'}\n".encode())
    return PartsDigest(len(digests), whole.hexdigest())
