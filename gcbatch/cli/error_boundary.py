"""Turns errors and signals into a message and an exit code."""

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
    """The only place where errors become a message and an exit code."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is named; a job file is none."""
        if args and args[0].lower().endswith((".yaml", ".yml")):
            ctx.fail(f"No command before {args[0]!r}. Try 'gcbatch run {args[0]}'.")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command of *ctx*, and exit with one of our codes if it fails.

        Any error that is not a GcbatchError is a bug, and keeps its traceback.
        """
        stopped_by: list[int] = []

        def stop(number: int, frame: FrameType | None) -> None:
            # As after Ctrl-C, connections are closed and stored parts stay.
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
                hint = (
                    "`gcbatch run JOB` continues from there; what was fetched is stored"
                )
                say(f"hint: {hint}", err=True)
            raise typer.Exit(TERMINATED if stopped_by else INTERRUPTED) from None
        finally:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _handling_ctrl_c() -> Iterator[None]:
    """Install a handler of Ctrl-C, also if the process ignores it.

    A shell's `&` starts processes that ignore Ctrl-C, and asyncio then installs no
    handler of its own: the exception of another handler could be raised in the middle
    of a task. So this installs one, and blocks Ctrl-C itself.
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
        # First, because this drops a signal that waits.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if masks:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
