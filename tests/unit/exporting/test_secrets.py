"""Secret options: found in data before they are checked, never shown, read at use."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError

from gcbatch.errors import JobError
from gcbatch.exporting import (
    Options,
    Secret,
    SecretFile,
    SecretUri,
    reveal,
    secret_files,
    secret_places,
)

VALUE = "hunter-2"


class Login(Options):
    user: str = ""
    password: Secret | None = None


class Wide(Options):
    """Options with secrets in every place that a model can have."""

    plain: str = ""
    secret: Secret = SecretStr("default")
    maybe: Secret | None = None
    uri: SecretUri | None = None
    either: SecretUri | Secret | None = None
    constrained: Annotated[Secret, Field(description="x")] | None = None
    aliased: Secret | None = Field(default=None, alias="api-key")
    choices: Secret | None = Field(
        default=None, validation_alias=AliasChoices("one", "two")
    )
    login: Login | None = None
    logins: list[Login] | None = None
    by_name: dict[str, Secret] | None = None
    several: tuple[Secret, ...] = ()


@pytest.mark.parametrize(
    ("data", "place", "is_uri"),
    [
        ({"secret": VALUE}, ("secret",), False),
        ({"maybe": VALUE}, ("maybe",), False),
        ({"uri": VALUE}, ("uri",), True),
        ({"either": VALUE}, ("either",), False),
        ({"constrained": VALUE}, ("constrained",), False),
        ({"api-key": VALUE}, ("api-key",), False),
        ({"aliased": VALUE}, ("aliased",), False),
        ({"two": VALUE}, ("two",), False),
        ({"login": {"user": "u", "password": VALUE}}, ("login", "password"), False),
        ({"logins": [{}, {"password": VALUE}]}, ("logins", 1, "password"), False),
        ({"by_name": {"x": VALUE}}, ("by_name", "x"), False),
        ({"several": ["a"]}, ("several", 0), False),
    ],
)
def test_secrets_are_found_in_plain_data(
    data: dict[str, Any], place: tuple[str | int, ...], *, is_uri: bool
) -> None:
    """Also optional ones, unions, aliases, and those within models, lists and maps."""
    found = secret_places(Wide, {"plain": "x", **data})

    assert {p: mark.is_uri for p, mark in found.items()} == {place: is_uri}


@pytest.mark.parametrize("data", [{"login": VALUE}, {"logins": {}}, {"several": "a"}])
def test_data_of_another_shape_has_none(data: dict[str, Any]) -> None:
    """It is refused later, when it is checked."""
    assert secret_places(Wide, data) == {}


def test_values_are_masked() -> None:
    """In the repr, in text, and in both kinds of dump."""
    options = Wide(secret=VALUE, uri=f"x://u:{VALUE}@h", logins=[{"password": VALUE}])

    shown = f"{options!r} {options} {options.model_dump()} {options.model_dump_json()}"

    assert VALUE not in shown


def test_an_error_of_validation_shows_no_value() -> None:
    """Pydantic would quote the input."""
    with pytest.raises(ValidationError) as failed:
        Wide.model_validate({"secret": [VALUE], "plain": {"password": VALUE}})

    assert VALUE not in str(failed.value)


@pytest.mark.parametrize("value", ["", 5, None, ["x"], {"path": "x"}])
def test_other_kinds_of_values_are_refused(value: Any) -> None:
    """A secret is text that is not empty, or a file."""
    with pytest.raises(ValidationError):
        Wide.model_validate({"secret": value})


def test_a_given_value_is_revealed() -> None:
    """As it is, with the white space that it has."""
    assert reveal(SecretStr(" a\n")) == " a\n"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"pw", "pw"),
        (b"pw\n", "pw"),
        (b"pw\r\n", "pw"),
        (b"pw\n\n", "pw\n"),
        (b" pw ", " pw "),
        (b"\xef\xbb\xbfpw\n", "pw"),
    ],
)
def test_a_file_is_read_at_use(tmp_path: Path, content: bytes, value: str) -> None:
    """Without one line end, which editors add; all else is part of the secret."""
    path = tmp_path / "secret"
    options = Wide(secret={"file": path})
    path.write_bytes(content)

    assert reveal(options.secret) == value
    assert secret_files(options) == [path]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter\xff", "not UTF-8"),
        (b"x" * 70_000, "longer than"),
    ],
)
def test_an_unusable_file_is_named(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    """With the next step, and without what it holds, also in its causes."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(JobError, match=problem) as failed:
        reveal(SecretFile(file=path))

    assert str(path) in failed.value.problem
    assert failed.value.hint
    assert (failed.value.__cause__, failed.value.__context__) == (None, None)


def test_the_schema_refuses_a_literal() -> None:
    """An editor marks a password before it is saved."""

    class Own(BaseModel):
        secret: Secret

    (given, file) = Own.model_json_schema()["properties"]["secret"]["oneOf"]

    assert given["pattern"].startswith(r"^\$\{")
    assert given["writeOnly"]
    assert file["$ref"].endswith("SecretFile")
