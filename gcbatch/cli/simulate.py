"""The command `simulate`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gcbatch.cli.output import print_text, say
from gcbatch.errors import JobError, OutputError

__all__ = ["simulate"]


def simulate(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes any free port.")
    ] = 0,
    calls: Annotated[
        Path | None, typer.Option(help="A call log to replay instead of the sample.")
    ] = None,
    requests_per_minute: Annotated[
        int, typer.Option(min=1, help="The quota that it enforces.")
    ] = 300,
) -> None:
    """Run a local Genesys Cloud that replays a call log, until Ctrl-C."""
    from gcbatch.simulator import call_log_tenant, sample_tenant, serve

    try:
        tenant = call_log_tenant(calls) if calls else sample_tenant()
    except OSError as exc:
        msg = f"{calls}: cannot be read: {exc.strerror or exc}"
        raise JobError(msg, hint="name an existing call log, plain or .gz") from exc
    except ValueError as exc:
        msg = f"{calls}: is not a call log: {exc}"
        raise JobError(msg, hint="see docs/simulator.md for its columns") from exc

    def ready(url: str, client_id: str, client_secret: str) -> None:
        say(f"{tenant.name} at {url}, until Ctrl-C; in a job file:")
        print_text(f"\norg:\n  api_url: {url}\n  login_url: {url}")
        print_text(
            f"  client_id: {client_id}\n  client_secret: ${{GENESYS_CLIENT_SECRET}}"
        )
        print_text(f"\nand: export GENESYS_CLIENT_SECRET={client_secret}")

    try:
        serve(tenant, port=port, on_ready=ready, requests_allowed=requests_per_minute)
    except OSError as exc:
        # asyncio's own text repeats the address.
        why = os.strerror(exc.errno) if exc.errno else exc
        msg = f"port {port}: cannot be opened: {why}"
        raise OutputError(
            msg, hint="use another port: `gcbatch simulate --port`"
        ) from exc
