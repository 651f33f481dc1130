"""The yardstick of a finished run: a process that imports three libraries.

python -m benchmarks.costs.libraries FOLDER
"""

import sys
from importlib import import_module
from pathlib import Path

from benchmarks.costs.counting import YARDSTICK
from benchmarks.costs.finished_run import LABEL
from benchmarks.costs.marks import Marks


def _libraries() -> None:
    for name in ("aiohttp", "msgspec", "pyarrow"):
        import_module(name)


if __name__ == "__main__":
    marks = Marks()
    marks.count(LABEL + YARDSTICK, _libraries)
    marks.write(Path(sys.argv[1]))
