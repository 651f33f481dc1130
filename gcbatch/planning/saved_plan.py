"""The saved plan of a run: its queries and the names of ids.

Export, report and the next run read it instead of requesting them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from gcbatch.genesys import Names
from gcbatch.job import Job
from gcbatch.planning.plan import Plan
from gcbatch.planning.requested import requested_by
from gcbatch.query import PART_FORMAT, canonical
from gcbatch.store import PLAN_NOTE, Store

__all__ = [
    "PartsDigest",
    "SavedPlan",
    "digest_parts",
    "fingerprint_of",
    "job_fingerprint",
]


def job_fingerprint(
    job: Job,
    identity: str,
    queues: Sequence[str] | None,
    part_format: int = PART_FORMAT,
) -> str:
    """Return a hash over what determines a job's plan; see requested_by."""
    return fingerprint_of(requested_by(job, identity, queues, part_format))


def fingerprint_of(requested: Mapping[str, Any]) -> str:
    """Return the hash of what requested_by returned."""
    return sha256(canonical(requested)).hexdigest()[:16]


@dataclass(frozen=True)
class SavedPlan:
    """The plan of a job's last run.

    Args:
        fingerprint: The job's, as job_fingerprint returns it.
        names: Names of ids.
        plan: The queries.
        tables: Tables of entities that the run listed.
        requested: What the job requested, as requested_by returns it; None if a release
            wrote the note that did not keep it.
    """

    fingerprint: str
    names: Names
    plan: Plan
    tables: tuple[str, ...] = ()
    requested: Mapping[str, Any] | None = None

    def write(self, store: Store) -> None:
        """Write it beside the parts."""
        store.write_note(
            PLAN_NOTE,
            {
                "asked": self.fingerprint,
                "run_id": self.plan.run_id,
                "names": self.names.to_json(),
                "plan": self.plan.to_json(),
                "tables": self.tables,
                "requested": self.requested,
            },
        )

    @classmethod
    def read(cls, store: Store) -> "SavedPlan | None":
        """Return the plan that the last run saved; None if there is no usable one."""
        raw = store.read_note(PLAN_NOTE)
        if raw is None:
            return None
        try:
            note = msgspec.convert(raw, _Note)
            plan = Plan.from_json(note.plan)
        except (msgspec.ValidationError, ValueError, IndexError):
            return None
        if note.run_id != plan.run_id:
            return None  # some of its queries are missing
        return cls(note.asked, note.names, plan, note.tables, note.requested)


class _Note(msgspec.Struct):
    """The shape of the note: a note of another shape is refused when it is read."""

    asked: str
    run_id: str
    names: Names
    plan: Any
    # Older releases did not write it; they had these.
    tables: tuple[str, ...] = ("queues", "users", "wrapup_codes")
    requested: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PartsDigest:
    """A digest of the parts from which tables were made.

    Args:
        parts: Number of parts.
        sha256: Over the sorted lines `<digest of the query> <checksum of the part>`.
    """

    parts: int
    sha256: str


def digest_parts(plan: Plan, store: Store) -> PartsDigest:
    """Return the digest of the parts of *plan*; missing parts change it too."""
    digests = sorted({query.digest for query in plan.queries})
    whole = sha256()
    for digest in digests:
        whole.update(f"{digest} {store.checksum(digest) or '-'}\n".encode())
    return PartsDigest(len(digests), whole.hexdigest())
