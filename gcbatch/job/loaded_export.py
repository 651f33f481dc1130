"""An export with its exporter's class and checked options."""

from dataclasses import dataclass

from pydantic import BaseModel

from gcbatch.exporting import (
    Exporter,
    ExporterEntry,
    FileOptions,
    find_exporter,
    hiding_secrets,
    load_exporter,
    require_modules,
)
from gcbatch.job.export import Export, ExportOfEntry
from gcbatch.objects import Buckets

__all__ = ["LoadedExport", "load_export"]


@dataclass(frozen=True)
class LoadedExport:
    """An export of a job, and what writes it.

    Args:
        export: The export.
        entry: Where its exporter comes from.
        kind: The class of its exporter.
        options: The options for it.
    """

    export: ExportOfEntry
    entry: ExporterEntry
    kind: type[Exporter]
    options: BaseModel

    @property
    def spec(self) -> Export:
        """The export, with the names of its tables."""
        return self.export.spec

    def make(self) -> Exporter:
        """Return a new exporter.

        Raises:
            Exception: As the exporter's code raises it, without secrets.
        """
        what = f"exporter {self.spec.exporter!r}"
        return hiding_secrets(self.options, what, lambda: self.kind(self.options))

    @property
    def shares_path(self) -> bool:
        """Whether its path holds several tables, such as a database file."""
        return hasattr(self.kind, "destinations")

    def destinations(self) -> tuple[str, ...]:
        """Return where its tables go; none if its exporter does not say.

        Raises:
            Exception: As the exporter's code raises it, without secrets.
        """
        ask = getattr(self.make(), "destinations", None) if self.shares_path else None
        if ask is None:
            return ()
        what = f"exporter {self.spec.exporter!r}"
        names = self.spec.table_names
        return hiding_secrets(self.options, what, lambda: tuple(ask(names)))


def load_export(export: ExportOfEntry, buckets: Buckets | None = None) -> LoadedExport:
    """Import the exporter of an export, and check its options.

    Args:
        export: The export.
        buckets: The buckets of the run. Default: as the environment says.

    Raises:
        JobError: If the exporter is not usable.
        pydantic.ValidationError: If the options are wrong.
    """
    entry = find_exporter(export.spec.exporter)
    kind = load_exporter(entry)
    require_modules(kind, entry)
    options = kind.Options.model_validate(export.spec.options)
    if buckets is not None and isinstance(options, FileOptions):
        options.use(buckets)
    return LoadedExport(export, entry, kind, options)
