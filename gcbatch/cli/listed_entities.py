"""What `gcbatch list` says of the org's entities: their ids, names and states."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from gcbatch.errors import JobError
from gcbatch.genesys import (
    ENTITY_KINDS,
    ENTITY_TABLES,
    EntityKind,
    EntityListing,
    entity_kind,
)
from gcbatch.suggest import nearest, unknown

__all__ = ["ListedEntity", "entities_of", "kind_to_list", "nothing_found"]

MAX_NEAR: Final = 5
"""Names of a hint."""

WHOLE_NAMES: Final = "names are matched as a whole: '*{}*' finds a part"


@dataclass(frozen=True, slots=True)
class ListedEntity:
    """An entity as it is listed.

    Args:
        id: Its id.
        name: Its name; the id if it has none.
        state: `active`, `inactive`, `deleted` or another one; empty if not known.
        org: The name of its org in a job of several; else empty.
    """

    id: str
    name: str
    state: str = ""
    org: str = ""

    def is_like(self, pattern: str) -> bool:
        """Return whether the name or the id fits a shell pattern, in any case."""
        wanted = pattern.casefold()
        return any(fnmatchcase(t.casefold(), wanted) for t in (self.name, self.id))

    def to_json(self) -> dict[str, str | None]:
        """Return it as plain data; its org is that of the listing."""
        return {"id": self.id, "name": self.name, "state": self.state or None}


def kind_to_list(table: str) -> EntityKind:
    """Return the kind of entities of a table that has ids and names of its own.

    Args:
        table: Its name; hyphens are taken for underscores.

    Raises:
        JobError: If there is no such table; names the nearest. If its rows are about
            other entities, or have no names.
    """
    name = table.replace("-", "_").lower()
    if name not in ENTITY_TABLES:
        known = sorted(k.table for k in ENTITY_KINDS if k.names and not k.parent)
        msg = f"list: {unknown('table', table, known)}"
        raise JobError(msg, hint="`gcbatch tables` lists all tables")
    kind = entity_kind(name)
    hint = f"export the table; `gcbatch tables {name}` lists its columns"
    if kind.parent:
        parents = entity_kind(kind.parent).label
        msg = (
            f"list: {name} has rows for each of the {parents}, which are not listed so"
        )
        raise JobError(msg, hint=hint)
    if not kind.names:
        msg = f"list: {kind.label} have no names"
        raise JobError(msg, hint=hint)
    return kind


def entities_of(found: EntityListing, org: str = "") -> list[ListedEntity]:
    """Return the entities of a listing, by name; the deleted ones that it has too.

    Args:
        found: The listing, with whole documents.
        org: The name of the org in a job of several.
    """
    rows = []
    for identity in {**found.deleted, **found.entities}:
        sent = json.loads(found.documents.get(identity, b"{}"))
        name = _name_of(sent, found.kind) or identity
        state = "deleted" if identity in found.deleted else _state_of(sent)
        rows.append(ListedEntity(identity, name, state, org))
    return sorted(rows, key=lambda row: (row.name.casefold(), row.name, row.id))


def nothing_found(
    kind: EntityKind, pattern: str, rows: Iterable[ListedEntity]
) -> JobError:
    """Return the error that no entity fits a pattern, with the nearest names."""
    names = list(dict.fromkeys(row.name for row in rows))
    msg = f"list: none of the {kind.label} is like {pattern!r}"
    if not names:
        return JobError(msg, hint=f"the org lists no {kind.label}")
    word = pattern.strip("*")
    hint = WHOLE_NAMES.format(word) if word == pattern else ""
    if near := _nearest(word, names):
        hint = "; ".join(filter(None, (f"the nearest: {', '.join(near)}", hint)))
    return JobError(msg, hint=hint or f"`gcbatch list {kind.table} JOB` lists all")


def _nearest(text: str, names: Sequence[str]) -> list[str]:
    """Return the names most like *text*; else those with a word that is like it."""
    if found := nearest(text, names):
        return found
    by_word: dict[str, list[str]] = {}
    for name in names:
        for word in name.split():
            by_word.setdefault(word, []).append(name)
    close = nearest(text, by_word)
    return list(dict.fromkeys(n for word in close for n in by_word[word]))[:MAX_NEAR]


def _name_of(sent: dict[str, Any], kind: EntityKind) -> str:
    """Return the first name that an entity has; empty if it has none."""
    for place in kind.names:
        value: Any = sent
        for key in place.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value
    return ""


def _state_of(sent: dict[str, Any]) -> str:
    """Return the state of an entity, in whichever field its kind has it."""
    if sent.get("deleted") is True:
        return "deleted"
    state = sent.get("state")
    if isinstance(state, str):
        return state
    is_off = sent.get("deactivated") is True
    if is_off or any(sent.get(key) is False for key in ("active", "isActive")):
        return "inactive"
    return ""
