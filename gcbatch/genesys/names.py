"""Names for ids: what the org's queues, users and wrap-up codes are called."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gcbatch.errors import AccessError, JobError
from gcbatch.genesys.listing import Listed
from gcbatch.plain import plain
from gcbatch.suggest import nearest

__all__ = ["Names", "is_id", "names_of", "queue_ids"]

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Names:
    """What ids are called, by dimension.

    Args:
        by_dimension: For each dimension that was listed, names by id. Ids that were
            listed once and are no longer keep their last name.
        listed: For each that was listed completely, how many there are.
        warnings: What could not be listed, and why.
        former: For each of them, the ids that the last listing lacked.
        targets: Service level to reach, in percent, by queue id and media type.
    """

    by_dimension: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    listed: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    former: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def renewed(self, found: "Names") -> "Names":
        """Return these names brought up to date.

        What is listed, and the warnings, are those of *found*.
        """
        by_dimension, former = dict(self.by_dimension), dict(self.former)
        for dimension, names in found.by_dimension.items():
            by_dimension[dimension] = {**by_dimension.get(dimension, {}), **names}
            if dimension in found.listed:
                gone = by_dimension[dimension].keys() - names.keys()
                former[dimension] = frozenset(gone)
        targets = {**self.targets, **found.targets}
        return Names(by_dimension, found.listed, found.warnings, former, targets)

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
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Names":
        """Read what to_json wrote."""
        former = {d: frozenset(ids) for d, ids in raw.get("former", {}).items()}
        return cls(
            raw["by_dimension"],
            raw["listed"],
            tuple(raw["warnings"]),
            former,
            raw.get("targets", {}),
        )


def names_of(listings: Iterable[Listed]) -> Names:
    """Return what ids are called, by the listings that there are.

    Returns:
        Names, with a warning for each listing that a permission is missing for, or
        that came short.
    """
    by_dimension: dict[str, Mapping[str, str]] = {}
    listed: dict[str, int] = {}
    targets: dict[str, Mapping[str, float]] = {}
    warnings: list[str] = []
    for found in listings:
        kind, dimension = found.listing.kind, found.listing.dimension
        if found.path is None:
            warnings.append(f"{kind} are shown by id: {found.reason}")
            continue
        entities = found.entities
        by_dimension[dimension] = {i: e.name or i for i, e in entities.items()}
        if found.shortfall:
            warnings.append(f"{kind} are listed incompletely: {found.shortfall}")
        else:
            listed[dimension] = len(entities)
        if found.path == found.listing.paths[0]:
            # A target that is no longer set is no longer one; only the full listing
            # tells of targets at all.
            targets |= {i: e.targets() for i, e in entities.items()}
    return Names(by_dimension, listed, tuple(warnings), targets=targets)


def is_id(text: str) -> bool:
    """Say whether *text* is an id (a UUID), not a name."""
    return _ID.fullmatch(text) is not None


def queue_ids(wanted: Sequence[str], names: Names) -> list[str]:
    """Return the ids of the queues that a job names, sorted, each once.

    Args:
        wanted: Names or ids.
        names: Of a listing of queues.

    Raises:
        JobError: If a name is not known, or more than one queue bears it; lists all
            such names, each with the nearest ones or the ids.
        AccessError: If a name is to be found and queues may not be listed.
    """
    by_name: dict[str, list[str]] = {}
    for identity, name in names.by_dimension.get("queueId", {}).items():
        by_name.setdefault(name, []).append(identity)
    former = names.former.get("queueId", frozenset())
    ids: set[str] = set()
    problems: list[str] = []
    for entry in wanted:
        if is_id(entry):
            ids.add(entry.lower())
            continue
        found = by_name.get(entry, [])
        # A queue that is gone does not stand in the way of its successor.
        found = [i for i in found if i not in former] or found
        if len(found) == 1:
            ids.add(found[0])
        elif found:
            problems.append(
                f"query.queues: more than one queue is called {plain(entry)!r}; "
                f"name its id: {', '.join(sorted(found))}"
            )
        else:
            close = ", ".join(nearest(entry, by_name)) or ", ".join(
                sorted(by_name)[:20]
            )
            said = f"the nearest: {close}" if close else "the org lists none"
            problems.append(f"query.queues: no queue is called {entry!r}; {said}")
    if problems and not by_name and "queueId" not in names.listed:
        detail = "; ".join(names.warnings) or "none are listed"
        msg = f"queues cannot be found by name: {detail}"
        raise AccessError(msg, hint="name queues by id, or grant the permission")
    if problems:
        raise JobError(problems, hint="names count upper and lower case")
    return sorted(ids)
