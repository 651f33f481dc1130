"""Where a job comes from: a file, text, or plain data of a program."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any, Final

from gcbatch.errors import JobError
from gcbatch.job.yaml_document import MAX_DEPTH, YamlDocument, parse_yaml, read_yaml

__all__ = ["JobSource", "plain_data", "read_source"]

JobSource = Path | str | Mapping[str, Any]
"""The path of a YAML file; its content, a text of several lines; or plain data."""

_NAME: Final = "job"
"""The name of text and data in messages."""


def read_source(source: JobSource) -> YamlDocument:
    """Return the content of a job.

    Args:
        source: A text without a line break is a path. Data are the mapping that the
            file would be; tuples count as lists, paths, dates and instants as text.

    Raises:
        JobError: If a file cannot be read, or the content is not usable; names the
            line, or the key.
    """
    if isinstance(source, Mapping):
        return YamlDocument(_NAME, plain_data(source))
    if isinstance(source, str) and "\n" in source:
        return parse_yaml(source, _NAME)
    return read_yaml(Path(source))


def plain_data(value: Any, loc: tuple[str | int, ...] = ()) -> Any:
    """Return a copy that consists of dicts, lists and scalars alone.

    Args:
        value: Data of a program; see read_source.
        loc: Their place, for messages.

    Raises:
        JobError: If something in them is no plain data.
    """
    place = ".".join(map(str, loc)) or "top level"
    if len(loc) > MAX_DEPTH:
        msg = f"{_NAME}: {place}: nested too deeply"
        raise JobError(msg)
    if isinstance(value, Mapping):
        if wrong := [key for key in value if not isinstance(key, str)]:
            msg = f"{_NAME}: {place}: a key must be text ({wrong[0]!r})"
            raise JobError(msg)
        return {key: plain_data(inner, (*loc, key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(inner, (*loc, n)) for n, inner in enumerate(value)]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    msg = f"{_NAME}: {place}: is not plain data ({type(value).__name__})"
    raise JobError(msg, hint="give text, numbers, lists and mappings, as in YAML")
