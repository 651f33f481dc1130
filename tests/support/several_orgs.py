"""Several simulated orgs, and jobs that fetch all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from gcbatch import Job, RunReport, load_job, run
from gcbatch.simulator import Call, Entry, Queue, Tenant

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

DAYS = 3
NAMES = ("north", "south", "west")


def some_id(number: int) -> str:
    return str(UUID(int=number + (4 << 76) + (8 << 60)))


SUPPORT = {name: some_id(10 * n) for n, name in enumerate(NAMES, start=1)}
SALES = {name: some_id(10 * n + 1) for n, name in enumerate(NAMES, start=1)}


def tenant(name: str) -> Tenant:
    """Return an org with the queues Support and Sales, and calls on three days.

    Each day Support has a call an hour from 9 to 11 and Sales one at 9, all answered
    after 10 s; in west after 100 s.
    """
    wait = timedelta(seconds=100 if name == "west" else 10)
    first = datetime(2026, 3, 2, tzinfo=UTC)
    offered = [
        (queue, first + timedelta(days=day, hours=hour, minutes=5))
        for day in range(DAYS)
        for queue, hours in ((SUPPORT[name], (9, 10, 11)), (SALES[name], (9,)))
        for hour in hours
    ]
    return Tenant(
        name=name,
        version="1",
        queues=(
            Queue(id=SUPPORT[name], name="Support"),
            Queue(id=SALES[name], name="Sales"),
        ),
        calls=tuple(
            Call(
                queue_id=queue,
                offered=at,
                answered=at + wait,
                ended=at + wait + timedelta(seconds=60),
            )
            for queue, at in offered
        ),
    )


@dataclass
class Orgs:
    """The workspaces of several orgs; jobs run in the folder of the first one.

    Args:
        workspaces: The workspace of each org.
    """

    workspaces: Mapping[str, "Workspace"]
    environ: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environ = {
            f"{name.upper()}_SECRET": workspace.simulator.client_secret
            for name, workspace in self.workspaces.items()
        }

    @property
    def folder(self) -> Path:
        return next(iter(self.workspaces.values())).folder

    def sections(self, **own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the section `orgs`, with keys of an org's own."""
        return {
            name: {
                "api_url": workspace.simulator.url,
                "login_url": workspace.simulator.url,
                "client_id": workspace.simulator.client_id,
                "client_secret": f"${{{name.upper()}_SECRET}}",
                **own.get(name, {}),
            }
            for name, workspace in self.workspaces.items()
        }

    def write(
        self, name: str = "job", own: Mapping[str, Any] | None = None, **sections: Any
    ) -> Path:
        """Write a job file of all orgs."""
        query = {
            "from": "2026-03-02",
            "to": "2026-03-05",
            "timezone": "UTC",
            **sections.pop("query", {}),
        }
        sections = {"orgs": self.sections(**(own or {})), **sections}
        first = next(iter(self.workspaces.values()))
        return first.write(name, org=None, query=query, **sections)

    def job(self, name: str = "job", **sections: Any) -> Job:
        return load_job(self.write(name, **sections), environ=self.environ)

    def run(self, name: str = "job", **sections: Any) -> RunReport:
        return run(self.job(name, **sections))

    def requests(self, part: str = "/api/") -> dict[str, list[Entry]]:
        """Return the requests to each org."""
        return {n: w.simulator.requests(part) for n, w in self.workspaces.items()}

    def forget(self) -> None:
        """Forget the requests so far."""
        for workspace in self.workspaces.values():
            workspace.simulator.request_log.clear()

    def parts(self, org: str, name: str = "job") -> list[Path]:
        return sorted((self.folder / "store" / f"{name}@{org}").glob("parts/*.parquet"))


def orgs_of(workspace_of: "WorkspaceOf", *names: str, **options: Any) -> Orgs:
    """Start an org for each name, or for all of NAMES."""
    return Orgs(
        {name: workspace_of(tenant(name), **options) for name in names or NAMES}
    )


def damage_rows(part: Path) -> None:
    """Damage a part where only reading its rows shows it."""
    content = bytearray(part.read_bytes())
    content[200] ^= 0xFF
    part.write_bytes(content)
