"""Fills `${NAME}` into a job file, and keeps secrets out of the file itself."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from gcbatch.errors import JobError
from gcbatch.exporting import (
    SecretMark,
    find_exporter,
    load_exporter,
    password_forms,
    passwords_in,
    secret_places,
)
from gcbatch.job.problems import Problem
from gcbatch.job.storage import StorageSection
from gcbatch.job.yaml_document import Loc

__all__ = ["Variables"]

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ODD: Final = re.compile(
    r"(?:^|[/:@])\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)"  # as shells have it
    r"|\$\{(?![A-Za-z_][A-Za-z0-9_]*\})"  # ${NAME:-default}, or an open brace
)
"""What is meant as a variable and is none here: it would be taken as it stands."""

_BROKEN: Final = re.compile("[\\x00\ud800-\udfff]")
"""NUL, which no path can hold, and lone surrogates, which no file can."""

_REFUSED: Final = "refused"
"""Takes the place of a value that is refused, so that nothing repeats it."""

_LITERAL: Final = "must not be in the file; write ${NAME} and set NAME"
_LITERAL_IN_URI: Final = (
    "the password must not be in the file; write ${NAME} in its place, as a whole, and "
    "set NAME"
)


@dataclass
class Variables:
    """The environment variables that a job file names.

    Args:
        environ: The values.

    Attributes:
        problems: What is wrong: variables without a value, secrets in the file.
        secrets: Values that no message may repeat, also where other keys use them.
    """

    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    _marks: dict[Loc, SecretMark] = field(default_factory=dict)

    def fill(self, data: Any) -> Any:
        """Return the data of a job file with all variables filled in.

        Secrets become values that neither print nor dump.
        """
        self._marks |= _secrets_of_orgs(data)
        storage = data.get("storage") if isinstance(data, dict) else None
        if isinstance(storage, dict):
            for place, mark in secret_places(StorageSection, storage).items():
                self._marks["storage", *place] = mark
        exports = data.get("exports") if isinstance(data, dict) else None
        for number, export in enumerate(exports if isinstance(exports, list) else ()):
            for place, mark in self._secrets_of(export).items():
                self._marks["exports", number, *place] = mark
        return self._fill(data, ())

    def _secrets_of(self, export: Any) -> dict[Loc, SecretMark]:
        """Return the places of the secrets in an entry of `exports:`."""
        name = export.get("exporter") if isinstance(export, dict) else None
        if not isinstance(name, str):
            return {}
        try:
            name = self._filled(name)
            options = load_exporter(find_exporter(name)).Options
        except JobError:
            return {}  # such a job is refused later, with the reason
        return secret_places(options, export)

    def _fill(self, value: Any, loc: Loc) -> Any:
        mark = self._marks.get(loc)
        if mark is not None and value is not None:
            return self._secret(value, loc, mark)
        if isinstance(value, dict):
            return {k: self._fill(v, (*loc, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._fill(v, (*loc, n)) for n, v in enumerate(value)]
        return self._text(value, loc) if isinstance(value, str) else value

    def _text(self, value: str, loc: Loc) -> str:
        if _BROKEN.search(value):
            self.problems.append((loc, "has characters that are not text"))
            return _REFUSED
        if odd := _ODD.search(value):
            msg = f"write a variable as ${{{odd['name'] or 'NAME'}}}, and no other way"
            self.problems.append((loc, msg))
            return _REFUSED
        self._check_set(value, loc)
        return self._filled(value)

    def _secret(self, value: Any, loc: Loc, mark: SecretMark) -> Any:
        """Return a secret: its value, or its file; report what is neither."""
        if isinstance(value, dict):
            if set(value) == {"file"}:
                file = (*loc, "file")
                return {"file": self._fill(value["file"], file)}
            # A secret that begins with a brace is a mapping: no key is repeated.
            return self._refused(loc, "is neither ${NAME} nor {file: /path}")
        if not isinstance(value, str):
            return self._refused(loc, _LITERAL)
        if _BROKEN.search(value):
            return self._refused(loc, "has characters that are not text")
        if _VARIABLE.fullmatch(value):
            return self._found(self._filled(value), value, loc)
        return self._uri(value, loc) if mark.is_uri else self._literal(value, loc)

    def _literal(self, value: str, loc: Loc) -> SecretStr:
        """Refuse a secret in the file; repeat only the name of a variable."""
        if value.startswith("$") and (name := value[1:]) in self.environ:
            return self._refused(loc, f"write a variable in braces: ${{{name}}}")
        return self._refused(loc, _LITERAL)

    def _refused(self, loc: Loc, problem: str) -> SecretStr:
        self.problems.append((loc, problem))
        return SecretStr(_REFUSED)

    def _uri(self, text: str, loc: Loc) -> SecretStr:
        """Return a URI with its variables filled in; refuse a password in it."""
        places = passwords_in(text)
        written = [text[place.start : place.end] for place in places]
        if not all(map(_VARIABLE.fullmatch, written)):
            self.secrets += password_forms(text)
            return self._refused(loc, _LITERAL_IN_URI)
        pieces, done = [], 0
        for place, name in zip(places, written, strict=True):
            password = self._filled(name)
            pieces += [self._filled(text[done : place.start]), place.write(password)]
            done = place.end
        filled = "".join((*pieces, self._filled(text[done:])))
        return self._found(filled, text, loc)

    def _found(self, value: str, written: str, loc: Loc) -> SecretStr:
        """Return a secret that becomes one of those that no message repeats."""
        if self._check_set(written, loc):
            self.secrets += {value, *password_forms(value)}
        return SecretStr(value)

    def _check_set(self, text: str, loc: Loc) -> bool:
        """Return whether all variables in a text have a value; report the others."""
        names = _VARIABLE.findall(text)
        if missing := [name for name in names if not self.environ.get(name)]:
            msg = f"environment variable {', '.join(missing)} is not set"
            self.problems.append((loc, msg))
        return not missing

    def _filled(self, text: str) -> str:
        return _VARIABLE.sub(lambda m: self.environ.get(m[1]) or "unset", text)


def _secrets_of_orgs(data: Any) -> dict[Loc, SecretMark]:
    return {(*place, "client_secret"): SecretMark() for place in _orgs(data)}


def _orgs(data: Any) -> Iterator[Loc]:
    yield ("org",)
    orgs = data.get("orgs") if isinstance(data, dict) else None
    for name in orgs if isinstance(orgs, dict) else ():
        yield "orgs", name
