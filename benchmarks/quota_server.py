"""The simulator with its sample and a quota, in a separate process.

`python -m benchmarks.quota_server ALLOWED WINDOW_S` serves until it is stopped. Once it
listens it prints a line: its URL, the client's id and secret.
"""

import sys

from benchmarks.counted import CountedSimulator, run
from gcbatch.simulator import sample_tenant


def main() -> None:
    """Serve until interrupted."""
    allowed, window_s = map(int, sys.argv[1:])
    run(
        CountedSimulator(
            sample_tenant(), requests_allowed=allowed, window_s=float(window_s)
        )
    )


if __name__ == "__main__":
    main()
