"""Pages of details: what their records, instants and cursors have to be."""

from datetime import UTC, datetime

import orjson
import pytest

from gcbatch.endpoints.details.page_reader import CONVERSATIONS, read_page
from gcbatch.errors import DataError
from gcbatch.windows import milliseconds

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def sent(start: str = "2026-03-02T09:00:00.000Z", name: str = "c1") -> bytes:
    """Return a page of one conversation, as the service sends it."""
    one = {"conversationId": name, "conversationStart": start}
    return orjson.dumps({"conversations": [one], "totalHits": 1})


@pytest.mark.parametrize(
    "start",
    [
        "2026-03-02T09:00:00.000Z",
        "2026-03-02T10:00:00+01:00",
        "2026-03-02T09:00:00",
    ],
    ids=["UTC", "offset", "none"],
)
def test_an_instant_is_in_utc_unless_it_says_otherwise(start: str) -> None:
    """As the API's own examples are."""
    (read,) = read_page(sent(start), CONVERSATIONS).documents

    assert read.at_ms == milliseconds(NINE)


@pytest.mark.parametrize("start", ["", "nine", "2026-13-01T00:00:00Z"])
def test_an_instant_that_is_none_is_an_error(start: str) -> None:
    """It names the conversation and the field."""
    with pytest.raises(DataError, match="c1: conversationStart is no instant"):
        read_page(sent(start), CONVERSATIONS)


@pytest.mark.parametrize("name", ["", "a\0b"], ids=["empty", "zero byte"])
def test_an_id_that_distinguishes_nothing_is_an_error(name: str) -> None:
    """The zero byte would be taken for the end of the id."""
    with pytest.raises(DataError, match="a record has no conversationId"):
        read_page(sent(name=name), CONVERSATIONS)


@pytest.mark.parametrize("space", [b"\n", b"\r\n", b"\r"])
def test_a_record_is_one_line(space: bytes) -> None:
    """However the service breaks its lines; nothing else of it changes."""
    broken = sent().replace(b",", b"," + space).replace(b":{", b":{" + space)

    (read,) = read_page(broken, CONVERSATIONS).documents

    assert b"\n" not in read.content
    assert b"\r" not in read.content
    assert orjson.loads(read.content) == orjson.loads(sent())["conversations"][0]


@pytest.mark.parametrize("cursor", [None, ""])
def test_an_empty_cursor_is_none(cursor: str | None) -> None:
    """Asked for, it would bring the first page again."""
    body = orjson.dumps({"conversations": [], "cursor": cursor})

    assert read_page(body, CONVERSATIONS).cursor is None
