"""Where errors and signals become a message and an exit code."""

import logging
import signal
from typing import Any, Final

import typer
from typer.core import TyperGroup

from gcbatch.cli.printing import say, say_error
from gcbatch.errors import GcbatchError

__all__ = ["Border"]

INTERRUPTED: Final = 130
TERMINATED: Final = 143

log = logging.getLogger("gcbatch")


class Border(TyperGroup):
    """The one place where errors become a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that *ctx* names, and exit with a code of ours if it fails.

        Whatever is no GcbatchError is a bug, and passes with its traceback.
        """
        stopped_by: list[int] = []

        def stop(number: int, _frame: object) -> None:
            # Ctrl-C's way out closes connections and keeps what is stored.
            stopped_by.append(number)
            if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
                raise KeyboardInterrupt  # a shell's `&` has Ctrl-C ignored
            signal.raise_signal(signal.SIGINT)

        before = signal.signal(signal.SIGTERM, stop)
        try:
            return super().invoke(ctx)
        except GcbatchError as exc:
            log.debug("%s", exc.problem, exc_info=True)
            say_error(exc)
            raise typer.Exit(exc.exit_code) from exc
        except KeyboardInterrupt:
            say("interrupted", err=True)
            if ctx.invoked_subcommand == "run":
                hint = "what was fetched is kept; run it again to go on from there"
                say(f"hint: {hint}", err=True)
            raise typer.Exit(TERMINATED if stopped_by else INTERRUPTED) from None
        finally:
            signal.signal(signal.SIGTERM, before)
