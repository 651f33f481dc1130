"""Where errors and signals become a message and an exit code."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import typer
from typer.core import TyperGroup

from gcbatch.cli.output import say, say_error
from gcbatch.errors import GcbatchError

__all__ = ["ErrorBoundary"]

INTERRUPTED: Final = 130
TERMINATED: Final = 143

log = logging.getLogger("gcbatch")


class ErrorBoundary(TyperGroup):
    """The one place where errors become a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that *ctx* names, and exit with a code of ours if it fails.

        Whatever is no GcbatchError is a bug, and passes with its traceback.
        """
        stopped_by: list[int] = []

        def stop(number: int, frame: FrameType | None) -> None:
            # Ctrl-C's way out closes connections and keeps what is stored.
            stopped_by.append(number)
            on_ctrl_c = signal.getsignal(signal.SIGINT)
            if callable(on_ctrl_c):
                on_ctrl_c(signal.SIGINT, frame)

        before = signal.signal(signal.SIGTERM, stop)
        try:
            with _handling_ctrl_c():
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


@contextmanager
def _handling_ctrl_c() -> Iterator[None]:
    """Have a handler of Ctrl-C, also where the process ignores it.

    A shell's `&` starts processes that ignore Ctrl-C, and asyncio then puts no handler
    of its own in place: the exception of another one could strike in the middle of a
    task. So there is one, but the system delivers no Ctrl-C to it.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    if masks:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        # First, for it drops what waited.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if masks:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
