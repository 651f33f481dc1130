"""What is an answer, what is none, and texts that were cut within a letter."""

import json
from typing import Any

import msgspec
import pytest

from gcbatch.genesys.client.body_reader import (
    BodyReader,
    ForeignBodyError,
    read_body,
    read_loosely,
)

HALF = b"\\ud83d"


class Listing(msgspec.Struct):
    entities: list[int] | None = None
    total: int | None = None
    nextUri: str | None = None  # noqa: N815 - the API's word


class Receipt(msgspec.Struct):
    jobId: str  # noqa: N815 - the API's word


LISTINGS = BodyReader(Listing, "entities", next_page="nextUri")
RECEIPTS = BodyReader(Receipt, "jobId", or_nothing=False)


def body_of(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("sent", "entities"),
    [
        ({"entities": [1]}, [1]),
        ({"entities": []}, []),
        ({"entities": [1], "newer": {"deep": 1}}, [1]),
        ({}, None),
        ({"entities": None}, None),
        ({"entities": None, "nextUri": None}, None),
    ],
    ids=str,
)
def test_what_has_evidence_is_an_answer(sent: Any, entities: Any) -> None:
    """Its own key; or nothing at all, which says that there is nothing."""
    assert LISTINGS.decode(body_of(sent)).entities == entities


@pytest.mark.parametrize(
    "sent",
    [
        {"message": "Service Unavailable", "status": 503},
        {"fault": {"faultstring": "quota"}},
        {"statusCode": 200, "body": {"entities": []}},
        {"jobId": "1"},
        {"total": 0},
        {"newer": None},
        {"newer": None, "entities": None},
        None,
        [],
        [{"entities": []}],
        7,
        True,
        "text",
    ],
    ids=str,
)
def test_what_has_none_is_foreign(sent: Any) -> None:
    """Whatever it is, it does not say that there is nothing."""
    with pytest.raises(ForeignBodyError):
        LISTINGS.decode(body_of(sent))


@pytest.mark.parametrize(
    "error",
    [
        {"message": "oops"},
        {"code": "internal.server.error"},
        {"error": {"deep": 1}},
        {"errors": [1]},
        {"fault": {"faultstring": "quota"}},
        {"status": 500},
        {"status": "503"},
        {"status": 404.0},
        {"statusCode": 429},
        {"status": "ERROR"},
    ],
    ids=str,
)
def test_an_error_beside_what_was_asked_is_foreign(error: Any) -> None:
    """An answer that failed half-way may have left anything out."""
    with pytest.raises(ForeignBodyError, match=next(iter(error))):
        LISTINGS.decode(body_of({"entities": [1], **error}))


@pytest.mark.parametrize(
    "more", [{"errors": []}, {"message": None}, {"status": 200}, {"code": ""}], ids=str
)
def test_no_error_is_none(more: Any) -> None:
    """A key that says nothing of the kind does no harm."""
    assert LISTINGS.decode(body_of({"entities": [1], **more})).entities == [1]


@pytest.mark.parametrize("sent", [{}, {"jobId": None}, {"id": "1"}, None], ids=str)
def test_some_answers_have_to_say_something(sent: Any) -> None:
    """A job that was submitted has an id."""
    with pytest.raises(ForeignBodyError):
        RECEIPTS.decode(body_of(sent))


def test_a_wrong_type_is_not_foreign() -> None:
    """It is an answer of another shape, which no repeating mends."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.entities"):
        LISTINGS.decode(body_of({"entities": "many", "newer": 1}))


@pytest.mark.parametrize(
    "key",
    [
        *("next", "nextPage", "nextPageToken", "nextCursor", "cursor", "hasMore"),
        *("hasNext", "next_page", "next_page_id", "has_more", "continuation_token"),
    ],
)
def test_pages_that_nothing_leads_to_are_refused(key: str) -> None:
    """They would be dropped; but not where the shape's own key leads on."""
    sent = {"entities": [1], key: "x"}

    assert LISTINGS.decode(body_of({**sent, "nextUri": "/more"})).nextUri
    with pytest.raises(msgspec.ValidationError, match=f"more pages .*: {key}"):
        LISTINGS.decode(body_of(sent))


@pytest.mark.parametrize("key", ["links", "_links", "paging"])
def test_pages_that_links_lead_to_are_refused(key: str) -> None:
    """A next page is announced wherever APIs write it; links to others are none."""
    last = {"entities": [1], key: {"self": "/1", "next": None}}

    assert LISTINGS.decode(body_of(last)).entities == [1]
    with pytest.raises(msgspec.ValidationError, match=f"more pages .*: {key}"):
        LISTINGS.decode(body_of({**last, key: {"self": "/1", "next": "/2"}}))


def test_an_error_says_which_keys_came() -> None:
    """The first of them, and how many more."""
    with pytest.raises(ForeignBodyError) as failed:
        LISTINGS.decode(body_of({f"key{n}": n for n in range(11)}))

    assert str(failed.value) == (
        "it has key0, key1, key2, key3, key4, key5, key6, key7 and 3 more, "
        "but no entities"
    )


@pytest.mark.parametrize(
    ("sent", "has"),
    [({"entities": None, "total": 0}, "total"), ({}, "nothing")],
    ids=str,
)
def test_what_is_null_is_not_said_to_be_there(sent: Any, has: str) -> None:
    """An answer that has entities, but no entities, would be a riddle."""
    reader = BodyReader(Listing, "entities", or_nothing=False)

    with pytest.raises(ForeignBodyError) as failed:
        reader.decode(body_of(sent))

    assert str(failed.value) == f"it has {has}, but no entities"


@pytest.mark.parametrize("key", ["s3cret" * 8, "two\nlines", "\x1b[31m", ""])
def test_odd_keys_are_not_repeated(key: str) -> None:
    """No secret that a service echoes, and nothing that a terminal acts on."""
    with pytest.raises(ForeignBodyError) as failed:
        LISTINGS.decode(body_of({key: 1}))

    assert str(failed.value) == "it has (an odd key), but no entities"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (HALF, "\N{REPLACEMENT CHARACTER}"),
        (b"a" + HALF + b"b", "a\N{REPLACEMENT CHARACTER}b"),
        (HALF + b"\\ude00", "\N{GRINNING FACE}"),
        (b"\\ude00" + HALF, "\N{REPLACEMENT CHARACTER}" * 2),
        (b"\\\\ud83d" + HALF, "\\ud83d\N{REPLACEMENT CHARACTER}"),
        ("ü".encode() + HALF, "ü\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_half_a_letter_becomes_a_replacement(sent: bytes, text: str) -> None:
    """Pairs, escaped backslashes and other letters stay as they are."""
    body = b'["' + sent + b'"]'

    assert read_body(body, msgspec.json.Decoder(list[str]).decode) == [text]


@pytest.mark.parametrize("body", [b'["a"', b'["\\x"]', b'["\\ud83', b""])
def test_what_is_damaged_stays_so(body: bytes) -> None:
    """Nothing but halves of letters is mended."""
    with pytest.raises(msgspec.DecodeError):
        read_body(body, msgspec.json.decode)


def test_what_can_be_decoded_is_read_once() -> None:
    """No good body is looked through."""
    seen: list[bytes] = []
    read_body(b'["\\u00e4"]', seen.append)

    assert seen == [b'["\\u00e4"]']


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("1e999", "1e999"),
        ("-1e999", "-1e999"),
        ("9" * 5_000, "9" * 5_000),
        ("9" * 30, int("9" * 30)),
        ("1.5", 1.5),
    ],
    ids=["infinite", "negative", "endless", "large", "fraction"],
)
def test_numbers_of_any_size_are_read(number: str, value: Any) -> None:
    """Those that nothing holds as texts, and their neighbours as numbers."""
    assert read_loosely(f"[{number}, 1e999, 3]".encode()) == [value, "1e999", 3]
