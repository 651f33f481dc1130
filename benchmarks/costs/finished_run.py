"""A finished job run again, from its first import: nothing is fetched or written.

python -m benchmarks.costs.finished_run FOLDER
"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks.costs.marks import Marks

__all__ = ["LABEL"]

LABEL: Final = "finished-run"


def _run(job: Path) -> None:
    """Run the job as the command line does.

    Raises:
        RuntimeError: If the run fails.
    """
    sys.argv = ["gcbatch", "run", str(job)]
    try:
        import_module("gcbatch.cli").main()
    except SystemExit as done:
        if done.code:
            msg = f"{job}: exit {done.code}"
            raise RuntimeError(msg) from done


def main(folder: Path) -> None:
    """Finish a job in another process, which is not counted; count its second run."""
    prepare = [sys.executable, "-m", "benchmarks.costs.finished_job", str(folder)]
    subprocess.run(prepare, check=True)
    marks = Marks()
    marks.count(LABEL, lambda: _run(folder / "job.yaml"))
    marks.write(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
