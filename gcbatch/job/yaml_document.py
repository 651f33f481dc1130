"""Reads YAML as plain data, with the line of each value.

Scalars follow the core schema of YAML 1.2: only true and false are booleans, dates stay
text, and a queue called No or 0800 keeps its name. Anchors and merge keys work. Size,
number of values, repetitions included, and nesting are limited, so that no file can
exhaust the machine.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from gcbatch.errors import JobError

__all__ = [
    "MAX_DEPTH",
    "Loc",
    "YamlDocument",
    "parse_scalar",
    "parse_yaml",
    "read_yaml",
]

Loc = tuple[str | int, ...]
"""The place of a value: keys and list positions (the first is 0) from the top."""

MAX_BYTES: Final = 1024 * 1024
MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 20
MERGE: Final = "<<"
"""A key whose value is a mapping, or a list of some, with more keys for this one.

Source: yaml.org/type/merge.html, read 2026-11.
"""


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {}

for tag, pattern, starts in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)\.[0-9]*)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
    ("null", r"~|null|", "~n"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}",
        re.compile(rf"^(?:{pattern})$"),
        [*starts, ""] if tag == "null" else list(starts),
    )


@dataclass
class YamlDocument:
    """The content of a file.

    Args:
        name: The file's name in messages.
        data: Plain dicts, lists and scalars.
        lines: The line (the first is 1) of every value and key, by its place.
        problems: Problems of the YAML: place and words.
        path: The file; None if the content is of none.
    """

    name: str
    data: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: list[tuple[Loc, str]] = field(default_factory=list)
    path: Path | None = None

    def place(self, loc: Loc) -> str:
        """Return where *loc* is, for messages: the name, and the line if it has one."""
        return f"{self.name}:{self.line(loc)}" if self.lines else self.name

    def line(self, loc: Loc) -> int:
        """Return the line of *loc*, or of the nearest section that contains it."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)


class _Builder:
    """Turns nodes into plain data, and records lines and problems."""

    def __init__(self, document: YamlDocument, loader: _Loader) -> None:
        self._document = document
        self._loader = loader
        self._count = 0

    def build(self, node: yaml.Node, loc: Loc) -> Any:
        """Return the value of *node*, whose place is *loc*."""
        document = self._document
        document.lines.setdefault(loc, node.start_mark.line + 1)
        self._count_one(node, len(loc))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(v, (*loc, n)) for n, v in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except (ValueError, LookupError, AttributeError):
            # An integer with more digits than Python converts, or text that does not
            # fit its explicit tag, such as !!bool.
            document.problems.append((loc, "is not a usable value; quote it"))
            return None

    def _count_one(self, node: yaml.Node, depth: int) -> None:
        """Count a value, and each repetition of it.

        Raises:
            yaml.MarkedYAMLError: If there are too many, or it is nested too deeply.
        """
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            bound = "nested too deeply" if depth > MAX_DEPTH else "too long"
            raise yaml.MarkedYAMLError(None, None, bound, node.start_mark)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, key_node, value_node in self._pairs(node, loc):
            here = (*loc, key)
            self._document.lines[here] = key_node.start_mark.line + 1
            built[key] = self.build(value_node, here)
        return built

    def _pairs(
        self, node: yaml.MappingNode, loc: Loc, depth: int = 0
    ) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Yield each key of a mapping once: its own keys, then those that it merges.

        A merged key has the line where it is written. Of several merged mappings the
        first one that has a key counts.

        Args:
            node: The mapping.
            loc: Its place.
            depth: How many merges led to it.
        """
        self._count_one(node, len(loc) + depth)
        lines: dict[str, int] = {}
        merged: list[yaml.MappingNode] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str):
                problem = f"line {line}: a key must be text"
                self._document.problems.append((loc, problem))
            elif key in lines:
                problem = f"is given twice, on lines {lines[key]} and {line}"
                self._document.problems.append(((*loc, key), problem))
            else:
                lines[key] = line
                if key == MERGE and key_node.style is None:
                    merged += self._mergeable(value_node, (*loc, MERGE), line)
                else:
                    yield key, key_node, value_node
        known = set(lines)
        for one in merged:
            for key, key_node, value_node in self._pairs(one, loc, depth + 1):
                self._count_one(key_node, len(loc) + depth)
                if key not in known:
                    known.add(key)
                    yield key, key_node, value_node

    def _mergeable(
        self, node: yaml.Node, loc: Loc, line: int
    ) -> list[yaml.MappingNode]:
        """Return the mappings that a merge key names; report what is none."""
        named = node.value if isinstance(node, yaml.SequenceNode) else [node]
        mappings = [one for one in named if isinstance(one, yaml.MappingNode)]
        if len(mappings) < len(named):
            self._document.lines[loc] = line
            problem = "merges mappings only: name one, such as *base, or a list of some"
            self._document.problems.append((loc, problem))
        return mappings


def read_yaml(path: Path) -> YamlDocument:
    """Return the content of a YAML file.

    Raises:
        JobError: If it cannot be read, is too large or not YAML; names the line.
    """
    try:
        # It may be an endless pipe, such as /dev/stdin or a shell's <(...).
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        _check_size(len(raw), str(path))
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        msg = f"{path}: is not UTF-8 (byte {exc.start})"
        raise JobError(msg, hint="save it as UTF-8") from exc
    except (OSError, ValueError) as exc:
        msg = f"{path}: cannot be read: {getattr(exc, 'strerror', None) or exc}"
        hint = "name an existing job file; `gcbatch init` makes one"
        raise JobError(msg, hint=hint) from exc
    document = parse_yaml(text, str(path))
    document.path = path
    return document


def parse_yaml(text: str, name: str) -> YamlDocument:
    """Return the content of YAML text; messages call it *name*.

    Raises:
        JobError: If it is too large or not YAML; names the line.
    """
    _check_size(len(text), name)
    document = YamlDocument(name)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                document.lines[()] = 1
            else:
                document.data = _Builder(document, loader).build(node, ())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as exc:
        line, what, hint = _said(exc)
        msg = f"{name}:{line}: not valid YAML: {what}"
        raise JobError(msg, hint=hint) from exc
    except (yaml.YAMLError, RecursionError) as exc:
        detail = "nested too deeply" if isinstance(exc, RecursionError) else str(exc)
        msg = f"{name}: not valid YAML: {detail.splitlines()[0]}"
        raise JobError(msg, hint="save it as plain UTF-8 text") from exc
    return document


_MEANT: Final = (
    ("found character '\\t'", "indent with spaces; YAML takes no tab"),
    ("that cannot start any token", "write the value in quotes"),
    (
        "mapping values are not allowed here",
        "align this line with those above it; quote a value that has a colon",
    ),
    ("expected <block end>", "give this line the indentation of those above it"),
    ("could not find expected ':'", "write a key with a colon and a space: `name: a`"),
    ("but got '{'", 'within braces write a variable in quotes: "${NAME}"'),
)
"""What the library says, and what to do."""


def _said(error: yaml.MarkedYAMLError) -> tuple[int, str, str]:
    """Return the line of an error of the library, what it says, and what to do."""
    mark, what = error.problem_mark, str(error.problem or error.context)
    if error.context == "while scanning a quoted scalar" and error.context_mark:
        # The end of the file is far from the quote that is missing.
        mark, what = error.context_mark, "a quote is not closed"
    hints = (hint for words, hint in _MEANT if words in what)
    hint = next(hints, "check indentation, colons and quotes there")
    return mark.line + 1 if mark else 1, what, hint


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        msg = f"{name}: is larger than {MAX_BYTES} bytes"
        raise JobError(msg, hint="put long lists of queues in a separate file")


def parse_scalar(text: str) -> Any:
    """Return the value of an override's text: `8` is a number.

    Raises:
        JobError: If it is not YAML.
    """
    try:
        document = parse_yaml(text, "value")
    except JobError as exc:  # a value of one line needs no place
        raise JobError(exc.problem.partition(": ")[2], hint=exc.hint) from exc
    if document.problems:
        raise JobError(document.problems[0][1])
    return document.data
