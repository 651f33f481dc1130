"""Code and pages use plain words: no name, text or docstring has an old one."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.pages import PAGES, ROOT, place_of, prose_of
from tests.support.words import ALLOWED, old_words_in, words_of_name

FOLDERS: Final = ("gcbatch", "exporters", "benchmarks")
"""Where the words of modules are checked."""

MODULES: Final = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")
)


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each public name and each string of a module."""
    yield 1, words_of_name(path.stem)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Constant(value=str(text)):
                yield node.lineno, text
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield from _public(node.lineno, name)
            case ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                yield from _public(node.lineno, name)
            case ast.Name(id=name, ctx=ast.Store()):
                yield from _public(node.lineno, name)
            case _:
                pass


def _public(line: int, name: str) -> Iterator[tuple[int, str]]:
    if not name.startswith("_"):
        yield line, words_of_name(name)


def test_modules_use_plain_words() -> None:
    """This holds for module names, public names, docstrings and other strings."""
    assert not [
        f"{place_of(path)}:{line}: {word}"
        for path in MODULES
        for line, text in texts_of(path)
        for word in old_words_in(text, place_of(path))
    ]


def test_pages_use_plain_words() -> None:
    """This holds for the prose of README, CONTRIBUTING and docs/."""
    assert not [
        f"{place_of(page)}: {word}"
        for page in PAGES
        for word in old_words_in(prose_of(page), place_of(page))
    ]


def test_every_exception_is_used() -> None:
    """An exception whose file has the word no more is removed."""
    files = {place_of(path): path for path in (*MODULES, *PAGES)}
    unused = [
        (place, word)
        for place, word in ALLOWED
        if place in files and word not in files[place].read_text("utf-8").lower()
    ]

    assert not unused


@pytest.mark.parametrize(
    ("name", "words"),
    [("road_to", "road to"), ("RoadTo", "road to"), ("HTTPRoad2", "http road")],
)
def test_names_are_split_into_words(name: str, words: str) -> None:
    """Underscores and capitals separate the words of a name."""
    assert words_of_name(name) == words
