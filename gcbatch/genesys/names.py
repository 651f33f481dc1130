"""Names for ids: what the org's queues, users and wrap-up codes are called."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

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

TARGETS: Final = "targets"
"""Stands for the queues' targets among dimensions: not every listing of queues has
them."""

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Names:
    """What ids are called, by dimension.

    Args:
        by_dimension: For each dimension that was listed, names by id. Ids that were
            listed once and are no longer keep their last name.
        listed: For each that was listed completely, how many there were then.
        warnings: What could not be listed, and why.
        former: For each of them, the ids that the last listing lacked.
        targets: Service level to reach, in percent, by queue id and media type.
        listed_at: When the names of each dimension, and TARGETS, were listed, UTC.
        asked_at: When the listing of each dimension last ended, be it with a refusal
            that asking again soon does not change, UTC.
    """

    by_dimension: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    listed: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    former: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    listed_at: Mapping[str, datetime] = field(default_factory=dict)
    asked_at: Mapping[str, datetime] = field(default_factory=dict)

    def renewed(self, found: "Names") -> "Names":
        """Return these names brought up to date; the warnings are those of *found*."""
        by_dimension, former = dict(self.by_dimension), dict(self.former)
        for dimension, names in found.by_dimension.items():
            by_dimension[dimension] = {**by_dimension.get(dimension, {}), **names}
            if dimension in found.listed:
                gone = by_dimension[dimension].keys() - names.keys()
                former[dimension] = frozenset(gone)
        return Names(
            by_dimension,
            {**self.listed, **found.listed},
            found.warnings,
            former,
            {**self.targets, **found.targets},
            {**self.listed_at, **found.listed_at},
            {**self.asked_at, **found.asked_at},
        )

    def listed_ids(self, dimension: str) -> frozenset[str]:
        """Return the ids that the last listing of a dimension had."""
        known = self.by_dimension.get(dimension, {}).keys()
        return frozenset(known - self.former.get(dimension, frozenset()))

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept with the run."""
        return {
            "by_dimension": {d: dict(n) for d, n in self.by_dimension.items()},
            "listed": dict(self.listed),
            "warnings": list(self.warnings),
            "former": {d: sorted(ids) for d, ids in self.former.items()},
            "targets": {q: dict(t) for q, t in self.targets.items()},
            "listed_at": {d: at.isoformat() for d, at in self.listed_at.items()},
            "asked_at": {d: at.isoformat() for d, at in self.asked_at.items()},
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Names":
        """Read what to_json wrote; what an older release wrote has no times."""
        former = {d: frozenset(ids) for d, ids in raw.get("former", {}).items()}
        return cls(
            raw["by_dimension"],
            raw["listed"],
            tuple(raw["warnings"]),
            former,
            raw.get("targets", {}),
            _instants(raw.get("listed_at", {})),
            _instants(raw.get("asked_at", {})),
        )


def _instants(raw: Mapping[str, str]) -> dict[str, datetime]:
    return {k: datetime.fromisoformat(at).astimezone(UTC) for k, at in raw.items()}


def names_from_listings(
    listings: Iterable[EntityListing], known: Names | None = None
) -> Names:
    """Return what ids are called, by the listings that there are.

    Args:
        listings: What was listed now.
        known: Names from before, which warnings refer to.

    Returns:
        Names, with one warning for each listing that is not whole.
    """
    by_dimension: dict[str, Mapping[str, str]] = {}
    listed: dict[str, int] = {}
    targets: dict[str, Mapping[str, float]] = {}
    listed_at: dict[str, datetime] = {}
    asked_at: dict[str, datetime] = {}
    warnings: list[str] = []
    for found in listings:
        dimension, entities = found.listing.dimension, found.entities
        before = (known or Names()).listed_at.get(dimension)
        if found.lacking:
            warnings.append(_warning(found, before))
        else:
            listed[dimension] = len(entities)
        if found.is_final:
            asked_at[dimension] = found.at
        if found.lacking and not entities:
            continue
        by_dimension[dimension] = {i: e.name or i for i, e in entities.items()}
        listed_at[dimension] = found.at
        if dimension == "queueId" and found.path == found.listing.paths[0]:
            # A target that is no longer set is no longer one; only the full listing
            # tells of targets at all.
            targets |= {i: e.targets() for i, e in entities.items()}
            listed_at[TARGETS] = found.at
    return Names(
        by_dimension,
        listed,
        tuple(warnings),
        targets=targets,
        listed_at=listed_at,
        asked_at=asked_at,
    )


def _warning(found: EntityListing, before: datetime | None) -> str:
    """Return what the reader of a run should know of a listing that is not whole."""
    kind = found.listing.kind
    if found.entities:
        came = f" ({len(found.entities):,} came)" if found.failure else ""
        return f"{kind} are listed incompletely{came}: {found.cause}"
    if before:
        at = f"{before.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"{kind} are shown as they were listed {at}: {found.cause}"
    return f"{kind} are shown by id: {found.cause}"


def is_id(text: str) -> bool:
    """Say whether *text* is an id (a UUID), not a name."""
    return _ID.fullmatch(text) is not None


class _Queues:
    """Finds queues by name.

    Args:
        names: Of a listing of queues.
        place: Of the names in the job file, as in messages.
    """

    def __init__(self, names: Names, place: str) -> None:
        self._place = place
        self._former = names.former.get("queueId", frozenset())
        self.by_name: dict[str, list[str]] = {}
        for identity, name in names.by_dimension.get("queueId", {}).items():
            self.by_name.setdefault(name, []).append(identity)

    def called(self, name: str) -> list[str]:
        """Return the ids of the queues that bear a name.

        A queue that is gone does not stand in the way of its successor.
        """
        found = self.by_name.get(name, [])
        return [i for i in found if i not in self._former] or found

    def nearest_to(self, name: str) -> str:
        """Return which names may be meant."""
        close = nearest(name, self.by_name) or sorted(self.by_name)[:20]
        return f"the nearest: {', '.join(close)}" if close else "the org lists none"

    def twins(self, name: str, found: Sequence[str]) -> str:
        """Return the problem that more than one queue bears a name."""
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
        names: Of a listing of queues.
        failure: Why that is not whole; None if it is.

    Raises:
        JobError: If a name is not known, or more than one queue bears it; lists all
            such names, each with the nearest ones or the ids.
        GcbatchError: The failure, if there is one and a name is to be found: what bore
            it once may not be what bears it now.
        AccessError: If a name is to be found and queues may not be listed.
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
            problems.append(queues.twins(entry, found))
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
        raise JobError(problems, hint="names count upper and lower case")
    return sorted(ids)


def _without_listing(what: str, failure: GcbatchError) -> GcbatchError:
    """Return the error of what needs queues by name, where they cannot be listed.

    Args:
        what: Cannot be had, as the error is to begin.
        failure: Of the listing.
    """
    is_barred = isinstance(failure, AccessError)
    other_way = "grant the permission" if is_barred else "try again later"
    return failure.within(what, hint=f"name queues by id, or {other_way}")


def require_targets(
    queues: Collection[str], names: Names, failure: GcbatchError | None = None
) -> None:
    """Refuse targets that would be left out, or replaced by the default, unnoticed.

    Args:
        queues: Names or ids, as in `sla.targets`.
        names: Of a listing of queues.
        failure: Why that is not whole; None if nothing was listed now.

    Raises:
        GcbatchError: The failure, if a name is not known though the org may have it.
        DataError: Likewise, where there is no failure.
    """
    if failure is None and "queueId" in names.listed:
        return
    known = _Queues(names, "sla.targets")
    if all(is_id(entry) or known.called(entry) for entry in queues):
        return
    if failure is not None:
        what = "sla.targets: queues cannot be found by name"
        raise _without_listing(what, failure) from failure
    msg = "sla.targets: queues cannot be found by name: they are not listed"
    raise DataError(msg, hint="`gcbatch run JOB` lists them; or name them by id")


def check_targets(queues: Collection[str], names: Names) -> None:
    """Refuse targets for queues by a name that more than one bears.

    Args:
        queues: Names or ids, as in `sla.targets`.
        names: Of a listing of queues.

    Raises:
        JobError: Lists all such names, each with the ids.
    """
    known = _Queues(names, "sla.targets")
    called = {entry: known.called(entry) for entry in queues if not is_id(entry)}
    problems = [known.twins(e, found) for e, found in called.items() if len(found) > 1]
    if problems:
        hint = "a target counts for one queue; name each by its id"
        raise JobError(problems, hint=hint)


def unlisted_targets(queues: Collection[str], names: Names) -> tuple[str, ...]:
    """Return a warning for each target that is for no queue which the org lists.

    Args:
        queues: Names or ids, as in `sla.targets`.
        names: Of a listing of queues; nothing is known to be missing unless it is
            whole.
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
        said = f"; the nearest: {', '.join(close)}" if close else ""
        warnings.append(f"sla.targets: the org lists no queue {entry!r}{said}")
    return tuple(warnings)
