"""No error and no message shows a secret of an exporter's options."""

import json
import traceback
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from gcbatch.errors import GcbatchError, JobError, OutputError
from gcbatch.exporting import (
    Options,
    Secret,
    SecretUri,
    hide_secrets,
    hide_values,
    hiding_secrets,
    secret_values,
)
from gcbatch.text import HIDDEN, visible

PASSWORD = "p@ss/w'or\"d\\ ü"
URI = f"postgresql://user:{quote(PASSWORD, safe='')}@db.example/reports"


class Login(Options):
    uri: SecretUri
    token: Secret | None = None


LOGIN = Login(uri=SecretStr(URI), token=SecretStr("tok-en"))

FORMS = {
    "plain": PASSWORD,
    "uri": URI,
    "percent": quote(PASSWORD, safe=""),
    "lower percent": quote(PASSWORD, safe="").replace("%C3%BC", "%c3%bc"),
    "twice": quote(quote(PASSWORD, safe=""), safe=""),
    "form": quote_plus(PASSWORD),
    "repr": repr(PASSWORD),
    "ascii": ascii(PASSWORD),
    "bytes": repr(PASSWORD.encode()),
    "json": json.dumps(PASSWORD),
    "json in json": json.dumps(json.dumps(PASSWORD)),
    "sql": PASSWORD.replace("'", "''"),
    "another": "tok-en",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_hidden(form: str) -> None:
    """As drivers, JSON, SQL and Python write a password."""
    hidden = hide_secrets(LOGIN, f"cannot connect: {form} at db.example")

    assert HIDDEN in hidden
    assert "db.example" in hidden
    for piece in ("ss/w", "ss%2Fw", "or", "d\\", "tok-en"):
        assert piece not in hidden.removeprefix("cannot connect: ")


def test_a_message_without_secrets_stays() -> None:
    """The user and the host are none; nor is anything without options."""
    message = "user 'user' has no rights on db.example/reports"

    assert hide_secrets(LOGIN, message) == message
    assert hide_secrets(None, PASSWORD) == PASSWORD


@given(st.text(min_size=1), st.sampled_from([repr, json.dumps, quote, visible, str]))
def test_any_text_is_found(secret: str, write: Any) -> None:
    """In whatever way it is written."""
    secret = secret.encode("utf-8", "replace").decode()

    assert hide_values([secret], write(f"\0{secret}\0")).count(HIDDEN) >= 1


WAYS = {"'": ["'", "''"], '"': ['"', '""'], " ": [" ", "+"], "\n": ["\n", " "]}
"""Ways to write a character without a percent sign and without a backslash."""


@given(st.text("ab'\" +\n", min_size=1), st.data())
def test_a_plainly_written_secret_is_found(secret: str, data: Any) -> None:
    """Also where each quote, space and line end of it is written in its own way."""
    ways = (WAYS.get(one, [one]) for one in secret)
    written = "".join(data.draw(st.sampled_from(way)) for way in ways)

    assert hide_values([secret], f"<{written}>").startswith(f"<{HIDDEN}")


def test_a_short_secret_is_hidden_once() -> None:
    """What replaces one is not searched for another."""
    assert hide_values(["d", "den"], "den d") == f"{HIDDEN} {HIDDEN}"


def shown_by(error: BaseException) -> str:
    """Return all that an error and its causes say of themselves."""
    said = "".join(traceback.format_exception(error))
    seen: BaseException | None = error
    while seen is not None:
        said += f"{seen!r} {vars(seen)!r}"
        seen = seen.__cause__ or seen.__context__
    return said


def failing_with(error: BaseException, cause: BaseException | None = None) -> Any:
    def work() -> NoReturn:
        raise error from cause

    return work


def error_of(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """Return what becomes of an error, after a look at all of it."""
    try:
        hiding_secrets(LOGIN, "exporter 'x'", failing_with(error, cause))
    except BaseException as exc:  # noqa: BLE001 - whatever it is
        shown = shown_by(exc)
        for form in (*FORMS.values(), "ss/w"):
            assert form not in shown
        return exc
    pytest.fail("raised nothing")


class Noted(Exception):  # noqa: N818 - not an error of ours
    """An error with attributes, as drivers have them."""

    def __init__(self, message: str) -> None:
        super().__init__(message, {"uri": [message]}, message.encode())
        self.detail = (message,)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"bad {URI}"),
        KeyError(PASSWORD),
        OSError(5, PASSWORD, URI),
        JobError(f"x: {URI}", hint=f"try {PASSWORD}"),
        GcbatchError([URI, PASSWORD]),
        Noted(URI),
        SystemExit(PASSWORD),
        ExceptionGroup("all", [ValueError(URI), KeyError(PASSWORD)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_keeps_its_type(error: BaseException) -> None:
    """Problem, hint, arguments and attributes are without secrets; so are causes."""
    found = error_of(error, RuntimeError(PASSWORD))

    assert type(found) is type(error)
    assert isinstance(found.__cause__, RuntimeError)
    assert HIDDEN in shown_by(found)


class Stubborn(Exception):  # noqa: N818 - not an error of ours
    """An error that shows what cannot be changed."""

    def __str__(self) -> str:
        return URI


def test_an_error_that_cannot_be_cleaned_is_replaced() -> None:
    """By one that names the exporter and the type."""
    found = error_of(Stubborn())

    assert isinstance(found, OutputError)
    assert found.problem == "exporter 'x' failed: Stubborn: its message holds a secret"


def test_a_cause_that_cannot_be_cleaned_is_cut_off() -> None:
    """The error itself is there."""
    found = error_of(ValueError("refused"), Stubborn())

    assert (str(found), found.__cause__) == ("refused", None)


def test_pydantics_errors_are_replaced() -> None:
    """They quote their input, and cannot be changed."""

    class Model(BaseModel):
        port: int

    def work() -> None:
        Model.model_validate({"port": URI})

    with pytest.raises(OutputError, match="ValidationError") as failed:
        hiding_secrets(LOGIN, "exporter 'x'", work)

    assert PASSWORD not in shown_by(failed.value)
    assert URI not in shown_by(failed.value)


def test_without_a_failure_the_result_is_returned() -> None:
    """And nothing else happens."""
    assert hiding_secrets(LOGIN, "exporter 'x'", lambda: PASSWORD) == PASSWORD


def test_the_values_are_those_of_passwords_too() -> None:
    """For whoever must keep them from a process or a file."""
    assert {URI, PASSWORD, "tok-en"} <= secret_values(LOGIN)
