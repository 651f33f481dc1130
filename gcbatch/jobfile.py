"""From a job file to a Job: environment, overrides, and every problem at once."""

import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gcbatch.dates import resolve_range
from gcbatch.errors import JobError
from gcbatch.job import Export, Job
from gcbatch.sections import MisfitError
from gcbatch.suggest import unknown
from gcbatch.yamlfile import MAX_DEPTH, Document, Loc, parse_scalar, read_yaml

__all__ = ["Found", "models_in", "problems_of", "read_job"]

Found = tuple[Loc, str]
"""A problem: where it is, and what it is."""

NAMED: Final = ("orgs",)
"""Keys whose sections have names that the job gives them."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BROKEN: Final = re.compile("[\\x00\ud800-\udfff]")
"""NUL, which no path may hold, and halves of characters, which no file can."""


def read_job(
    path: Path,
    *,
    now: datetime,
    environ: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    check_export: Callable[[Export], Iterable[Found]] = lambda _: (),
    check_job: Callable[[Job], Iterable[Found]] = lambda _: (),
) -> Job:
    """Read and check a job file.

    Args:
        path: A YAML file; its keys are the fields of Job.
        now: What relative dates are counted from.
        environ: Values of `${NAME}`.
        settings: Overrides by dotted key, such as `{"fetch.concurrency": "4"}`; a
            value is read as YAML.
        check_export: Finds problems of an export that only its exporter knows.
        check_job: Finds problems of a job that is good by itself.

    Returns:
        The job, with every default filled in.

    Raises:
        JobError: If the file cannot be read, is not YAML or does not fit. Lists
            every problem at once, each with file:line and key path.
    """
    draft = _Draft(read_yaml(path), {})
    draft.override(settings or {})
    draft.problems += draft.document.problems
    draft.substitute(environ)
    data = draft.document.data
    if not isinstance(data, dict):
        msg = f"{path}:1: a job file is a mapping with name, org, query and exports"
        raise JobError(msg, hint="`gcbatch init` writes one to start from")
    job = draft.validate(now)
    for number, raw in enumerate(_list_of(data.get("exports"))):
        try:
            export = Export.model_validate(raw)
        except ValidationError:
            continue  # said already, as part of the job
        found = check_export(export)
        draft.problems += [(("exports", number, *loc), what) for loc, what in found]
    if job is not None:
        draft.problems += check_job(job)
    if draft.problems or job is None:
        raise JobError([*draft.told()], hint="`gcbatch check JOB` checks it again")
    return job


def _is_secret(loc: Loc) -> bool:
    """Say whether a place is the secret of the org, or of one of several."""
    match loc:
        case ("org", "client_secret") | ("orgs", _, "client_secret"):
            return True
        case _:
            return False


def _list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@dataclass
class _Draft:
    """A document on its way to being a job."""

    document: Document
    overridden: dict[Loc, str]

    def __post_init__(self) -> None:
        self.problems: list[Found] = []
        self.secrets: list[str] = []
        """Values that a message must not repeat, wherever else they are used."""

    def override(self, settings: Mapping[str, str]) -> None:
        """Put the values of overrides in their places."""
        data = self.document.data
        if isinstance(data, dict) and isinstance(data.get("engine"), str):
            # The short form has no place for `--workers 4`.
            self.document.data = {**data, "engine": {"name": data["engine"]}}
        for key, text in settings.items():
            loc = _place_of(key, self.document.data)
            self.overridden[loc] = f"--set {key}"
            try:
                value = parse_scalar(text)
            except JobError as exc:
                self.problems.append((loc, exc.problem))
                continue
            try:
                self.document.data = _replaced(self.document.data, loc, value)
            except LookupError:
                self.problems.append((loc, "there is no such place in the job file"))

    def substitute(self, environ: Mapping[str, str]) -> None:
        """Fill in `${NAME}`; refuse a secret that stands in the file itself."""

        def fill(value: Any, loc: Loc) -> Any:
            if isinstance(value, dict):
                return {k: fill(v, (*loc, k)) for k, v in value.items()}
            is_secret = _is_secret(loc)
            if is_secret and not (value is None or _VARIABLE.fullmatch(str(value))):
                self.problems.append(
                    (loc, "must not stand in the file; write ${NAME} and set NAME")
                )
                return "refused"
            if isinstance(value, list):
                return [fill(v, (*loc, n)) for n, v in enumerate(value)]
            if not isinstance(value, str):
                return value
            if _BROKEN.search(value):
                self.problems.append((loc, "holds characters that are no text"))
                return "refused"
            if is_secret:
                named = _VARIABLE.findall(value)
                self.secrets += [environ[n] for n in named if environ.get(n)]
            missing = [n for n in _VARIABLE.findall(value) if not environ.get(n)]
            if missing:
                names = ", ".join(missing)
                self.problems.append((loc, f"environment variable {names} is not set"))
            return _VARIABLE.sub(lambda m: environ.get(m[1]) or "unset", value)

        self.document.data = fill(self.document.data, ())

    def validate(self, now: datetime) -> Job | None:
        """Return the job, or None after noting what keeps it from being one."""
        try:
            job = Job.model_validate(self.document.data)
        except ValidationError as exc:
            said = {loc for loc, _ in self.problems}
            found = problems_of(exc, Job, self.document.data)
            self.problems += [(loc, what) for loc, what in found if loc not in said]
            return None
        noted = set(self.problems)
        for share in job.shares():
            # Of orgs with a zone of their own, each has midnights of its own.
            query = share.query
            is_own = query.timezone != job.query.timezone
            try:
                resolve_range(
                    query.start,
                    query.end,
                    granularity=query.granularity,
                    zone=query.zone,
                    now=now,
                )
            except (ValueError, OverflowError) as exc:
                where = "to" if str(exc).startswith("to ") else "from"
                place: Loc = ("query", where)
                if is_own:
                    place = ("orgs", share.org_name, "timezone")
                if (place, str(exc)) not in noted:
                    noted.add((place, str(exc)))
                    self.problems.append((place, str(exc)))
        return job

    def told(self) -> Iterator[str]:
        """Yield every problem as a line, in the order of the file."""
        secrets = dict.fromkeys(self.secrets)
        order = sorted(self.problems, key=lambda p: self.document.line(p[0]))
        for loc, what in order:
            for secret in secrets:
                what = what.replace(secret, "[hidden]")  # noqa: PLW2901 - the same, masked
            yield f"{self._place(loc)}: {_dotted(loc)}: {what}"

    def _place(self, loc: Loc) -> str:
        for end in range(len(loc), 0, -1):
            if loc[:end] in self.overridden:
                return self.overridden[loc[:end]]
        return f"{self.document.name}:{self.document.line(loc)}"


def _place_of(key: str, data: Any) -> Loc:
    """Return the place that a dotted key means; within a list, digits are a number."""
    loc: list[str | int] = []
    for part in key.split(".", MAX_DEPTH):
        is_number = isinstance(data, list) and re.fullmatch("[0-9]{1,6}", part)
        loc.append(int(part) if is_number else part)
        inner = dict(enumerate(data)) if isinstance(data, list) else data
        data = inner.get(loc[-1]) if isinstance(inner, dict) else None
    return tuple(loc)


def _replaced(data: Any, loc: Loc, value: Any) -> Any:
    """Return *data* with *value* at *loc*; missing mappings on the way are made."""
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
        raise LookupError(key)  # noqa: TRY004 - no place of that name
    return {**data, key: _replaced(data.get(key), rest, value)}


def _dotted(loc: Loc) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc)
    return text.removeprefix(".") or "top level"


_WORDS: Final = {
    "missing": "is required",
    "string_type": "must be text; quote it",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "path_type": "must be a path",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
_PATTERNS: Final = {
    "name": "must be letters, digits, dots, hyphens and underscores, at most 64",
    "domain": "must be a domain such as mypurecloud.ie",
    "scheduler": "must be an address such as tls://scheduler.example:8786",
    "target": "must be a time metric, such as tAbandon",
}


def problems_of(
    error: ValidationError, model: type[BaseModel], data: Any
) -> Iterator[Found]:
    """Yield what pydantic found, in our words and at the places of *data*.

    Args:
        error: What validating *data* raised.
        model: What it was validated as.
        data: Plain data, as read from the file.
    """
    details = error.errors(include_url=False)
    above = {loc[:n] for loc in (d["loc"] for d in details) for n in range(len(loc))}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in above:
            continue  # a list of wrong values alone counts as empty
        loc = _real_place(detail["loc"], data, missing=detail["type"] == "missing")
        misfit = detail.get("ctx", {}).get("error")
        if isinstance(misfit, MisfitError):
            loc = (*loc, *misfit.place)
        yield loc, _in_words(detail, loc, model)


def _real_place(loc: Loc, data: Any, *, missing: bool) -> Loc:
    """Drop the parts of pydantic's location that are not keys of the file."""
    real: list[str | int] = []
    for at, part in enumerate(loc):
        known = dict(enumerate(data)) if isinstance(data, list) else data
        if isinstance(known, dict) and part in known:
            data = known[part]
        elif not (missing and at == len(loc) - 1):
            continue
        real.append(part)
    return tuple(real)


def _in_words(detail: ErrorDetails, loc: Loc, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return unknown("key", str(loc[-1]), _keys_of(model, loc[:-1]))
    if kind == "string_pattern_mismatch":
        key = "name" if detail["loc"][-1] == "[key]" else str(loc[-1])
        return _PATTERNS.get(key, f"must match {context.get('pattern')}")
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind in _WORDS:
        return _WORDS[kind]
    message = detail["msg"].replace("Input should", "must")
    return message[0].lower() + message[1:]


def _keys_of(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that the section at *loc* may have."""
    parts = iter(loc)
    for part in parts:
        if isinstance(part, int):
            continue
        fields = {f.alias or name: f for name, f in model.model_fields.items()}
        inner = list(models_in(fields[part].annotation)) if part in fields else []
        if not inner:
            break
        model = inner[0]
        if part in NAMED:
            next(parts, None)
    return [f.alias or name for name, f in model.model_fields.items()]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that the type of a field is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from models_in(argument)
