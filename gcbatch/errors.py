"""The errors that gcbatch raises, and their exit codes.

    GcbatchError
      JobError            2    the job file or the command line
      AccessError         3    credentials, or a permission that is missing
      ServiceError        4    the API or the network
        OutOfReachError   4    no request can be sent now
        TooLargeError     4    the service does not answer so much at once
      DataError           5    data incomplete or contradictory
        DamagedPartError  5    a part that has to be fetched again
        ReplacedPartError 5    a part that another run replaced meanwhile
      OutputError         6    the store or an export

Any other exception is a bug (exit code 1) and keeps its traceback.
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
"""Hint of errors about an answer whose shape this release does not know."""


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The answer to a request that failed.

    Args:
        method, path: Method and path of the request.
        status: HTTP status of the answer.
        code: The API's own code, such as `invalid.value`; empty if it gave none.
        message: The API's own words; empty if it gave none.
        correlation_id: The id that the service's support asks for; empty if unknown.
    """

    method: str
    path: str
    status: int
    code: str = ""
    message: str = ""
    correlation_id: str = ""

    def __str__(self) -> str:
        text = f"{self.method} {self.path}: {self.status}"
        text += f" {self.code}" if self.code else ""
        text += f": {self.message}" if self.message else ""
        trace = self.correlation_id and f" (correlation id {self.correlation_id})"
        return text + trace


class GcbatchError(Exception):
    """A problem that the user can act on.

    Args:
        problem: What is wrong, as `where: what (value)`; lower case, no full stop. A
            sequence if there are several problems. Never a secret, a token, a header
            or the body of an answer. Control characters become spaces, so that text of
            others cannot begin a line of its own.
        hint: The next step to take; None if there is none.
        response: The answer that caused it, if there was one.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        problem: str | Sequence[str],
        *,
        hint: str | None = None,
        response: ErrorResponse | None = None,
    ) -> None:
        lines = [problem] if isinstance(problem, str) else problem
        self.problem = "\n".join(map(visible, lines))
        """What is wrong; a line for each problem."""
        super().__init__(self.problem)
        self.hint = visible(hint) if hint else hint
        self.response = response
        self.missing = ""
        """What a run lacks because of this; empty if it lacks everything."""
        self.org = ""
        """The org that it concerns; empty for all orgs, or the only one."""

    def within(self, what: str, *, hint: str | None = None) -> Self:
        """Return this error with *what* in front: the thing that failed because of it.

        *hint* replaces the present one, unless it is None.
        """
        first, *others = self.problem.split("\n")
        lines = [f"{what}: {first}", *others]
        return type(self)(lines, hint=hint or self.hint, response=self.response)

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
    """No request can be sent now: the service does not answer, or refuses all."""


class TooLargeError(ServiceError):
    """An answer is too large for the service; a smaller query may succeed."""


class DataError(GcbatchError):
    """An answer is incomplete, contradicts itself or has an unexpected shape."""

    exit_code = 5


class DamagedPartError(DataError):
    """A part of the store is damaged, and has to be fetched again."""


class ReplacedPartError(DataError):
    """A part was replaced by another run while this one was reading its parts."""


class OutputError(GcbatchError):
    """The store or an output cannot be read or written."""

    exit_code = 6


@contextmanager
def tagging_org(org: str) -> Iterator[None]:
    """Set the org on errors that the block raises."""
    try:
        yield
    except GcbatchError as exc:
        exc.org = exc.org or org
        raise
