"""The official SDK's own client reads every listing of the simulator."""

import re
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from gcbatch.genesys import ENTITY_KINDS, EntityKind, Paging
from gcbatch.simulator import sample_tenant
from tests.support.listed_sample import documents_of
from tests.support.sdk_models import SdkModels

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
"""The SDK has warnings of its own, at import and in use."""

LISTED: Final = [kind for kind in ENTITY_KINDS if kind.paths]
DELETED: Final = [kind for kind in ENTITY_KINDS if kind.deleted]
PARTS: Final = sorted({kind.expand for kind in ENTITY_KINDS if kind.expand})

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)?")


@pytest.fixture(scope="module")
def models() -> SdkModels:
    return SdkModels()


def plain(value: Any) -> Any:
    """Return JSON with instants written in one way, and without whole floats."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return datetime.fromisoformat(value).replace(tzinfo=None).isoformat()
    return value


class Reader:
    """Reads listings with the SDK's client, by the models that it has for them."""

    def __init__(self, sdk: Any, api: Any, models: SdkModels) -> None:
        self._sdk = sdk
        self._api = api
        self._models = models

    def get(self, path: str, **query: str) -> Any:
        """Send a GET, and return the answer in the SDK's model for the path."""
        model = self._models.getters[re.sub(r"[^/]{36}", "{}", path)].answer
        return self._api.call_api(
            path,
            "GET",
            {},
            query,
            {"Accept": "application/json"},
            response_type=model,
            auth_settings=["PureCloud OAuth"],
        )

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Yield the pages of a listing, each by what the one before says of it."""
        number = 1
        while True:
            page = self.get(path, **query)
            yield page
            if uri := getattr(page, "next_uri", None):
                query = dict(parse_qsl(urlsplit(uri).query))
            elif (getattr(page, "page_count", None) or 0) > number:
                query = {**query, "pageNumber": str(number + 1)}
            else:
                return
            number += 1

    def sent(self, model: Any) -> Any:
        """Return a model as the SDK writes it: what it has understood."""
        return plain(self._api.sanitize_for_serialization(model))


@pytest.fixture
def reader(sdk: Any, api: Any, models: SdkModels) -> Reader:
    return Reader(sdk, api, models)


def sizes(kind: EntityKind) -> dict[str, str]:
    """Return the parameter of small pages; scans have none below 10."""
    if kind.paging is Paging.WHOLE:
        return {}
    return {kind.size_key: "10" if kind.size_key == "limit" else "3"}


def entities_of(kind: EntityKind, reader: Reader, path: str) -> Iterator[Any]:
    """Yield the entities of a listing as the SDK writes them, from all its pages."""
    for part in kind.slices:
        for page in reader.pages(path, **sizes(kind), **part, **kind.more):
            sent = reader.sent(page)
            if not kind.member:
                yield sent
            elif isinstance(sent[kind.member], list):
                yield from sent[kind.member]
            else:  # by their ids
                for identity, value in sent[kind.member].items():
                    by_name = value if isinstance(value, dict) else {"value": value}
                    yield {"id": identity, **by_name}


@pytest.mark.parametrize("kind", LISTED, ids=lambda kind: kind.table)
def test_it_reads_every_listing(kind: EntityKind, reader: Reader) -> None:
    """All entities; it knows each field, its type and its value.

    What it does not know it drops, and a value that it does not expect it replaces, so
    that it would write another document.
    """
    documents = documents_of(sample_tenant(), kind.table)
    expected = {ids: {"id": ids[1], **plain(one)} for ids, one in documents.items()}

    read = {
        (parent, entity["id"]): entity
        for parent in {parent for parent, _ in documents}
        for entity in entities_of(kind, reader, kind.paths[0].format(parent=parent))
    }

    assert read == expected


@pytest.mark.parametrize("kind", DELETED, ids=lambda kind: kind.table)
def test_it_reads_the_deleted(kind: EntityKind, reader: Reader) -> None:
    """From the listing that has them."""
    assert kind.deleted is not None
    pages = reader.pages(kind.deleted.path, pageSize="1", **kind.deleted.parameters)

    read = [entity for page in pages for entity in reader.sent(page)["entities"]]

    assert read == plain(list(sample_tenant().deleted_entities[kind.table]))


def test_it_reads_the_parts_of_users(reader: Reader) -> None:
    """Which come with the users, on request."""
    query = {"pageSize": "7", "state": "any", "expand": ",".join(PARTS)}
    pages = reader.pages("/api/v2/users", **query)
    users = {
        user["id"]: user for page in pages for user in reader.sent(page)["entities"]
    }

    expected = plain(sample_tenant().user_parts)
    assert {
        identity: {name: user[name] for name in PARTS if user.get(name)}
        for identity, user in users.items()
    } == {
        identity: {name: value for name, value in parts.items() if value}
        for identity, parts in expected.items()
    }


def test_documents_have_no_unknown_value(sdk: Any, models: SdkModels) -> None:
    """The SDK's client marks values that it does not expect; ours it all knows."""
    client = sdk.api_client.ApiClient("http://127.0.0.1:9")
    page = {"entities": [{"id": "1", "name": "x", "type": "NO SUCH TYPE"}]}
    answer = SimpleNamespace(
        data=orjson.dumps(page).decode(), getheader=lambda _: "application/json"
    )

    found = client.deserialize(answer, models.getters["/api/v2/flows"].answer)

    assert found.entities[0].type == "outdated_sdk_version"
