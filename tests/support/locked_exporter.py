"""An exporter with secrets in its options, for tests: it writes a file."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from gcbatch.errors import JobError
from gcbatch.exporting import (
    FileOptions,
    Receipt,
    Secret,
    SecretUri,
    Target,
    reveal,
)
from gcbatch.table import Table

__all__ = ["DRIVER_ERROR", "Locked", "LockedOptions", "Shared"]

PLACE = f"{__name__}:Locked"
SHARED = f"{__name__}:Shared"

DRIVER_ERROR = "no way"
"""In the message of every error of the exporter, before its secrets."""


class LockedOptions(FileOptions):
    """Options of the exporter.

    Args:
        uri: Where it would connect to.
        password: A second secret.
        name: Name of the table there.
        fails_in: Where it raises an error that shows its secrets.
        raises: The kind of that error.
    """

    uri: SecretUri | None = None
    password: Secret | None = None
    name: str = "rows"
    fails_in: Literal["", "init", "check", "export"] = ""
    raises: Literal["JobError", "ValueError", "KeyError"] = "ValueError"


class Locked:
    """Writes the number of tables, or fails in a loud way."""

    api_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    Options: ClassVar[type[BaseModel]] = LockedOptions

    def __init__(self, options: LockedOptions) -> None:
        self._options = options
        self._fail_in("init")

    def check(self, tables: Mapping[str, Table]) -> None:
        del tables
        self._fail_in("check")

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        rows = sum(table.read_all().num_rows for table in tables.values())
        self._fail_in("export")
        target.stage(self._options.path).write_text(f"{rows} rows")
        return Receipt(f"{self._options.path} of {self._connection()}", rows)

    def _connection(self) -> str:
        uri, password = self._options.uri, self._options.password
        return f"{uri and reveal(uri)} {password and reveal(password)}"

    def _fail_in(self, where: str) -> None:
        if self._options.fails_in != where:
            return
        shown = f"{DRIVER_ERROR}: {self._connection()}"
        kinds: dict[str, Any] = {"JobError": JobError, "KeyError": KeyError}
        cause = RuntimeError(shown, {"uri": shown})
        raise kinds.get(self._options.raises, ValueError)(shown) from cause


class Shared(Locked):
    """Writes into a file that several exports share."""

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        name = self._options.name
        return [f"{self._options.path}: {name.replace('*', n)}" for n in names]
