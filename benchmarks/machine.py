"""The machine and the versions of a measurement."""

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.clients import PEERS
from benchmarks.environments import NotInstalledError, versions

__all__ = ["machine", "peers"]

PACKAGES: Final = (
    "gcbatch",
    "aiohttp",
    "duckdb",
    "msgspec",
    "orjson",
    "pyarrow",
    "xlsxwriter",
)


def machine() -> Iterator[str]:
    """Yield lines about the machine and the versions."""
    system = f"{platform.system()} {platform.machine()}"
    with suppress(OSError):
        system = f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {system}"
    yield f"{os.cpu_count()} CPUs, {_cpu()}; {system}"
    yield ", ".join([f"Python {platform.python_version()}", *versions(None, PACKAGES)])
    if find_spec("pandas"):
        yield "pandas is installed, so pyarrow imports it: some 0.15 s and 40 MB a run"


def peers() -> Iterator[str]:
    """Yield the version of each peer that can be installed."""
    for peer in PEERS:
        with suppress(NotInstalledError):
            yield from versions(peer.environment, (peer.name,))


def _cpu() -> str:
    """Return the system's name of its processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "of an unknown kind"
