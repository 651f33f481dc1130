"""Credentials are found in whatever form a service writes them; nothing else is."""

import json
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcbatch.genesys.client.redaction import SHORTEST_IN_DATA, Redactor
from gcbatch.text import HIDDEN
from tests.support.echoing import forms_of

CLIENT_ID: Final = "the-client"
SECRET: Final = "Kq3-Zp0_v9W1x~with+special/chars=and spaces"
TOKEN: Final = "9f8h2Kq-_x/+ab" * 6
FORMS: Final = forms_of(CLIENT_ID, SECRET, TOKEN)

secrets = st.text(
    st.characters(
        max_codepoint=0xFFFF, exclude_categories=("Cc", "Cs"), exclude_characters="\\"
    ),
    min_size=12,
    max_size=20,
)


def redactor() -> Redactor:
    made = Redactor(CLIENT_ID, SECRET)
    made.learn(TOKEN)
    return made


@pytest.mark.one_in(4)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_hidden_and_json_stays_json(form: str) -> None:
    """What stood beside it stays; a few letters that belong to it may, too."""
    body = f'{{"before": 1, "text": "a\\n{form} z", "after": [2]}}'.encode()

    clean = redactor().body(body)

    reported = json.loads(clean)
    assert reported["before"], reported["after"] == (1, [2])
    assert HIDDEN in reported["text"]
    assert len(reported["text"]) <= len(f"a\n{HIDDEN} z") + 60
    assert form not in redactor().text(form)


@pytest.mark.parametrize(
    "examples",
    [12, pytest.param(40, marks=pytest.mark.slow)],
    ids="{} examples".format,
)
def test_any_secret_is_hidden_however_it_is_escaped(examples: int) -> None:
    """Letters of all scripts and quotes, too."""

    @settings(max_examples=examples)
    @given(secret=secrets, uppercase=st.booleans())
    def check(secret: str, *, uppercase: bool) -> None:
        made = Redactor(CLIENT_ID, secret)
        units = "".join(f"\\u{ord(c):04{'X' if uppercase else 'x'}}" for c in secret)
        octets = "".join(f"%{byte:02x}" for byte in secret.encode())

        for form in (json.dumps(secret)[1:-1], units, octets):
            assert made.body(form.encode()).decode() == HIDDEN

    check()


@given(text=st.text() | st.sampled_from(FORMS).map(lambda form: form[:20]))
def test_what_holds_none_is_the_same_object(text: str) -> None:
    """Nothing is copied, and nothing of the data changes."""
    body = json.dumps({"text": text, "%41": "\\u0041"}).encode()

    assert redactor().body(body) is body


def test_a_short_secret_is_hidden_in_messages_only() -> None:
    """It may be a word of the data."""
    short = Redactor(CLIENT_ID, "Support"[:SHORTEST_IN_DATA])

    assert short.body(b'{"name": "Support"}') == b'{"name": "Support"}'
    assert short.text("wrong secret Support") == f"wrong secret {HIDDEN}"


def test_a_token_is_hidden_from_when_it_is_used() -> None:
    """Those before it are remembered for a while: their answers may still come."""
    made = redactor()
    tokens = [f"another-token-{n}" for n in range(5)]
    for token in tokens:
        made.learn(token)

    hidden = [made.text(token) == HIDDEN for token in tokens]
    assert hidden == [False, False, True, True, True]
    assert made.text(SECRET) == HIDDEN


def test_a_worker_that_knows_no_secret_hides_the_token() -> None:
    """An empty secret is in every text, and is not looked for."""
    worker = Redactor(CLIENT_ID, "")
    worker.learn(TOKEN)

    assert worker.text(f"a {TOKEN} b") == f"a {HIDDEN} b"
