"""Loaded first by workers that a run starts: they ignore Ctrl-C and log nothing.

A terminal sends Ctrl-C to all its processes. The process of the job stops its workers
in order; they must not each react, and report results to that process only.
"""

import logging
import signal

__all__ = ["dask_setup"]


def dask_setup(_worker: object) -> None:
    """Ignore Ctrl-C and log nothing; Dask calls this when a worker starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
