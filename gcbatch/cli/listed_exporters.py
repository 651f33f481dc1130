"""What `gcbatch exporters` says of an exporter."""

from dataclasses import dataclass
from typing import Any

from gcbatch.errors import JobError
from gcbatch.exporting import (
    API_VERSION,
    ExporterEntry,
    load_exporter,
    require_modules,
)
from gcbatch.job import Key, about_class, exporter_options

__all__ = ["ListedExporter", "list_exporter"]


@dataclass(frozen=True)
class ListedExporter:
    """An exporter as it is listed.

    Args:
        entry: How it is registered.
        api_version: The contract it is written for; None if it cannot be loaded.
        about: What it does, by its docstring.
        options: Its keys in job files.
        state: `ok`, or what is wrong.
    """

    entry: ExporterEntry
    api_version: int | None
    about: str
    options: tuple[Key, ...]
    state: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        options = [{k: _plain(v) for k, v in o._asdict().items()} for o in self.options]
        return {
            "name": self.entry.name,
            "distribution": self.entry.distribution,
            "version": self.entry.version,
            "state": self.state,
            "api_version": self.api_version,
            "options": options,
        }

    @property
    def option_names(self) -> list[str]:
        """The names of its keys."""
        return [_plain(option.name) for option in self.options]

    @property
    def option_rows(self) -> list[tuple[str, ...]]:
        """Name, value, default and meaning of each key, as plain text."""
        return [tuple(map(_plain, option)) for option in self.options]


def list_exporter(entry: ExporterEntry) -> ListedExporter:
    """Load an exporter as far as it can be, to say what it is."""
    try:
        kind = load_exporter(entry)
    except JobError as exc:
        return ListedExporter(entry, None, "", (), exc.problem)
    try:
        require_modules(kind, entry)
        state = _state(kind.api_version)
    except JobError as exc:  # its options are known without its extra
        state = f"not installed: {exc.hint}"
    try:
        options = tuple(exporter_options(kind))
    except Exception as exc:  # noqa: BLE001 - the model of a plugin may raise anything
        options, state = (), f"Options: {type(exc).__name__}: {exc}"
    about = about_class(kind)
    return ListedExporter(entry, kind.api_version, about, options, state)


def _state(version: int) -> str:
    if version == API_VERSION:
        return "ok"
    return f"ok, API {version}: works, but does not know what each org lacks"


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")
