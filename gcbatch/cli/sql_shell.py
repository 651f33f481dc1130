"""The prompt of `gcbatch sql`."""

from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Final

from gcbatch.cli.output import print_screen, print_text, say_error
from gcbatch.errors import GcbatchError, JobError
from gcbatch.suggest import unknown

if TYPE_CHECKING:
    from gcbatch.cli.interruptible import Interruptible
    from gcbatch.cli.sql_results import SqlResults
    from gcbatch.running import SqlTables
    from gcbatch.selecting import Statements

__all__ = ["SqlShell"]

PROMPT: Final = "gcbatch> "
MORE: Final = "    ...> "

WELCOME: Final = """\
SQL over the tables of the last run: a statement ends with ;
.tables lists them, .help says more, Ctrl-D leaves."""

HELP: Final = """\
SELECT ...;      a query in DuckDB's SQL, over as many lines as it needs
.tables          the tables; each is there with local times too, as NAME_local
.schema NAME     the columns of a table
.help            this text
.quit            leave, as Ctrl-D does
Ctrl-C           drops what is typed, or ends the query that runs"""


class SqlShell:
    """Reads statements from a terminal and shows their results.

    Args:
        tables: What is asked.
        results: Shows what statements return.
        reader: Reads statements.
        calls: Runs them, so that Ctrl-C ends them.
    """

    def __init__(
        self,
        tables: "SqlTables",
        results: "SqlResults",
        reader: "Statements",
        calls: "Interruptible",
    ) -> None:
        self._tables = tables
        self._results = results
        self._reader = reader
        self._calls = calls
        self._commands: dict[str, Callable[[str], None]] = {
            ".tables": self._show_tables,
            ".schema": self._show_schema,
            ".help": self._show_help,
        }

    def run(self) -> None:
        """Read and answer until the user leaves."""
        _complete(self._words())
        print_text(WELCOME)
        while True:
            try:
                text = self._read()
                if text.split(maxsplit=1)[:1] in ([".quit"], [".exit"]):
                    return
                self._answer(text)
            except EOFError:
                print_text("")
                return
            except GcbatchError as exc:
                say_error(exc)
            except KeyboardInterrupt:
                print_text("\ninterrupted")

    def _read(self) -> str:
        """Return what is typed: a command of one line, or statements.

        Raises:
            EOFError: At the end of input.
        """
        lines: list[str] = []
        while True:
            lines.append(input(MORE if lines else PROMPT))
            text = "\n".join(lines).strip()
            if not text or text.endswith(";") or text.startswith("."):
                return text

    def _answer(self, text: str) -> None:
        """Answer what was typed; nothing if it is empty."""
        if text.startswith("."):
            command, _, rest = text.removesuffix(";").partition(" ")
            if command not in self._commands:
                known = [*self._commands, ".quit"]
                msg = f"sql: {unknown('command', command, known)}"
                raise JobError(msg, hint=".help lists the commands")
            self._commands[command](rest.strip())
            return
        for statement in self._reader.read(text, "query"):
            self._calls.call(self._results.show, statement)

    def _show_tables(self, _: str) -> None:
        for name in self._tables.names:
            print_text(name)

    def _show_schema(self, name: str) -> None:
        from gcbatch.cli.screens.rows import columns_of_table

        known = self._tables.session.names
        if name.lower() not in known:
            what = unknown("table", name, self._tables.names)
            raise JobError(f".schema: {what}", hint=".tables lists them")  # noqa: EM102, TRY003 - as long as it reads
        print_screen(columns_of_table(self._tables.table(name.lower())))

    def _show_help(self, _: str) -> None:
        print_text(HELP)

    def _words(self) -> list[str]:
        columns = {
            column
            for name in self._tables.names
            for column in self._tables.table(name).schema.names
        }
        return sorted({*self._tables.session.names, *columns, *self._commands})


def _complete(words: list[str]) -> None:
    """Let Tab complete *words*, and the arrows go through what was typed."""
    with suppress(ImportError):  # Windows has no readline
        import readline

        _set_completer(readline, words)


def _set_completer(readline: ModuleType, words: list[str]) -> None:
    def complete(begin: str, number: int) -> str | None:
        fits = [word for word in words if word.startswith(begin.lower())]
        return fits[number] if number < len(fits) else None

    readline.set_completer_delims(' \t\n()",;=<>+-*/')
    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")
