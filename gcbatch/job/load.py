"""Loads a job file as a Job: environment, overrides, every problem at once."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from gcbatch.errors import JobError
from gcbatch.exporting import (
    find_exporter,
    hide_values,
    load_exporter,
)
from gcbatch.job.export import Export, ExportOfEntry
from gcbatch.job.job import Job
from gcbatch.job.job_source import JobSource, plain_data, read_source
from gcbatch.job.loaded_export import LoadedExport, load_export
from gcbatch.job.output_conflicts import output_conflicts
from gcbatch.job.problems import Problem, validation_problems
from gcbatch.job.variables import Variables
from gcbatch.job.yaml_document import (
    MAX_DEPTH,
    Loc,
    YamlDocument,
    parse_scalar,
)

__all__ = ["load_job"]

RANGE: Final[tuple[Loc, ...]] = (("query", "from"), ("query", "to"))
"""The keys that `--from` and `--to` replace."""

FOR_ANCHORS: Final = "x-"
"""Begins top-level keys that a job does not read: their place is for YAML anchors."""

RANGE_KEYS: Final = frozenset(("query", *(".".join(map(str, key)) for key in RANGE)))
"""The settings that replace the range of a job file."""


def load_job(
    source: JobSource,
    *,
    settings: Mapping[str, Any] | None = None,
    option_names: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = os.environ,
    now: datetime | None = None,
) -> Job:
    """Read and check a job, the options of its exporters included.

    Args:
        source: The path of a YAML file, whose keys are the fields of Job; its content,
            a text of several lines; or a mapping of the same keys. A secret is
            `${NAME}` in each of them, with its value in *environ*.
        settings: Overrides by dotted key, such as `{"fetch.concurrency": 4}`; texts
            are YAML.
        option_names: What messages call some overrides, by their keys. Default:
            `--set KEY`.
        environ: Values of `${NAME}`.
        now: The instant from which relative dates count; None is the present.

    Returns:
        The job, with every default filled in.

    Raises:
        JobError: If the file cannot be read, is not YAML or not valid. Lists every
            problem at once, each with file:line and key path.
    """
    raw = _RawJob(read_source(source))
    raw.drop_anchors()
    own_range = None
    if not RANGE_KEYS.isdisjoint(settings or {}):
        own_range = _range_of(Variables(environ).fill(raw.document.data))
    raw.override(settings or {}, option_names or {})
    raw.problems += raw.document.problems
    raw.substitute(environ)
    data = raw.document.data
    if not isinstance(data, dict):
        place = raw.document.place(())
        msg = f"{place}: is empty"
        if data is not None:
            msg = f"{place}: a job file is a mapping with name, org, query and exports"
        raise JobError(msg, hint="`gcbatch init` writes one to start from")
    job = raw.validate(now or datetime.now(UTC))
    loaded = raw.load_exports(job)
    if job is not None:
        raw.problems += output_conflicts(job, raw.document.path, loaded)
    if raw.problems or job is None:
        raise JobError([*raw.lines()])
    return job.with_own_range(own_range) if own_range else job


def _range_of(data: Any) -> tuple[str, str] | None:
    """Return the `from` and `to` of a job as they are written; None if not both."""
    query = data.get("query") if isinstance(data, dict) else None
    ends = [query.get(key) for _, key in RANGE] if isinstance(query, dict) else []
    texts = [end for end in ends if isinstance(end, str)]
    return (texts[0], texts[1]) if len(texts) == len(RANGE) else None


@dataclass
class _RawJob:
    """A document that is becoming a job."""

    document: YamlDocument
    overridden: dict[Loc, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    """Values that no message may repeat, also where other keys use them."""

    def drop_anchors(self) -> None:
        """Remove the top-level keys whose place is for anchors."""
        data = self.document.data
        if isinstance(data, dict):
            self.document.data = {
                key: value
                for key, value in data.items()
                if not key.startswith(FOR_ANCHORS)
            }

    def override(
        self, settings: Mapping[str, Any], option_names: Mapping[str, str]
    ) -> None:
        """Put the values of overrides into the data."""
        data = self.document.data
        if isinstance(data, dict) and isinstance(data.get("engine"), str):
            # The short form has no place for `--workers 4`.
            self.document.data = {**data, "engine": {"name": data["engine"]}}
        for key, text in settings.items():
            loc = _place_of(key, self.document.data)
            self.overridden[loc] = option_names.get(key, f"--set {key}")
            try:
                value = (
                    parse_scalar(text) if isinstance(text, str) else plain_data(text)
                )
            except JobError as exc:
                self.problems.append((loc, exc.problem))
                continue
            if loc in RANGE and not self._has_query:
                msg = "the job has no section `query:`, so it has no range"
                self.problems.append((loc, msg))
                continue
            try:
                self.document.data = _replaced(self.document.data, loc, value)
            except LookupError:
                msg = f"there is no such place in the job file{self._near(loc)}"
                self.problems.append((loc, msg))

    def substitute(self, environ: Mapping[str, str]) -> None:
        """Fill in `${NAME}`; refuse a secret that is written in the file itself."""
        variables = Variables(environ, self.problems, self.secrets)
        self.document.data = variables.fill(self.document.data)

    def validate(self, now: datetime) -> Job | None:
        """Return the job, or None after adding the problems that prevent it."""
        try:
            job = Job.model_validate(self.document.data)
        except ValidationError as exc:
            known = self.known_places
            found = validation_problems(exc, Job, self.document.data)
            self.problems += [(loc, what) for loc, what in found if loc not in known]
            return None
        wrong: dict[Problem, None] = {}
        for single in job.per_org():
            query = single.query
            try:
                query.window(now)
            except (ValueError, OverflowError) as exc:
                place: Loc = ("query", "to" if str(exc).startswith("to ") else "from")
                if query.timezone != job.query.timezone:
                    place = ("orgs", single.org_name, "timezone")
                wrong[place, str(exc)] = None  # the same for many orgs: once
        self.problems += [problem for problem in wrong if problem not in self.problems]
        return job

    def load_exports(self, job: Job | None) -> list[LoadedExport]:
        """Return the exports that are valid, and add the problems of the others."""
        exports = self.document.data.get("exports")
        known = self.known_places
        loaded: list[LoadedExport] = []
        for number, section in enumerate(exports if isinstance(exports, list) else ()):
            try:
                entry = Export.model_validate(section)
            except ValidationError:
                continue  # already among the problems of the job
            all_tables = job.all_tables if job else ("intervals",)
            expanded = entry.expand(number, all_tables)
            tables_by_problem: dict[Problem, list[str]] = {}
            for one in expanded:
                found = _load(one, known)
                if isinstance(found, LoadedExport):
                    loaded.append(found)
                    continue
                for problem in found:
                    tables_by_problem.setdefault(problem, []).append(one.shown)
            for (loc, what), tables in tables_by_problem.items():
                of_all = len(tables) == len(expanded)
                named = what if of_all else f"table {', '.join(tables)}: {what}"
                self.problems.append((("exports", number, *loc), named))
        return loaded

    @property
    def _has_query(self) -> bool:
        """Whether the document has a section `query:`, or overrides began one."""
        data = self.document.data
        return not isinstance(data, dict) or "query" in data

    @property
    def known_places(self) -> set[Loc]:
        """The places that have a problem already."""
        return {loc for loc, _ in self.problems}

    def lines(self) -> Iterator[str]:
        """Yield each problem as a line, in the order of the file."""
        for loc, what in sorted(self.problems, key=lambda p: self.document.line(p[0])):
            what = hide_values(self.secrets, what)  # noqa: PLW2901 - same, masked
            if loc in self.overridden:  # `--set KEY` names the key already
                yield f"{self.overridden[loc]}: {self._of_override(loc, what)}"
            else:
                yield f"{self._place(loc)}: {_dotted(loc)}: {what}"

    def _of_override(self, loc: Loc, what: str) -> str:
        """Return a problem without the key, which the name of the override has."""
        own = f"unknown key {str(loc[-1])!r}"
        return f"unknown key{what.removeprefix(own)}" if what.startswith(own) else what

    def _near(self, loc: Loc) -> str:
        """Return what there is where a place was sought; begins with `; `."""
        data = self.document.data
        for end, part in enumerate(loc):
            if isinstance(data, list):
                count, counted = len(data), _dotted(loc[:end])
                entries = "entry" if count == 1 else "entries"
                if part not in range(count):
                    return f"; {counted} has {count} {entries}, and the first is 0"
                data = data[int(part)]
            else:
                data = data.get(part) if isinstance(data, dict) else None
        return ""

    def _place(self, loc: Loc) -> str:
        for end in range(len(loc), 0, -1):
            if loc[:end] in self.overridden:
                return self.overridden[loc[:end]]
        if loc and self.document.lines and loc not in self.document.lines:
            for place, name in self.overridden.items():
                if place[: len(loc)] == loc:
                    return name  # the override made the section
        return self.document.place(loc)


def _load(
    export: ExportOfEntry, known: Collection[Loc]
) -> LoadedExport | list[Problem]:
    """Return an export with its exporter, or what prevents that.

    Args:
        export: An export of the job.
        known: Places that have a problem already, which is not reported again.
    """
    spec = export.spec
    try:
        loaded = load_export(export)
    except JobError as exc:
        what = f"{exc.problem}; {exc.hint}" if exc.hint else exc.problem
        return [(("exporter",), what)]
    except ValidationError as exc:
        options = load_exporter(find_exporter(spec.exporter)).Options
        return [
            (loc, what)
            for loc, what in validation_problems(exc, options, spec.options)
            if ("exports", export.number, *loc) not in known
        ]
    return loaded


def _place_of(key: str, data: Any) -> Loc:
    """Return the place that a dotted key means; in a list, digits are a position."""
    loc: list[str | int] = []
    for part in key.split(".", MAX_DEPTH):
        is_number = isinstance(data, list) and re.fullmatch("[0-9]{1,6}", part)
        loc.append(int(part) if is_number else part)
        inner = dict(enumerate(data)) if isinstance(data, list) else data
        data = inner.get(loc[-1]) if isinstance(inner, dict) else None
    return tuple(loc)


def _replaced(data: Any, loc: Loc, value: Any) -> Any:
    """Return *data* with *value* at *loc*; adds missing mappings on the way."""
    if not loc:
        return value
    key, rest = loc[0], loc[1:]
    if isinstance(data, list):
        if key not in range(len(data)):
            raise LookupError(key)
        return [
            _replaced(v, rest, value) if n == key else v for n, v in enumerate(data)
        ]
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise LookupError(key)  # noqa: TRY004 - the place does not exist
    return {**data, key: _replaced(data.get(key), rest, value)}


def _dotted(loc: Loc) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc)
    return text.removeprefix(".") or "top level"
