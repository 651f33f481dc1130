"""The types of the public names, seen by a program's own type checker."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.pages import ROOT, blocks
from tests.support.requirements import require

PYRIGHT: Final = ROOT / ".pyright" / "node_modules" / ".bin" / "pyright"
STUBS: Final = ROOT / ".pyright" / "stubs"
"""The types of pyarrow; .ci/run installs both."""

OWN: Final = {"asyncio", "datetime", "gcbatch"}
"""What programs import that are checked: the types of other libraries are theirs."""

PROGRAMS: Final = [
    block
    for block in blocks("python")
    if block.page in ("README.md", "docs/python.md")
    if set(re.findall(r"^(?:import|from) (\w+)", block.text, re.MULTILINE)) <= OWN
]


@pytest.mark.slow
def test_programs_of_the_pages_pass_strict_checks(tmp_path: Path) -> None:
    """Nothing that they use is unknown or of another type; a wrong use is found."""
    if not PYRIGHT.exists():
        require("GCBATCH_REQUIRE_PYRIGHT", "pyright is no tool of Python")
    for number, program in enumerate(PROGRAMS):
        (tmp_path / f"program_{number}.py").write_text(program.text, "utf-8")
    wrong = "import gcbatch\n\ngcbatch.run(5)\n"
    (tmp_path / "wrong.py").write_text(wrong, "utf-8")
    settings = {
        "typeCheckingMode": "strict",
        "include": ["."],
        "extraPaths": [str(STUBS)],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")

    done = subprocess.run(  # noqa: S603 - our own pages
        [PYRIGHT, "-p", tmp_path, "--pythonpath", sys.executable, "--outputjson"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]

    assert len(PROGRAMS) >= 5
    assert {Path(one["file"]).name for one in found} == {"wrong.py"}, found
    assert "reportArgumentType" in {one["rule"] for one in found}
