"""A page decoded once, and the same page decoded twice, each by one yardstick.

python -m tests.support.counted_twice FOLDER
"""

import json
import sys
from pathlib import Path

import orjson

from benchmarks.costs.marks import Marks

PAGE = json.dumps([{"metric": "tHandle", "stats": {"sum": n}} for n in range(500)])
TIMES = 20


def once() -> None:
    orjson.loads(PAGE)


def twice() -> None:
    once()
    once()


def yardstick() -> None:
    json.dumps(list(range(500)))


if __name__ == "__main__":
    for work in (once, twice, yardstick):
        work()
    marks = Marks()
    marks.compare("once", once, yardstick, TIMES)
    marks.compare("twice", twice, yardstick, TIMES)
    marks.write(Path(sys.argv[1]))
