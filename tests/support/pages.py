"""The pages for readers, taken apart: blocks, commands, links and headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "gcbatch"
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
)
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SCHEDULE: Final = re.compile(r"(?:\S+ ){5} *(?:[^&]* && )*(?:\.venv/bin/)?")


def place_of(path: Path) -> str:
    """Return a file's place in the repository."""
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        page: Its page's place in the repository.
        line: The line of the fence; the first is 1.
        kind: What stands behind the fence, such as `yaml`; may be empty.
        text: What is within.
    """

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]

    def commands(self) -> list[str]:
        """Return its commands as a shell would read them, a line each.

        Lines that go on the one before are indented, and left out; of a crontab, the
        time and the way to the folder are, and where the program is in any.
        """
        lines = self.text.splitlines()
        if self.kind == "console":
            return [line[2:] for line in lines if line.startswith("$ ")]
        if self.kind == "cron":
            return [_SCHEDULE.sub("", line, count=1) for line in lines]
        return [
            line.removeprefix(".venv/bin/")
            for line in lines
            if line and not line.startswith((" ", "#"))
        ]


def blocks(*kinds: str) -> list[Block]:
    """Return the blocks of all pages, of some kinds or of any."""
    found = []
    for path in PAGES:
        text = path.read_text("utf-8")
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(place_of(path), line, match[1], match[2]))
    return [block for block in found if not kinds or block.kind in kinds]


def prose_of(path: Path) -> str:
    """Return a page without its blocks."""
    return _FENCE.sub("", path.read_text("utf-8"))


def asides(path: Path) -> Iterator[str]:
    """Yield what a page's prose has in backticks, lines joined."""
    for code in re.findall(r"`([^`]+)`", prose_of(path)):
        yield " ".join(code.split()).removeprefix(".venv/bin/")


def anchors_of(path: Path) -> set[str]:
    """Return what links to a page's headings may say, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", prose_of(path), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        again = 0
        while (name := f"{anchor}-{again}" if again else anchor) in found:
            again += 1
        found.add(name)
    return found


def links_of(path: Path) -> Iterator[str]:
    """Yield the targets of a page's links, without those to other sites."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(path)):
        if not re.match(r"https?://", target):
            yield target
