"""Passwords are found in URIs and keywords, however they are written."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.exporting.connection_text import password_forms, passwords_in


def found_in(text: str) -> list[str]:
    return [text[place.start : place.end] for place in passwords_in(text)]


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://host/db",
        "postgresql://user@host:5432/db?sslmode=require",
        "postgresql://user:@host/db",
        "postgresql://h1:5432,h2:5433/db?target_session_attrs=any",
        "postgresql://[::1]:5432/db",
        "postgresql:///db?host=/run/postgresql&passfile=/run/pgpass",
        "host=x dbname=y user=z passfile=/run/pgpass sslkey=/run/key",
        "host=x user=z password=''",
        "host=x options='-c a:b' user=c@d",
        "postgresql://user@host/db?options=a:b@c",
        "md:reports",
        "out/reports.duckdb",
        "s3://bucket/prefix?access_key_id=AKIA",
    ],
)
def test_these_have_none(text: str) -> None:
    """Users, hosts, ports and paths are no passwords."""
    assert found_in(text) == []


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("postgresql://u:pw@host/db", "pw"),
        ("POSTGRES://u:pw@host", "pw"),
        ("//u:pw@host", "pw"),
        ("u:pw@host/db", "pw"),
        ("jdbc:postgresql://u:pw@host/db", "pw"),
        ("postgresql+psycopg://u:pw@host/db", "pw"),
        (" postgresql://u:pw@host/db", "pw"),
        ("postgresql://:pw@host/db", "pw"),
        ("postgresql://u:p:w@host/db", "p:w"),
        ("postgresql://u:p@w@host/db", "p@w"),
        ("postgresql://u:p/w@host/db", "p/w"),
        ("postgresql://u:p?w#x@host/db", "p?w#x"),
        ("postgresql://u:p w@host/db", "p w"),
        ("postgresql://u:p%40w@host/db?options=a@b", "p%40w"),
        ("postgresql://u:p//w@host", "p//w"),
        ("postgresql://h/db?password=pw", "pw"),
        ("postgresql://h/db?a=b&PassWord=pw&c=d", "pw"),
        ("postgresql://h/db?pass%77ord=pw", "pw"),
        ("postgresql://h/db?sslpassword=p;w", "p;w"),
        ("postgresql://h/db?oauth_client_secret=pw", "pw"),
        ("md:reports?motherduck_token=pw", "pw"),
        ("host=x password=pw", "pw"),
        ("host=x password = 'p w' user=y", "p w"),
        ("host=x password='p\\'w' user=y", "p\\'w"),
        ("host=x password='pw", "pw"),
        ("PASSWORD=pw", "pw"),
        ("host=x sslpassword=p\\ w", "p\\ w"),
        ("dbname=postgresql://u:pw@host/db", "pw"),
        ("Driver={x};Server=y;Pwd=pw;Database=z", "pw"),
    ],
)
def test_these_have_one(text: str, password: str) -> None:
    """With odd characters, in any case, encoded, in quotes, within each other."""
    assert password in found_in(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("postgresql://u:${A}x@host/db", "${A}x"),
        ("postgresql://u:${A}@b@host/db", "${A}@b"),
        ("postgresql://h/db?password=${A};b", "${A};b"),
        ("host=x password=${A};b", "${A};b"),
        ("host=x password=${A:-b}", "${A:-b}"),
    ],
)
def test_what_a_variable_does_not_cover_is_seen(text: str, rest: str) -> None:
    """The whole password is found, so that a rest of it is not overlooked."""
    assert found_in(text) == [rest]


@given(st.text(min_size=1), st.sampled_from(["u:%s@h/db", "h/db?password=%s&a=b"]))
def test_a_password_in_a_uri_is_encoded(password: str, rest: str) -> None:
    """Any text: a reader of URIs gets it back."""
    password = password.encode("utf-8", "replace").decode()
    text = f"postgresql://{rest.replace('%s', 'X')}"
    (place,) = passwords_in(text)

    uri = f"{text[: place.start]}{place.write(password)}{text[place.end :]}"

    parts = urlsplit(uri)
    written = parts.password or parts.query.split("&")[0].partition("=")[2]
    assert unquote(written) == password


def test_a_password_among_keywords_is_quoted() -> None:
    """As libpq reads it: in quotes, with backslashes before quotes and backslashes."""
    for text in ("host=x password=X", "host=x password='X'"):
        (place,) = passwords_in(text)

        password = place.write(r"p' \w")
        written = f"{text[: place.start]}{password}{text[place.end :]}"

        assert written == r"host=x password='p\' \\w'"


def test_pieces_of_an_unencoded_password_are_forms() -> None:
    """A driver takes `p/word` for a port and a path, and quotes them."""
    forms = password_forms("postgresql://u:secret/wo%72d@host/db")

    assert {"secret/wo%72d", "secret/word", "secret", "wo%72d"} <= forms
    assert not {"host", "db", "u"} & forms


def test_the_rest_of_a_password_with_at_and_slash_is_a_form() -> None:
    """Which @ ends it is not certain: both readings count."""
    forms = password_forms("postgresql://u:one@two/three@host/db")

    assert {"one", "two", "three"} <= forms
