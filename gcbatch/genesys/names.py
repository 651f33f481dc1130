"""Names for ids: those of the org's queues, users and wrap-up codes."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from gcbatch.errors import AccessError, DataError, GcbatchError, JobError
from gcbatch.genesys.entities import EntityListing
from gcbatch.suggest import nearest
from gcbatch.text import one_line

__all__ = [
    "TARGETS",
    "Names",
    "check_targets",
    "is_id",
    "names_from_listings",
    "queue_ids",
    "require_targets",
    "unlisted_targets",
]

SLA_TARGETS: Final = "sla.targets"
"""The key of the job file that sets targets of single queues."""

TARGETS: Final = "targets"
"""Stands for the queues' targets among dimensions: not every listing has them."""

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Names(msgspec.Struct, frozen=True):
    """The names of ids, by dimension.

    Args:
        by_dimension: For each dimension that was listed, names by id. An id that is no
            longer listed keeps its last name.
        listed: For each that was listed completely, the number of entities.
        warnings: What could not be listed, and why.
        deleted: For each dimension in *listed*, the ids that the last listing no longer
            had.
        targets: Target service levels, in percent, by queue id and media type.
        thresholds: Milliseconds within which a wait is in time, by queue id and media
            type; empty if an older release listed the queues.
        listed_at: When the names of each dimension, and TARGETS, were listed, UTC.
        asked_at: When the listing of each dimension last ended with a result that
            listing it again soon does not change, be it an error, UTC.
    """

    by_dimension: Mapping[str, Mapping[str, str]] = {}
    listed: Mapping[str, int] = {}
    warnings: tuple[str, ...] = ()
    deleted: Mapping[str, frozenset[str]] = msgspec.field(
        default_factory=dict, name="former"
    )
    # A whole number stays one, so that saved names have the fingerprint of new ones.
    targets: Mapping[str, Mapping[str, int | float]] = {}
    listed_at: Mapping[str, _Instant] = {}
    asked_at: Mapping[str, _Instant] = {}
    thresholds: Mapping[str, Mapping[str, int | float]] = {}

    def updated_with(self, found: "Names") -> "Names":
        """Return these names with newer ones; the warnings are those of *found*."""
        by_dimension, deleted = dict(self.by_dimension), dict(self.deleted)
        for dimension, names in found.by_dimension.items():
            by_dimension[dimension] = {**by_dimension.get(dimension, {}), **names}
            if dimension in found.listed:
                gone = by_dimension[dimension].keys() - names.keys()
                deleted[dimension] = found.deleted.get(dimension, frozenset()) | gone
        return Names(
            by_dimension,
            {**self.listed, **found.listed},
            found.warnings,
            deleted,
            {**self.targets, **found.targets},
            {**self.listed_at, **found.listed_at},
            {**self.asked_at, **found.asked_at},
            {**self.thresholds, **found.thresholds},
        )

    def listed_ids(self, dimension: str) -> frozenset[str]:
        """Return the ids that the last listing of a dimension had."""
        known = self.by_dimension.get(dimension, {}).keys()
        return frozenset(known - self.deleted.get(dimension, frozenset()))

    def to_json(self) -> dict[str, Any]:
        """Return the names as a saved plan stores them."""
        raw: dict[str, Any] = msgspec.to_builtins(self, order="sorted")
        return raw

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Names":
        """Read what to_json wrote; older releases wrote no times.

        Raises:
            msgspec.ValidationError: If it has another shape.
        """
        return msgspec.convert(raw, cls)


def names_from_listings(
    listings: Iterable[EntityListing], known: Names | None = None
) -> Names:
    """Return the names of some listings.

    Args:
        listings: What was listed now.
        known: Older names, which warnings refer to.

    Returns:
        Names, with one warning for each listing that is incomplete.
    """
    by_dimension: dict[str, Mapping[str, str]] = {}
    listed: dict[str, int] = {}
    targets: dict[str, Mapping[str, float]] = {}
    thresholds: dict[str, Mapping[str, float]] = {}
    listed_at: dict[str, datetime] = {}
    asked_at: dict[str, datetime] = {}
    warnings: list[str] = []
    deleted: dict[str, frozenset[str]] = {}
    for found in listings:
        dimension, entities = found.kind.dimension, found.entities
        before = (known or Names()).listed_at.get(dimension)
        if found.lacking:
            warnings.append(_warning(found, before))
        else:
            listed[dimension] = len(entities)
            warnings += found.remarks
        if found.is_final:
            asked_at[dimension] = found.at
        if found.lacking and not entities:
            continue
        all_of_them = {**found.deleted, **entities}
        by_dimension[dimension] = {i: e.name or i for i, e in all_of_them.items()}
        deleted[dimension] = frozenset(found.deleted)
        listed_at[dimension] = found.at
        if dimension == "queueId" and found.path == found.kind.paths[0]:
            # These replace older targets, which may not be set any more. Only the first
            # address has targets at all.
            targets |= {i: e.targets() for i, e in entities.items()}
            thresholds |= {i: e.thresholds() for i, e in entities.items()}
            listed_at[TARGETS] = found.at
    return Names(
        by_dimension,
        listed,
        tuple(warnings),
        deleted,
        targets=targets,
        listed_at=listed_at,
        asked_at=asked_at,
        thresholds=thresholds,
    )


def _warning(found: EntityListing, before: datetime | None) -> str:
    """Return the warning about an incomplete listing."""
    label = found.kind.label
    if found.entities:
        came = f" ({len(found.entities):,} came)" if found.failure else ""
        return f"{label} are listed incompletely{came}: {found.cause}"
    if before:
        at = f"{before.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"{label} are shown as they were listed {at}: {found.cause}"
    return f"{label} are shown by id: {found.cause}"


def is_id(text: str) -> bool:
    """Say whether *text* is an id (a UUID), not a name."""
    return _ID.fullmatch(text) is not None


class _Queues:
    """Finds queues by name.

    Args:
        names: With those of the queues.
        place: Where the names stand in the job file, for messages.
    """

    def __init__(self, names: Names, place: str) -> None:
        self._place = place
        self._deleted = names.deleted.get("queueId", frozenset())
        self.by_name: dict[str, list[str]] = {}
        for identity, name in names.by_dimension.get("queueId", {}).items():
            self.by_name.setdefault(name, []).append(identity)

    def called(self, name: str) -> list[str]:
        """Return the ids of the queues with a name.

        A deleted queue does not count if another one has its name.
        """
        found = self.by_name.get(name, [])
        return [i for i in found if i not in self._deleted] or found

    def nearest_to(self, name: str) -> str:
        """Return the names that may be meant, in words."""
        close = nearest(name, self.by_name) or sorted(self.by_name)[:20]
        return f"the nearest: {', '.join(close)}" if close else "the org lists none"

    def ambiguous(self, name: str, found: Sequence[str]) -> str:
        """Return the problem that more than one queue has a name."""
        return (
            f"{self._place}: more than one queue is called {one_line(name)!r}; "
            f"name its id: {', '.join(sorted(found))}"
        )


def queue_ids(
    wanted: Sequence[str], names: Names, failure: GcbatchError | None = None
) -> list[str]:
    """Return the ids of the queues that a job names, sorted, each once.

    Args:
        wanted: Names or ids.
        names: With those of the queues.
        failure: Why queues are listed incompletely; None if they are not.

    Raises:
        JobError: If a name is unknown, or more than one queue has it; lists all such
            names, each with the nearest ones or the ids.
        GcbatchError: The failure, if there is one and *wanted* has a name: another
            queue may have it now.
        AccessError: If *wanted* has a name and the org does not allow to list queues.
    """
    queues = _Queues(names, "query.queues")
    ids: set[str] = set()
    problems: list[str] = []
    for entry in wanted:
        if is_id(entry):
            ids.add(entry.lower())
            continue
        if failure is not None:
            what = "queues cannot be found by name"
            raise _without_listing(what, failure) from failure
        found = queues.called(entry)
        if len(found) == 1:
            ids.add(found[0])
        elif found:
            problems.append(queues.ambiguous(entry, found))
        else:
            problems.append(
                f"query.queues: no queue is called {entry!r}; "
                f"{queues.nearest_to(entry)}"
            )
    if problems and not queues.by_name and "queueId" not in names.listed:
        detail = "; ".join(names.warnings) or "none are listed"
        msg = f"queues cannot be found by name: {detail}"
        raise AccessError(msg, hint="name queues by id, or grant the permission")
    if problems:
        raise JobError(problems, hint="names are case-sensitive")
    return sorted(ids)


def _without_listing(what: str, failure: GcbatchError) -> GcbatchError:
    """Return the error that begins with *what*, for the failure of a listing."""
    is_barred = isinstance(failure, AccessError)
    other_way = "grant the permission" if is_barred else "try again later"
    return failure.within(what, hint=f"name queues by id, or {other_way}")


def require_targets(
    queues: Collection[str],
    names: Names,
    failure: GcbatchError | None = None,
    *,
    place: str = SLA_TARGETS,
) -> None:
    """Raise an error for targets, or hours, that the run would silently ignore.

    Args:
        queues: Names or ids, as in `sla.targets`.
        names: With those of the queues.
        place: The key that names them.
        failure: Why queues are listed incompletely; None if nothing was listed now.

    Raises:
        GcbatchError: The failure, if a name is unknown but the org may have it.
        DataError: In the same case, if there is no failure.
    """
    if failure is None and "queueId" in names.listed:
        return
    known = _Queues(names, place)
    if all(is_id(entry) or known.called(entry) for entry in queues):
        return
    if failure is not None:
        what = f"{place}: queues cannot be found by name"
        raise _without_listing(what, failure) from failure
    msg = f"{place}: queues cannot be found by name: they are not listed"
    raise DataError(msg, hint="`gcbatch run JOB` lists them; or name them by id")


def check_targets(
    queues: Collection[str], names: Names, *, place: str = SLA_TARGETS
) -> None:
    """Raise an error for targets, or hours, whose name more than one queue has.

    Args:
        queues: Names or ids.
        names: With those of the queues.
        place: The key that names them.

    Raises:
        JobError: Lists all such names, each with the ids.
    """
    known = _Queues(names, place)
    called = {entry: known.called(entry) for entry in queues if not is_id(entry)}
    problems = [
        known.ambiguous(e, found) for e, found in called.items() if len(found) > 1
    ]
    if problems:
        what = "a target counts" if place == SLA_TARGETS else "hours count"
        hint = f"{what} for one queue; name each by its id"
        raise JobError(problems, hint=hint)


def unlisted_targets(
    queues: Collection[str], names: Names, *, place: str = SLA_TARGETS
) -> tuple[str, ...]:
    """Return a warning for each target whose queue the org does not list.

    There is no warning if queues are listed incompletely.
    """
    if "queueId" not in names.listed:
        return ()
    listed = names.listed_ids("queueId")
    called = {names.by_dimension["queueId"][identity] for identity in listed}
    warnings: list[str] = []
    for entry in sorted(queues):
        if entry in called or entry.lower() in listed:
            continue
        close = nearest(entry, called)
        meant = f"; the nearest: {', '.join(close)}" if close else ""
        warnings.append(f"{place}: the org lists no queue {entry!r}{meant}")
    return tuple(warnings)
