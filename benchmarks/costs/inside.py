"""The program whose instructions are counted.

python -m benchmarks.costs.inside FOLDER
"""

import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final, cast

from benchmarks.costs.marks import Marks

TIMES: Final = 3
"""Number of counted runs of a workload, after one to warm up."""


def _libraries() -> None:
    """Import the libraries of the command line."""
    import_module("typer.rich_utils")


def _start_up() -> None:
    """Import the command line, and print its help."""
    with suppress(SystemExit):
        import_module("gcbatch.cli").app(["--help"])


def main(folder: Path) -> None:
    """Count all workloads; start-up first, and once."""
    marks = Marks()
    marks.compare("start-up", _start_up, _libraries, 1)
    # If it is not installed, pyarrow looks for it again for each value.
    sys.modules["dateutil"] = cast("ModuleType", None)
    for workload in import_module("benchmarks.costs.workloads").workloads(folder):
        workload.work()
        workload.yardstick()
        marks.compare(workload.name, workload.work, workload.yardstick, TIMES)
    marks.write(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
