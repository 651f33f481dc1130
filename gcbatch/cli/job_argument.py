"""The job that a command is about: read, and gone through org by org."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from gcbatch.cli.output import say_error
from gcbatch.errors import GcbatchError, JobError

if TYPE_CHECKING:
    from gcbatch.job import Job

__all__ = ["PerOrg", "exit_with_failures", "load"]

T = TypeVar("T")


def load(path: Path, start: str, end: str, settings: Sequence[str]) -> "Job":
    """Read a job file, for a process of our own.

    Args:
        path: The job file.
        start: Instead of its `query.from`, where not empty.
        end: Instead of its `query.to`, where not empty.
        settings: `KEY=VALUE` each, instead of what the file says.

    Raises:
        JobError: If the file or a setting is not usable.
    """
    from gcbatch.cli.memory import use_jemalloc

    use_jemalloc(os.environ, sys.platform)

    from gcbatch.job import load_job

    overrides: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            msg = f"--set {setting}: is no KEY=VALUE"
            raise JobError(msg, hint="write for example --set fetch.concurrency=4")
        overrides[key] = value
    if start:
        overrides["query.from"] = start
    if end:
        overrides["query.to"] = end
    return load_job(path, settings=overrides, environ=os.environ)


class PerOrg:
    """The orgs of a job, one after the other; one that fails stops no other."""

    def __init__(self, job: "Job") -> None:
        self._job = job
        self.failures: list[GcbatchError] = []

    def each(self, work: "Callable[[Job], T]") -> "Iterator[tuple[Job, T]]":
        """Yield what *work* makes of each org that does not fail."""
        for share in self._job.per_org():
            try:
                done = work(share)
            except GcbatchError as exc:
                if self._job.orgs is None:
                    raise
                exc.org = share.org_name
                self.failures.append(exc)
            else:
                yield share, done

    def told(self, found: list[dict[str, Any]]) -> object:
        """Return what is told of the one org, or a list of what is told of each."""
        if self._job.orgs is None:
            return found[0]
        failed = [
            {"job": self._job.name, "org": failure.org, **failure.to_json()}
            for failure in self.failures
        ]
        return sorted([*found, *failed], key=lambda one: str(one["org"]))


def exit_with_failures(failures: Iterable[GcbatchError]) -> None:
    """Tell what kept orgs from being had, of several; exit with the worst code."""
    told = list(failures)
    for failure in told:
        say_error(failure)
    if told:
        raise typer.Exit(max(failure.exit_code for failure in told))
