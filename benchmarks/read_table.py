"""Reads a table of a job to its end, as an export does, and leaves its rows.

python -m benchmarks.read_table JOB TABLE
"""

import sys

import gcbatch


def main() -> None:
    """Read what the command line says."""
    path, name = sys.argv[1:]
    for _ in gcbatch.export_job(gcbatch.load_job(path)).tables[name]:
        pass


if __name__ == "__main__":
    main()
