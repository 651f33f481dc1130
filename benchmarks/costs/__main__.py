"""Counts what gcbatch costs, and holds it against the figures that are recorded.

python -m benchmarks.costs            # a minute; needs valgrind
python -m benchmarks.costs --record   # takes what it finds as right from now on
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.costs.counting import costs, counted
from benchmarks.costs.figures import RECORD, judged, record, recorded


def main() -> int:
    """Count and print; return 1 where a figure is not as it is recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = costs(counted("benchmarks.costs.inside", Path(folder)))
    verdicts = judged(recorded(), found)
    print(*verdicts, sep="\n")
    if args.record:
        record(found)
        return 0
    is_met = all(verdict.is_met for verdict in verdicts)
    if not is_met:
        print(f"mend what costs more, or record what is right: {RECORD}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
