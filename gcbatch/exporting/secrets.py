"""Types for options that are secret, and the way to their values."""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
)
from pydantic.fields import FieldInfo

from gcbatch.atomic_files import read_bounded_text
from gcbatch.errors import JobError
from gcbatch.exporting.local_path import LocalPath

__all__ = [
    "Secret",
    "SecretFile",
    "SecretMark",
    "SecretUri",
    "reveal",
    "secret_files",
    "secret_places",
    "secrets_within",
]

MAX_SECRET_BYTES: Final = 64 * 1024
"""Largest file of a secret; certificates with their chain have a tenth of it."""

_VARIABLE: Final = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"


class SecretFile(BaseModel):
    """A file that holds a secret.

    Args:
        file: Its path, such as `/run/secrets/genesys`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: LocalPath


@dataclass(frozen=True, slots=True)
class SecretMark:
    """Marks the type of an option whose value is secret.

    Args:
        is_uri: Whether only the password in it is; then a job file may have the rest.
    """

    is_uri: bool = False


def _given_or_file(value: object) -> str:
    return "file" if isinstance(value, (dict, SecretFile)) else "given"


_FILE = Annotated[SecretFile, Tag("file")]

Secret = Annotated[
    Annotated[
        SecretStr,
        Field(min_length=1, json_schema_extra={"pattern": _VARIABLE}),
        Tag("given"),
    ]
    | _FILE,
    Discriminator(_given_or_file),
    SecretMark(),
]
"""A password, token or key: in a job file `${NAME}` or `{file: /path}`, never itself.

Its value comes from `reveal`.
"""

SecretUri = Annotated[
    Annotated[
        SecretStr,
        Field(min_length=1, json_schema_extra={"format": "secret-uri"}),
        Tag("given"),
    ]
    | _FILE,
    Discriminator(_given_or_file),
    SecretMark(is_uri=True),
]
"""A URI, or libpq's keywords: in a job file its password is `${NAME}`, or it is as a
whole `${NAME}` or `{file: /path}`. Its value comes from `reveal`."""


def reveal(secret: SecretStr | SecretFile) -> str:
    """Return the value of a secret; that of a file is read now.

    Args:
        secret: The value of an option of the type Secret or SecretUri.

    Returns:
        The text; of a file without one line end at its end.

    Raises:
        JobError: If the file is unreadable or empty; never quotes its content.
    """
    if isinstance(secret, SecretStr):
        return secret.get_secret_value()
    hint = "name a file that contains only the secret"
    try:
        text = read_bounded_text(secret.file, MAX_SECRET_BYTES)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
    else:
        text = text.removesuffix("\n").removesuffix("\r")
        if text.strip():
            return text
        msg = f"{secret.file}: the file of a secret is empty"
        raise JobError(msg, hint=hint)
    # Raised out here, so that no cause goes with it that may hold what was read.
    msg = f"{secret.file}: the file of a secret cannot be read: {reason}"
    raise JobError(msg, hint=hint)


def secrets_within(value: object) -> Iterator[SecretStr | SecretFile]:
    """Yield the secrets in options, however deep."""
    if isinstance(value, (SecretStr, SecretFile)):
        yield value
    elif isinstance(value, BaseModel):
        yield from secrets_within({**value.__dict__, **(value.model_extra or {})})
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_within(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from secrets_within(inner)


def secret_files(options: object) -> list[Path]:
    """Return the files of the secrets in options."""
    return [s.file for s in secrets_within(options) if isinstance(s, SecretFile)]


Place = tuple[str | int, ...]
"""Keys and list positions (the first is 0) from the top of some data."""


def secret_places(
    options: type[BaseModel], data: Mapping[str, Any]
) -> dict[Place, SecretMark]:
    """Return where the secrets are in data that is to become options.

    Args:
        options: The model of the options.
        data: Plain data, as in a job file; not checked yet.
    """
    found: dict[Place, SecretMark] = {}
    for place, mark in _of_model(options, data, ()):
        # A value that may be of two kinds is treated as the stricter.
        if place not in found or found[place].is_uri:
            found[place] = mark
    return found


def _of_model(
    model: type[BaseModel], data: Mapping[str, Any], place: Place
) -> Iterator[tuple[Place, SecretMark]]:
    for name, field in model.model_fields.items():
        for key in _keys_of(name, field):
            if key in data:
                inside = (field.annotation, tuple(field.metadata))
                yield from _of_type(*inside, data[key], (*place, key))


def _keys_of(name: str, field: FieldInfo) -> set[str]:
    """Return all keys that may mean a field."""
    keys = {name, field.alias}
    alias = field.validation_alias
    for choice in alias.choices if isinstance(alias, AliasChoices) else (alias,):
        keys.add(str(choice.path[0]) if isinstance(choice, AliasPath) else choice)
    return {key for key in keys if key}


def _of_type(
    annotation: Any, metadata: tuple[Any, ...], value: Any, place: Place
) -> Iterator[tuple[Place, SecretMark]]:
    if marks := [one for one in metadata if isinstance(one, SecretMark)]:
        yield place, marks[0]
        return
    annotation = getattr(annotation, "__value__", annotation)  # of `type X = …`
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        yield from _of_type(arguments[0], arguments[1:], value, place)
    elif origin in (typing.Union, types.UnionType):
        for argument in arguments:
            yield from _of_type(argument, (), value, place)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if isinstance(value, Mapping):
            yield from _of_model(annotation, value, place)
    else:
        for key, one in _items_of(value):
            for argument in arguments:
                yield from _of_type(argument, (), one, (*place, key))


def _items_of(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, (list, tuple)) else ()
