"""What can go wrong, and the exit code of each.

    GcbatchError
      JobError            2    the job file or the command line
      AccessError         3    credentials, or a permission that is missing
      ServiceError        4    the API or the network
        OutOfReachError   4    nothing can be asked for now
        TooLargeError     4    more than the service answers at once
      DataError           5    data incomplete or contradictory
        DamagedPartError  5    a part that has to be fetched again
        ReplacedPartError 5    a part that another run replaced meanwhile
      OutputError         6    the store or an export

Whatever else escapes is a bug (exit code 1) and keeps its traceback.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from gcbatch.text import visible

__all__ = [
    "SHAPE_HINT",
    "AccessError",
    "DamagedPartError",
    "DataError",
    "ErrorResponse",
    "GcbatchError",
    "JobError",
    "OutOfReachError",
    "OutputError",
    "ReplacedPartError",
    "ServiceError",
    "TooLargeError",
    "tagging_org",
]

SHAPE_HINT: Final = "the service may have changed; see if a newer gcbatch knows it"
"""For an answer of a shape that this release does not know."""


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The answer that a request failed with.

    Args:
        method, path: Of the request.
        status: HTTP status of the answer.
        code: The API's own code, such as `invalid.value`; empty if it gave none.
        message: The API's own words; empty if it gave none.
        correlation_id: What the service's support asks for; empty if unknown.
    """

    method: str
    path: str
    status: int
    code: str = ""
    message: str = ""
    correlation_id: str = ""

    def __str__(self) -> str:
        said = " ".join(filter(None, (str(self.status), self.code)))
        words = f": {self.message}" if self.message else ""
        trace = (
            f" (correlation id {self.correlation_id})" if self.correlation_id else ""
        )
        return f"{self.method} {self.path}: {said}{words}{trace}"


class GcbatchError(Exception):
    """A problem that its reader can act on.

    Args:
        problem: What is wrong, as `where: what (value)`; lower case, no full
            stop. Several, where there are several problems. Never a secret, a token, a
            header or the body of an answer. What no terminal may act on becomes a
            space, so that text of others in it makes no line of its own.
        hint: The next step to take; None where there is none to name.
        refusal: The answer that it comes from, where there was one.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        problem: str | Sequence[str],
        *,
        hint: str | None = None,
        refusal: ErrorResponse | None = None,
    ) -> None:
        lines = [problem] if isinstance(problem, str) else problem
        self.problem = "\n".join(map(visible, lines))
        """What is wrong; a line for each problem."""
        super().__init__(self.problem)
        self.hint = visible(hint) if hint else hint
        self.refusal = refusal
        self.missing = ""
        """What a run lacks because of this; empty where that is everything."""
        self.org = ""
        """Which of several orgs it is about; empty for all of them, or the only one."""

    def within(self, what: str, *, hint: str | None = None) -> Self:
        """Return the error of something that cannot be had because of this one.

        Args:
            what: Cannot be had, as the error is to begin.
            hint: Another next step; None keeps this one's.
        """
        first, *others = self.problem.split("\n")
        lines = [f"{what}: {first}", *others]
        return type(self)(lines, hint=hint or self.hint, refusal=self.refusal)

    def to_json(self) -> dict[str, str | int | None]:
        """Return it as plain data, for machines."""
        return {
            "error": self.problem,
            "missing": self.missing,
            "hint": self.hint,
            "exit_code": self.exit_code,
        }


class JobError(GcbatchError):
    """The job file, an override or the command line is not usable."""

    exit_code = 2


class AccessError(GcbatchError):
    """The credentials are wrong, or lack a permission that the job needs."""

    exit_code = 3


class ServiceError(GcbatchError):
    """The service cannot be reached or keeps failing."""

    exit_code = 4


class OutOfReachError(ServiceError):
    """Nothing can be asked for now: nobody answers, or no request is welcome."""


class TooLargeError(ServiceError):
    """The service will not answer so much at once, but may answer less."""


class DataError(GcbatchError):
    """An answer is incomplete, contradicts itself or has an unexpected shape."""

    exit_code = 5


class DamagedPartError(DataError):
    """A part of the store was damaged, and is removed: it has to be fetched again."""


class ReplacedPartError(DataError):
    """A part was replaced by another run while this one was reading its parts."""


class OutputError(GcbatchError):
    """The store or an output cannot be read or written."""

    exit_code = 6


@contextmanager
def tagging_org(org: str) -> Iterator[None]:
    """Note on what goes wrong in the block which org it is about."""
    try:
        yield
    except GcbatchError as exc:
        exc.org = exc.org or org
        raise
