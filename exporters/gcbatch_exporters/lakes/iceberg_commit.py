"""A commit whose outcome is known, also where the catalog's answer was lost."""

import json
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from gcbatch.errors import OutputError
from gcbatch.lazy import lazy_import
from gcbatch_exporters.lakes.loads import KEY, Commit, Load

__all__ = ["RefusedError", "SureCatalog", "commit_of", "summary_of"]

ice_errors = lazy_import("pyiceberg.exceptions")

ROWS: Final = "gcbatch-rows"
"""The key of the number of rows of a load in a snapshot's summary."""

LEAVES_ROWS: Final = "replace"
"""The operation of a snapshot that wrote the same rows into other files."""


def summary_of(load: Load, rows: int) -> dict[str, str]:
    """Return what a snapshot says of its load."""
    said = json.dumps(asdict(load), ensure_ascii=False)
    return {KEY: said, ROWS: str(rows)}


def commit_of(snapshot: Any) -> Commit:
    """Return what a snapshot is."""
    summary = snapshot.summary or {}
    try:
        load = Load.parse(json.loads(summary.get(KEY) or "null"))
        rows = int(summary.get(ROWS) or "")
    except ValueError:
        load, rows = None, 0
    if load is not None:
        return Commit(load, rows)
    operation = getattr(summary.get("operation"), "value", None)
    return Commit(None, leaves_rows=operation == LEAVES_ROWS)


class RefusedError(Exception):
    """The catalog refused the commit; it has certainly not landed."""


class _Done(NamedTuple):
    """What pyiceberg expects of a commit."""

    metadata: Any
    metadata_location: str


class SureCatalog:
    """A catalog that commits one snapshot, once.

    A server may answer with an error, or not at all, although the commit has landed.
    A repetition then would be refused, and pyiceberg would remove files that the table
    needs. So after each error the snapshot is looked for in the table.

    Args:
        catalog: The catalog, by pyiceberg.
        snapshot_id: The snapshot that the commit adds.
        place: The Iceberg table, for errors.
    """

    def __init__(self, catalog: Any, snapshot_id: int, place: str) -> None:
        self._catalog = catalog
        self._snapshot_id = snapshot_id
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)

    def commit_table(self, table: Any, requirements: Any, updates: Any) -> Any:
        """Commit, as pyiceberg calls it.

        Raises:
            ValidationException: pyiceberg's; if another commit was faster.
            RefusedError: If the catalog refused it.
            OutputError: If it is not known whether it landed, or will.
        """
        try:
            return self._catalog.commit_table(table, requirements, updates)
        except Exception as exc:
            found = self._landed(table, exc)
            if found is not None:
                return _Done(found.metadata, found.metadata_location)
            if isinstance(exc, ice_errors.CommitFailedException):
                raise ice_errors.ValidationException(str(exc)) from exc
            if isinstance(exc, _refusals()):
                raise RefusedError(str(exc)) from exc
            msg = f"{self._place}: the catalog failed while it committed"
            hint = "the table has not changed, or changes as a whole a little later: "
            raise OutputError(msg, hint=hint + "run the job again") from exc

    def _landed(self, table: Any, cause: Exception) -> Any:
        """Return the table if it has the snapshot; None if it has not."""
        try:
            found = self._catalog.load_table(table.name())
        except Exception:  # noqa: BLE001 - whatever it is, it leaves the same question
            msg = f"{self._place}: the catalog failed, and does not say whether the "
            hint = "run the job again: it looks whether the rows are there"
            raise OutputError(msg + "load is there", hint=hint) from cause
        return found if found.snapshot_by_id(self._snapshot_id) else None


def _refusals() -> tuple[type[Exception], ...]:
    """Return the errors by which a catalog says that nothing happened."""
    return (
        ice_errors.BadRequestError,
        ice_errors.ForbiddenError,
        ice_errors.NoSuchTableError,
        ice_errors.TooManyRequestsError,
        ice_errors.UnauthorizedError,
    )
