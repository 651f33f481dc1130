"""A process that runs a job and kills itself at a given moment, as `kill -9` would.

Arguments: the seed, the folder, the number of the cut, the turns of the quiet run.
"""

import sys
from pathlib import Path

from tests.chaos.schedule import drawn
from tests.chaos.world import run_and_die

if __name__ == "__main__":
    seed, folder, number, turns = sys.argv[1:]
    run_and_die(drawn(int(seed)), Path(folder), int(number), int(turns))
