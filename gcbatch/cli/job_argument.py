"""The job of a command: read from its file, and used org by org."""

import os
import re
import sys
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

from gcbatch.cli.output import print_json, print_screen, say_error
from gcbatch.errors import GcbatchError, JobError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gcbatch.job import Job

__all__ = [
    "PerOrg",
    "exit_with_failures",
    "load",
    "print_json_of_orgs",
    "use_jemalloc",
]

T = TypeVar("T")

MEMORY_POOL: Final = "ARROW_DEFAULT_MEMORY_POOL"
JEMALLOC: Final = "JE_ARROW_MALLOC_CONF"
"""Arrow's own variable. It is read once, when Arrow is first used."""


OPTIONS: Final = {
    "query.from": "--from",
    "query.to": "--to",
    "engine.name": "--engine",
    "engine.scheduler": "--scheduler",
    "engine.workers": "--workers",
}
"""Keys that have an option of their own."""


def load(
    path: Path,
    start: str,
    end: str,
    settings: Sequence[str],
    engine: Mapping[str, str] | None = None,
) -> "Job":
    """Return the job of a file, and set this process up for it.

    Args:
        path: The job file.
        start: Replaces `query.from` if not empty.
        end: Replaces `query.to` if not empty.
        settings: `KEY=VALUE` each; they replace keys of the file.
        engine: Keys of `engine:` that options replace, with their values.

    Raises:
        JobError: If the file or a setting is not usable.
    """
    use_jemalloc(os.environ, sys.platform)

    from gcbatch.job import load_job

    overrides: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            # The rest may be a secret.
            begin = re.match(r"[\w.-]*", setting)
            msg = f"--set {begin[0] if begin else ''}: is not KEY=VALUE"
            raise JobError(msg, hint="write for example --set fetch.concurrency=4")
        overrides[key] = value
    given = {"query.from": start, "query.to": end, **(engine or {})}
    options = {key: value for key, value in given.items() if value}
    return load_job(
        path,
        settings={**overrides, **options},
        option_names={key: OPTIONS[key] for key in options},
        environ=os.environ,
    )


def use_jemalloc(environ: MutableMapping[str, str], platform: str) -> None:
    """Make Arrow return unused memory to the system.

    With its usual allocator a run over large days takes 50 MB more, and keeps them. One
    arena for all threads saves another 35 MB where seven tables are exported side by
    side, at the same CPU time (measured with pyarrow 26 on Linux). Only commands do
    this, before they import pyarrow: programs that import gcbatch choose for
    themselves.

    Args:
        environ: The environment of this process; a value that is set stays.
        platform: As sys.platform; pyarrow's wheels for Windows have no jemalloc.
    """
    if platform in ("linux", "darwin"):
        environ.setdefault(MEMORY_POOL, "jemalloc")
        environ.setdefault(JEMALLOC, "narenas:1")


class PerOrg:
    """The orgs of a job, one after the other; a failure of one does not stop others."""

    def __init__(self, job: "Job") -> None:
        self._job = job
        self.failures: list[GcbatchError] = []

    def each(self, work: "Callable[[Job], T]") -> "Iterator[tuple[Job, T]]":
        """Yield each org that does not fail, with what *work* returns for it."""
        for org_job in self._job.per_org():
            try:
                done = work(org_job)
            except GcbatchError as exc:
                if self._job.orgs is None:
                    raise
                exc.org = org_job.org_name
                self.failures.append(exc)
            else:
                yield org_job, done

    def show(
        self,
        work: "Callable[[Job], T]",
        *,
        screen: "Callable[[Job, T], RenderableType]",
        to_json: "Callable[[Job, T], dict[str, Any]] | None",
    ) -> list[T]:
        """Print what *work* returns for each org, and return it.

        Args:
            work: Does the command's work for one org.
            screen: What a terminal shows of it.
            to_json: The same for `--json`; None without that option. One org gives an
                object, several give a list that includes the orgs that failed.
        """
        done = list(self.each(work))
        if to_json is None:
            for one in done:
                print_screen(screen(*one))
        else:
            self.print_json(done, to_json)
        return [found for _, found in done]

    def print_json(
        self,
        done: "Sequence[tuple[Job, T]]",
        to_json: "Callable[[Job, T], dict[str, Any]]",
    ) -> None:
        """Print for `--json` what was done for each org; see show."""
        by_org = {one[0].org_name: to_json(*one) for one in done}
        print_json_of_orgs(self._job, by_org, self.failures)


def print_json_of_orgs(
    job: "Job",
    by_org: Mapping[str, dict[str, Any]],
    failures: Iterable[GcbatchError] = (),
) -> None:
    """Print what was done for each org: an object, or for several orgs a list.

    Args:
        job: The job.
        by_org: Plain data by the name of the org, which is empty if it is the only one.
        failures: The errors of the other orgs.
    """
    if job.orgs is None:
        (only,) = by_org.values()
        print_json(only)
        return
    rows = [{**content, "org": org} for org, content in by_org.items()]
    rows += ({"job": job.name, "org": e.org, **e.to_json()} for e in failures)
    print_json(sorted(rows, key=lambda row: str(row["org"])))


def exit_with_failures(failures: Iterable[GcbatchError]) -> None:
    """Print the failures, if any, and exit with the highest of their codes."""
    codes = []
    for failure in failures:
        say_error(failure)
        codes.append(failure.exit_code)
    if codes:
        raise typer.Exit(max(codes))
