"""A new endpoint, table, rule or exporter is one new file, and no other is touched."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from gcbatch.job.query import FIXED_ENDPOINTS
from gcbatch.registry import ENDPOINTS, load_member, module_names

ROOT = Path(__file__).parents[2]
TOYS = ROOT / "tests" / "support" / "toys"
QUEUE = "11111111-2222-4333-8444-555555555555"
PLACES = {
    "endpoint": "gcbatch/endpoints/fixed/toy.py",
    "table": "gcbatch/tables/aggregates/toy_peaks.py",
    "exporter": "toy_exporter.py",
}
"""Where each toy goes, as docs/architecture.md says."""

ROWS = {
    "gcbatch/genesys/retry_rules.py": (
        "RETRY_RULES: Final = (\n",
        "    RetryRule((418,)),\n",
    ),
    "gcbatch/genesys/entities/people.py": (
        "PEOPLE: Final = (\n",
        '    EntityKind("toy_skills", "skill", ("/api/v2/toy",), columns="level"),\n',
    ),
}
"""By file, the line that begins a tuple, and the row that is added behind it."""


class ToyService:
    """Grants tokens, lists one queue, and is a teapot at first."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.app = web.Application()
        self.app.router.add_post("/oauth/token", self.token)
        self.app.router.add_get("/api/v2/routing/queues", self.queues)
        self.app.router.add_post("/api/v2/toy", self.toy)
        self.app.router.add_get("/api/v2/toy", self.skills)

    async def token(self, _: web.Request) -> web.Response:
        return web.json_response({"access_token": "toy", "expires_in": 3600})

    async def queues(self, _: web.Request) -> web.Response:
        entity = {"id": QUEUE, "name": "Support"}
        return web.json_response({"entities": [entity], "pageCount": 1, "total": 1})

    async def skills(self, _: web.Request) -> web.Response:
        entity = {"id": QUEUE, "name": "Spanish", "level": "B2"}
        return web.json_response({"entities": [entity], "pageCount": 1, "total": 1})

    async def toy(self, request: web.Request) -> web.Response:
        status = 200 if self.asked else 418
        self.asked.append(status)
        if status != 200:
            return web.json_response({"message": "brewing"}, status=status)
        day = (await request.json())["from"][:10]
        buckets = [
            {
                "start": f"{day}T{hour:02}:00:00Z",
                "end": f"{day}T{hour + 1:02}:00:00Z",
                "queue": QUEUE,
                "decibels": 40 + hour,
            }
            for hour in (8, 9)
        ]
        return web.json_response(buckets)


@pytest.fixture
async def service() -> AsyncIterator[tuple[ToyService, str]]:
    """A toy service, and its address."""
    toy = ToyService()
    runner = web.AppRunner(toy.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield toy, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package with the toys in their places."""
    shutil.copytree(
        ROOT / "gcbatch",
        tmp_path / "gcbatch",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for toy, place in PLACES.items():
        assert not (tmp_path / place).exists()
        shutil.copy(TOYS / f"{toy}.py", tmp_path / place)
    for place, (start, row) in ROWS.items():
        code = (tmp_path / place).read_text("utf-8")
        assert code.count(start) == 1
        (tmp_path / place).write_text(code.replace(start, start + row), "utf-8")
    return tmp_path


async def gcbatch(copy: Path, *arguments: str) -> tuple[int | None, str]:
    """Run a command in the copy; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gcbatch",
        *arguments,
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "TOY_SECRET": "s3cret"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.slow
async def test_a_toy_of_each_takes_one_file_or_row(
    service: tuple[ToyService, str], copy: Path
) -> None:
    """A job asks the endpoint, waits by the rule, lists the entity, exports both."""
    toy, url = service
    export = {"exporter": "toy_exporter:LinesExporter", "table": "toy_peaks"}
    job = {
        "name": "toys",
        "org": {
            "api_url": url,
            "login_url": url,
            "client_id": "toys",
            "client_secret": "${TOY_SECRET}",
        },
        "query": {
            "endpoint": "toy",
            "from": "2026-03-02",
            "to": "2026-03-04",
            "granularity": "PT1H",
        },
        "fetch": {"chunk": "P1D", "concurrency": 1},
        "exports": [
            {**export, "path": "peaks.txt"},
            {"exporter": "csv", "table": "toy_skills", "path": "skills.csv"},
        ],
    }
    (copy / "job.yaml").write_text(json.dumps(job), "utf-8")

    code, said = await gcbatch(copy, "run", "job.yaml")

    assert code == 0, said
    assert toy.asked == [418, 200, 200]
    assert (copy / "peaks.txt").read_text("utf-8").splitlines() == [
        "2026-03-02 09:00:00+00:00 49",
        "2026-03-03 09:00:00+00:00 49",
    ]
    header, skill = (copy / "skills.csv").read_text("utf-8").splitlines()
    columns = dict(zip(header.split(","), skill.split(","), strict=True))
    assert columns["skill_name"] == "Spanish"
    assert columns["level"] == "B2"


async def test_a_missing_exporter_is_a_problem_of_the_job(copy: Path) -> None:
    """It is reported with its line, before any request."""
    (copy / "job.yaml").write_text(
        "name: toys\norg: {simulator: true}\n"
        "query: {endpoint: toy, from: 2026-03-02, to: 2026-03-04}\n"
        "exports:\n  - {exporter: 'nowhere:Lines', table: intervals, path: x}\n",
        "utf-8",
    )

    code, said = await gcbatch(copy, "run", "job.yaml")

    assert code == 2
    assert "job.yaml:5: exports[0].exporter" in said
    assert "No module named 'nowhere'" in said
    assert "PYTHONPATH" in said


@pytest.mark.parametrize(
    "place", [*(place for place in PLACES.values() if "/" in place), *ROWS]
)
def test_the_design_says_where_each_goes(place: str) -> None:
    """A reader of docs/architecture.md finds the place in its table."""
    design = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = design.partition("## Where a new thing goes")[2].partition("\n## ")[0]

    assert place.removeprefix("gcbatch/").rpartition("/")[0] in section


@pytest.mark.parametrize("name", FIXED_ENDPOINTS)
def test_endpoints_are_called_as_their_files_are(name: str) -> None:
    """The name in job files, the file's and the endpoint's own are one."""
    assert load_member(ENDPOINTS, name.replace("-", "_"), "ENDPOINT").name == name


def test_a_folders_own_file_is_not_a_member() -> None:
    """`__init__.py` of a registry folder is not one of its members."""
    assert module_names(ENDPOINTS) == ("interval_report", "queue_summary")
