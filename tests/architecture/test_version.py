"""The package, the CHANGELOG and the pages name the same versions."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RELEASES = re.findall(
    r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$",
    (ROOT / "CHANGELOG.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_the_version_is_the_newest_of_the_changelog() -> None:
    """A release has its heading, with its date."""
    assert PROJECT["version"] == RELEASES[0][0]


def test_releases_are_listed_newest_first() -> None:
    """By number and by date."""
    numbers = [tuple(map(int, number.split("."))) for number, _ in RELEASES]
    dates = [date for _, date in RELEASES]

    assert numbers == sorted(numbers, reverse=True)
    assert dates == sorted(dates, reverse=True)


def test_pages_name_released_versions_only() -> None:
    """Such as the version whose benchmarks a page shows."""
    released = {number for number, _ in RELEASES}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]

    assert not [
        (page.name, number)
        for page in pages
        for number in re.findall(
            r"gcbatch[ =]+(\d+\.\d+\.\d+)", page.read_text("utf-8")
        )
        if number not in released
    ]


def test_the_installed_package_has_the_version_of_the_checkout() -> None:
    """What `gcbatch --version` prints is what pyproject.toml says."""
    assert version("gcbatch") == PROJECT["version"]
