"""Workers on machines of their own, as far as their network goes; one is cut off.

Each is in a network namespace, joined with this one by a cable that can be pulled.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support import cluster_forward
from tests.support.cluster_world import (
    HOURS,
    PartWatch,
    Run,
    aggregates_sections,
    job_file,
    refused_count,
    running_cluster,
    token_count,
    until,
)
from tests.support.ports import free_port
from tests.support.requirements import require

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

pytestmark = pytest.mark.cluster

REQUIRED = "GCBATCH_REQUIRE_NAMESPACES"
HOME = "10.213.77.1"
"""Of this side, where the scheduler listens."""

CUT_S = 10.0


def ip(*arguments: str) -> None:
    """Have the network changed; this only works for root."""
    found = shutil.which("ip") or "/usr/sbin/ip"
    subprocess.run([found, *arguments], check=True, capture_output=True)  # noqa: S603 - of iproute2


@dataclass
class Machine:
    """A network namespace, joined with ours by a cable.

    Args:
        number: Its number; 1 or 2.
        home: Our end of the cable.
    """

    number: int
    home: str
    _stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.name = f"gcb{os.getpid()}n{self.number}"
        self._near, self._far = f"gb{os.getpid()}{self.number}", "eth0"

    @property
    def inside(self) -> tuple[str, ...]:
        """Begins a command that is to run there."""
        return (shutil.which("ip") or "/usr/sbin/ip", "netns", "exec", self.name)

    def build(self) -> None:
        """Make it."""
        ip("netns", "add", self.name)
        self._stack.callback(ip, "netns", "del", self.name)
        there = ("-n", self.name)
        peer = ("peer", "name", self._far, "netns", self.name)
        ip("link", "add", self._near, "type", "veth", *peer)
        ip("addr", "add", f"{self.home}/30", "dev", self._near)
        ip("link", "set", self._near, "up")
        far = self.home[:-1] + str(int(self.home[-1]) + 1)
        ip(*there, "addr", "add", f"{far}/30", "dev", self._far)
        ip(*there, "link", "set", self._far, "up")
        ip(*there, "link", "set", "lo", "up")
        ip(*there, "route", "add", "default", "via", self.home)

    def forward(self, port: int, through: int) -> None:
        """Stand in there for what listens on a port of our loopback."""
        for inside, ends in (
            ((), (self.home, through, "127.0.0.1", port)),
            (self.inside, ("127.0.0.1", port, self.home, through)),
        ):
            command = [*inside, sys.executable, cluster_forward.__file__]
            process = subprocess.Popen([*command, *map(str, ends)])  # noqa: S603 - our own
            self._stack.callback(process.wait)
            self._stack.callback(process.kill)

    def cut(self) -> None:
        """Pull the cable."""
        ip("link", "set", self._near, "down")

    def join(self) -> None:
        """Put it back."""
        ip("link", "set", self._near, "up")

    def close(self) -> None:
        """Unmake it."""
        self._stack.close()


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    """Build two."""
    with ExitStack() as stack:
        made = [Machine(1, HOME), Machine(2, "10.213.77.5")]
        try:
            for machine in made:
                stack.callback(machine.close)
                machine.build()
        except (OSError, subprocess.CalledProcessError) as exc:
            reported = getattr(exc, "stderr", b"") or str(exc).encode()
            require(REQUIRED, f"no network namespaces: {reported.decode().strip()}")
        yield made


def test_a_worker_is_cut_off_for_ten_seconds(
    workspace_of: "WorkspaceOf", machines: list[Machine], tmp_path: Path
) -> None:
    """It loses the scheduler, the coordinator and the service, and comes back."""
    workspace = workspace_of(requests_allowed=60, window_s=6.0)
    port = urlsplit(workspace.simulator.url).port or 0
    job = job_file(workspace, "job", aggregates_sections())
    with running_cluster(tmp_path, host=HOME) as cluster, PartWatch(workspace) as watch:
        for machine in machines:
            machine.forward(port, free_port())
            cluster.start_worker(machine.name, inside=machine.inside)
        run = Run(
            workspace, job, "--scheduler", cluster.address, environ=cluster.environ
        )
        until(lambda: len(workspace.parts) >= 50)

        machines[1].cut()
        time.sleep(CUT_S)
        meanwhile = len(workspace.parts)
        machines[1].join()
        run.end()

    assert 50 < meanwhile < HOURS, "the other worker went on, and left some"
    assert len(workspace.parts) == HOURS
    assert watch.rewritten() == []
    assert refused_count(workspace) <= 2
    assert token_count(workspace) == 1
    spread = workspace.outputs("job")
    shutil.rmtree(workspace.folder / "store")
    Run(workspace, job).end()
    assert workspace.outputs("job") == spread
