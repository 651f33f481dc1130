"""How the sample's entities are written: a row of names and fields for each kind."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["Fields", "Json", "Refs", "SampleKind", "entity_id", "instant"]

Json = dict[str, Any]
"""A document of the API."""

_IDS: Final = uuid.UUID("6a0c7f52-93be-4e0b-8d1c-5c41a9e2f017")
"""Namespace of the ids: it makes them the same everywhere."""

HOURS: Final = 24


def entity_id(table: str, name: str) -> str:
    """Return the id of an entity, which follows from its table and name."""
    return str(uuid.uuid5(_IDS, f"{table}/{name}"))


def instant(number: int) -> str:
    """Return an instant of 2024, as text; close numbers have different ones."""
    hour, minute = number % HOURS, number * 7 % 60
    return f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}T{hour:02}:{minute:02}:00Z"


class Refs:
    """The entities that documents refer to, by table and number.

    The first has the number 0. After the last one comes the first again, so that a
    document can refer to one by its own number.

    Args:
        ids: By table, names by id.
    """

    def __init__(self, ids: Mapping[str, Mapping[str, str]]) -> None:
        self._all = {table: list(named.items()) for table, named in ids.items()}

    def count(self, table: str) -> int:
        """Return how many there are."""
        return len(self._all[table])

    def id(self, table: str, number: int) -> str:
        """Return the id of one."""
        return self._one(table, number)[0]

    def name(self, table: str, number: int) -> str:
        """Return the name of one."""
        return self._one(table, number)[1]

    def ref(self, table: str, number: int) -> Json:
        """Return a reference with id and name."""
        identity, name = self._one(table, number)
        return {"id": identity, "name": name}

    def refs(self, table: str, *numbers: int) -> list[Json]:
        """Return references with ids and names."""
        return [self.ref(table, number) for number in numbers]

    def link(self, table: str, number: int) -> Json:
        """Return a reference with the id alone."""
        return {"id": self.id(table, number)}

    def _one(self, table: str, number: int) -> tuple[str, str]:
        found = self._all[table]
        return found[number % len(found)]


Fields = Callable[[Refs, int], Json]
"""Returns the fields of the entity with a number, beside id and name."""


def _no_fields(_: Refs, __: int) -> Json:
    return {}


@dataclass(frozen=True)
class SampleKind:
    """The sample's entities of one kind.

    Args:
        names: Separated by ` | `. `{user}` and `{queue}` stand for one of each.
        fields: Those beside id and name.
        name: The field with the name; empty if the model has none.
        deleted: Names of those that only the listing of deleted ones has.
        path: The address of one, without its id; empty if the model has none.
    """

    names: str
    fields: Fields = _no_fields
    name: str = "name"
    deleted: str = ""
    path: str = ""

    def all_names(self, tenant: Tenant) -> list[str]:
        """Return the names of a tenant's entities, without the deleted ones."""
        return list(dict.fromkeys(_each(self.names, tenant)))

    def documents(self, table: str, refs: Refs) -> list[Json]:
        """Return the documents of the entities, without the deleted ones."""
        every = range(refs.count(table))
        return [self._document(refs.ref(table, n), refs, n) for n in every]

    def deleted_documents(self, table: str, refs: Refs) -> list[Json]:
        """Return the documents of the deleted ones; their numbers follow the others."""
        names = enumerate(self.deleted.split(" | "), start=refs.count(table))
        return [
            self._document({"id": entity_id(table, name), "name": name}, refs, n)
            for n, name in names
        ]

    def _document(self, ref: Json, refs: Refs, number: int) -> Json:
        document: Json = {"id": ref["id"]}
        if self.name:
            document[self.name] = ref["name"]
        document |= self.fields(refs, number)
        if self.path:
            document["selfUri"] = f"/api/v2/{self.path}/{ref['id']}"
        return document


def _each(names: str, tenant: Tenant) -> Iterator[str]:
    for name in filter(None, names.split(" | ")):
        if "{user}" in name:
            yield from (name.format(user=user.name) for user in tenant.users)
        elif "{queue}" in name:
            yield from (name.format(queue=queue.name) for queue in tenant.queues)
        else:
            yield name
