"""Digests of what a run read and wrote; `verify` tells by them what has changed."""

from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from gcbatch.atomic_files import open_regular

if TYPE_CHECKING:  # exporters need files told, and no plans
    from gcbatch.plan import Plan
    from gcbatch.store import Store

__all__ = ["Inputs", "Output", "inputs_of", "output_at"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The parts that tables were made of.

    Args:
        parts: How many.
        sha256: Over the sorted lines `<digest of the query> <checksum of the part>`.
    """

    parts: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Output:
    """A file that was published.

    Args:
        path: As the job gives it; where it is relative, to the folder of the run.
        sha256: Of its content.
        bytes: Its size.
    """

    path: str
    sha256: str
    bytes: int


def inputs_of(plan: "Plan", store: "Store") -> Inputs:
    """Return what tells the parts of *plan* from any others; missing ones count too."""
    digests = sorted({query.digest for query in plan.queries})
    whole = sha256()
    for digest in digests:
        whole.update(f"{digest} {store.seal(digest) or '-'}\n".encode())
    return Inputs(len(digests), whole.hexdigest())


def output_at(path: Path) -> Output:
    """Return the digest of a file.

    Raises:
        OSError: If it cannot be read, or is no file: nobody waits for a pipe.
    """
    with open_regular(path) as file:
        content = file_digest(file, "sha256")
        return Output(str(path), content.hexdigest(), file.tell())
