"""What workers of a run's own load first: Ctrl-C is not for them, nor the terminal.

A terminal sends Ctrl-C to all its processes. The one that runs the job ends the others
in order; they should not each tell of it. What becomes of queries, they tell that one.
"""

import logging
import signal

__all__ = ["dask_setup"]


def dask_setup(_worker: object) -> None:
    """Leave Ctrl-C alone, and log nothing; called by Dask in a worker that starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
