"""What `gcbatch list` says of the org's entities: their ids, names and states."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from gcbatch.errors import JobError
from gcbatch.genesys import ENTITY_KINDS, EntityKind, EntityListing
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
    """Return the kind of entities of a table that has ids and names.

    Args:
        table: Its name; hyphens are taken for underscores.

    Raises:
        JobError: If there is no such table; names the nearest.
    """
    by_table = {kind.table: kind for kind in ENTITY_KINDS}
    if found := by_table.get(table.replace("-", "_").lower()):
        return found
    msg = f"list: {unknown('table', table, sorted(by_table))}"
    raise JobError(msg, hint="`gcbatch tables` lists all tables")


def entities_of(found: EntityListing, org: str = "") -> list[ListedEntity]:
    """Return the entities of a listing, by name.

    Args:
        found: The listing, with whole documents.
        org: The name of the org in a job of several.
    """
    rows = [
        ListedEntity(i, one.name or i, _state_of(found.documents.get(i, b"")), org)
        for i, one in found.entities.items()
    ]
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


def _state_of(document: bytes) -> str:
    """Return the state of an entity, in whichever field its kind has it."""
    sent: dict[str, Any] = json.loads(document) if document else {}
    if sent.get("deleted") is True:
        return "deleted"
    state = sent.get("state")
    if isinstance(state, str):
        return state
    is_off = sent.get("deactivated") is True
    if is_off or any(sent.get(key) is False for key in ("active", "isActive")):
        return "inactive"
    return ""
