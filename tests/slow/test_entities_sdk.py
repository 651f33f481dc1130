"""The rows of facts about listed entities against the official SDK, and its models.

The files of the SDK are read, not imported.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aiohttp import web

from gcbatch.genesys import (
    ENTITY_KINDS,
    EntityField,
    EntityKind,
    EntityListing,
    Names,
    Paging,
    entity_kind,
)
from gcbatch.genesys.client import entities_within, list_children, list_entities
from gcbatch.genesys.client.listing_page import CURSOR
from gcbatch.store import StoredEntities
from gcbatch.tables.entity_table import EntityTable
from gcbatch.tables.source import TableSource
from tests.support.listing_server import client_of, serving
from tests.support.sdk_models import SdkModels

pytestmark = pytest.mark.slow

LISTED = [kind for kind in ENTITY_KINDS if kind.paths]
PARENT, IDENTITY = "parent-1", "entity-1"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
CURSORS = {"after", "cursor", "nextPage"}
FITTING = {
    "text": {"str", "LocalDateTime"},
    "flag": {"bool"},
    "whole": {"int"},
    "number": {"float"},
    "percent": {"float"},
    "instant": {"datetime"},
    "json": {"json"},
}
SENT: Mapping[str, Any] = {
    "text": "a text",
    "flag": False,
    "whole": 7,
    "number": 0.5,
    "percent": 0.85,
    "instant": "2026-03-02T09:00:00.123Z",
    "json": ["x", {"y": 1.50}],
}
SHOWN: Mapping[str, Any] = {
    **SENT,
    "percent": 85.0,
    "instant": datetime(2026, 3, 2, 9, 0, 0, 123_000, tzinfo=UTC),
    "json": '["x",{"y":1.5}]',
}
NEWER = {"newerField": {"with": ["any", {"shape": None}]}}


@pytest.fixture(scope="module")
def sdk_models() -> SdkModels:
    return SdkModels()


def sdk_path(path: str) -> str:
    return path.replace("{parent}", "{}")


def entity_model(models: SdkModels, kind: EntityKind) -> str:
    """Return the model of a kind's entities, by that of the answer or the parent."""
    if kind.expand:
        model = entity_model(models, entity_kind(kind.parent))
    else:
        model = models.getters[sdk_path(kind.paths[0])].answer
    if not kind.member:
        return model
    found = models.type_at(model, tuple(kind.member.split(".")))
    return re.sub(r"^(?:list\[|dict\(str, )(.*)[\])]$", r"\1", found)


def ids(kinds: list[EntityKind]) -> list[str]:
    return [kind.table for kind in kinds]


@pytest.mark.parametrize("kind", LISTED, ids=ids(LISTED))
def test_addresses_take_our_parameters(sdk_models: SdkModels, kind: EntityKind) -> None:
    """Each is a GET of the API that has the parameters which we send."""
    sent = {kind.size_key} if kind.paging is not Paging.WHOLE else set()
    numbered = {"pageNumber"} if kind.paging is Paging.NUMBERED else set()
    of_slices = {name for part in kind.slices for name in part}

    for path in kind.paths:
        known = sdk_models.getters[sdk_path(path)].parameters
        assert {*sent, *numbered, *of_slices, *kind.more} <= known
        if kind.paging is Paging.CURSOR:
            assert known & CURSORS
            assert "pageNumber" not in known
        if kind.paging is Paging.WHOLE:
            assert not known & {*CURSORS, "pageNumber", "pageSize"}
    if kind.deleted:
        known = sdk_models.getters[kind.deleted.path].parameters
        assert {*sent, *numbered, *kind.deleted.parameters} <= known


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=ids(list(ENTITY_KINDS)))
def test_columns_are_fields_of_the_model(
    sdk_models: SdkModels, kind: EntityKind
) -> None:
    """With a type that fits; and the model has an id and the name."""
    model = entity_model(sdk_models, kind)

    def at(path: tuple[str, ...]) -> str:
        if model.startswith("list[") and path == ("value",):
            return "json"  # an entity that is no object is its `value`
        found = sdk_models.type_at(model, path)
        return "json" if found.startswith(("list[", "dict(")) else found

    wrong = {
        f.name: found
        for f in kind.fields
        if (found := at(f.path)) not in FITTING[f.type]
    }
    assert not wrong
    for name in kind.names:
        assert sdk_models.type_at(model, tuple(name.split("."))) == "str"
    is_by_id = kind.paging is Paging.WHOLE and kind.member not in ("", "entities")
    assert is_by_id or sdk_models.type_at(model, ("id",)) == "str"


def test_parts_of_users_are_asked_for_by_their_names(sdk_models: SdkModels) -> None:
    """What a user has on request is called like the request."""
    user = sdk_models.model("User")

    parts = [kind for kind in ENTITY_KINDS if kind.expand]
    assert {kind.expand for kind in parts} <= user.keys()
    assert all(kind.member.partition(".")[0] == kind.expand for kind in parts)
    assert "dateLastLogin" in user


@dataclass
class Listed:
    """What a table reads of its source: a listing without a store."""

    documents: Mapping[str, bytes]
    names: Names = field(default_factory=Names)

    def entities(self, _table: str) -> StoredEntities:
        found = sorted(self.documents.items())
        return StoredEntities(AT, ((i, text.decode()) for i, text in found))


def row_of(kind: EntityKind, documents: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the only row of the table."""
    table = EntityTable(kind)
    source = cast("TableSource", Listed(documents))
    (batch,) = table._batches(source)
    (row,) = batch.to_pylist()
    return cast("dict[str, Any]", row)


def set_at(document: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a field within; objects on the way are made where there is none."""
    for name in path[:-1]:
        inner = document.get(name)
        if not isinstance(inner, dict):
            inner = document[name] = {}
        document = inner
    document[path[-1]] = value


def entity_of(models: SdkModels, kind: EntityKind) -> dict[str, Any]:
    """Return an entity with all fields of its model, those with columns as in SENT."""
    model = entity_model(models, kind)
    if model.startswith("list["):  # the values of an object by id
        return {"value": SENT["json"]}
    entity: dict[str, Any] = models.fill(model)
    for one in (*named(kind), *kind.fields):
        set_at(entity, one.path, SENT[one.type])
    return {**entity, "id": IDENTITY} if "id" in entity else entity


def named(kind: EntityKind) -> Iterator[EntityField]:
    for name in kind.names:
        yield EntityField(name, tuple(name.split(".")), "text")


def page_with(kind: EntityKind, entity: dict[str, Any]) -> Any:
    """Return a page with one entity, as the service wraps it."""
    if not kind.member:
        return entity
    if kind.member == "entities":
        return {"entities": [entity], "pageCount": 1, "total": 1}
    return {kind.member: {IDENTITY: entity.get("value", entity)}}


async def read(kind: EntityKind, entity: dict[str, Any]) -> EntityListing:
    """Read a page with one entity by the reader of listings."""

    def answer(request: web.Request) -> Any:
        if kind.expand:
            is_first = request.query["state"] == "active"
            user: dict[str, Any] = {"id": PARENT}
            part = entity if kind.is_single else [entity]
            set_at(user, tuple(kind.member.split(".")), part)
            return {"entities": [user] if is_first else [], "pageCount": 1}
        if kind.deleted and request.path == kind.deleted.path:
            return {"entities": [], "pageCount": 0, "total": 0}
        return page_with(kind, entity)

    async with serving(answer) as server, client_of(server.url) as client:
        if kind.expand:
            users = entity_kind(kind.parent)
            found = await list_entities(
                client, users, whole=True, expand=(kind.expand,)
            )
            return entities_within(kind, found)
        if kind.parent:
            return await list_children(client, kind, [PARENT], at_once=1)
        return await list_entities(client, kind, whole=True)


def rebuilt(kind: EntityKind, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entity that a row was made of, from `extra` and the columns."""
    entity: dict[str, Any] = json.loads(row["extra"] or "{}")
    for one in kind.fields:
        if (value := row[one.name]) is not None:
            assert value == SHOWN[one.type]
            set_at(entity, one.path, SENT[one.type])
    return entity


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=ids(list(ENTITY_KINDS)))
def test_a_full_entity_is_all_there(sdk_models: SdkModels, kind: EntityKind) -> None:
    """Every column is filled; columns and `extra` make the entity that was sent.

    It has all fields of its model, and some that no model has.
    """
    entity = {**entity_of(sdk_models, kind), **NEWER}
    if kind.fields and (path := kind.fields[-1].path)[:-1]:
        set_at(entity, (*path[:-1], "newerField"), 1)

    found = asyncio.run(read(kind, entity))

    assert found.lacking is None
    row = row_of(kind, found.documents)
    is_list = "value" in entity and not kind.names
    assert row[kind.id_column] == IDENTITY
    assert all(row[one.name] is not None for one in kind.fields)
    assert not kind.names or row[kind.name_column] == "a text"
    expected = {"value": entity["value"]} if is_list else dict(entity)
    again = rebuilt(kind, row)
    if not is_list:
        expected.pop("id", None)
        for name in named(kind):
            set_at(again, name.path, "a text")
    assert again == expected


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=ids(list(ENTITY_KINDS)))
def test_an_empty_entity_has_its_key(sdk_models: SdkModels, kind: EntityKind) -> None:
    """Fields that are null, all but the id, are null in the columns, and no error."""
    entity: dict[str, Any] = {}
    model = entity_model(sdk_models, kind)
    if not model.startswith("list["):
        entity |= dict.fromkeys(sdk_models.model(model))
        entity["id"] = IDENTITY

    found = asyncio.run(read(kind, entity))

    assert found.lacking is None
    row = row_of(kind, found.documents)
    key = EntityTable(kind).key
    assert [row[name] for name in key] == ([PARENT] if kind.parent else []) + [IDENTITY]
    assert not any(row[one.name] for one in kind.fields)
    left = json.loads(row["extra"] or "{}")
    assert not any(left.values())


def test_pages_with_cursors_take_a_cursor(sdk_models: SdkModels) -> None:
    """Where pages have the member `cursors`, its `after` is the parameter `cursor`."""
    answers = {
        kind.table: sdk_models.getters[sdk_path(kind.paths[0])] for kind in LISTED
    }

    found = {t for t, m in answers.items() if "cursors" in sdk_models.model(m.answer)}
    assert found == {"external_contacts", "external_organizations"}
    assert all(CURSOR in answers[table].parameters for table in found)
