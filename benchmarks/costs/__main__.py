"""Counts what gcbatch costs, and compares it with the recorded figures.

python -m benchmarks.costs            # a minute; needs valgrind
python -m benchmarks.costs --record   # records the counts as the new reference
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.costs.counting import costs, counted_all
from benchmarks.costs.figures import RECORD, judged, record, recorded


def main() -> int:
    """Count and print; return 1 if a figure is not the recorded one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = costs(counted_all(Path(folder)))
    verdicts = judged(recorded(), found)
    print(*verdicts, sep="\n")
    if args.record:
        record(found)
        return 0
    is_met = all(verdict.is_met for verdict in verdicts)
    if not is_met:
        print(f"fix what costs more, or record the new figures: {RECORD}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
