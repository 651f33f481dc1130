"""Ports on which no process listens."""

import socket

__all__ = ["HOST", "free_port"]

HOST = "127.0.0.1"


def free_port(*, above: int = 0) -> int:
    """Return a port on which no process listens.

    Args:
        above: Nor does one on the port so far above it, if that is not 0.
    """
    while True:
        with socket.socket() as probe, socket.socket() as other:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
            try:
                if above:
                    other.bind((HOST, port + above))
            except (OSError, OverflowError):
                continue
            return port
