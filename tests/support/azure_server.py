"""A server of Azure's blobs for tests, Azurite: Microsoft's own emulator.

It checks signatures and conditions as the service does. It has no roles, so nothing
that a role would refuse can be tested by it. One server serves all processes of a test
session; see kept_servers.
"""

import base64
import hashlib
import hmac
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from gcbatch.objects import AzSettings, Bucket, Buckets, ObjectUrl, StorageSettings
from tests.support.ports import HOST, free_port
from tests.support.started_servers import remove, start, wait_until_it_answers

__all__ = [
    "ACCOUNT",
    "KEY",
    "MISSING",
    "AzureContainer",
    "AzureServer",
    "find_azurite",
    "new_container",
]

MISSING: Final = (
    "no emulator of Azure is installed (npm install --prefix .azurite azurite@3.35.0)"
)

ACCOUNT: Final = "devstoreaccount1"

KEY: Final = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
    "KBHBeksoGMGw=="
)
"""The key of this account, which is no secret: every emulator has it
(learn.microsoft.com/azure/storage/common/storage-connect-azurite, read 2026-11-28)."""

_VERSION: Final = "2021-08-06"
"""The version of the service's protocol that the requests of this file follow."""


def find_azurite() -> Path | None:
    """Return the server's program; None if it is not installed, or Node.js is not."""
    if shutil.which("node") is None:
        return None
    checkout = Path(__file__).parents[2]
    beside = checkout / ".azurite/node_modules/.bin/azurite-blob"
    if beside.exists():
        return beside
    found = shutil.which("azurite-blob")
    return Path(found) if found else None


@dataclass
class AzureServer:
    """A server of its own, in a folder of its own.

    Args:
        folder: Holds the data and the log.
        port: Its port on 127.0.0.1.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def create(cls) -> Self:
        """Create one and start it.

        Raises:
            RuntimeError: If none is installed, or it does not start.
        """
        program = find_azurite()
        if program is None:
            raise RuntimeError(MISSING)
        server = cls(Path(tempfile.mkdtemp(prefix="gcbatch-azure-")), free_port())
        server.process = start(
            [
                *(str(program), "--silent", "--blobHost", HOST),
                *("--blobPort", str(server.port)),
                *("--location", str(server.folder / "data")),
                *("--skipApiVersionCheck", "--disableTelemetry"),
            ],
            server.folder,
        )
        try:
            server._wait()
        except BaseException:
            server.close()
            raise
        return server

    @classmethod
    def known(cls, place: dict[str, Any]) -> Self:
        """Return a server that runs, by its place."""
        return cls(Path(place["folder"]), place["port"])

    @property
    def place(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        return {"folder": str(self.folder), "port": self.port}

    @property
    def endpoint(self) -> str:
        """The address of the account."""
        return f"http://{HOST}:{self.port}/{ACCOUNT}"

    def settings(self, key: str = KEY) -> StorageSettings:
        """Return what a job would say of it.

        Args:
            key: The key of the account.
        """
        return StorageSettings(
            az=AzSettings(account=ACCOUNT, endpoint=self.endpoint, account_key=key)
        )

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None
    ) -> bytes:
        """Send a request without a body, signed here; return the answer's body.

        Args:
            method: Such as PUT.
            path: Container and blob.
            query: What stands behind the path.

        Raises:
            OSError: If the server does not answer.
            RuntimeError: If it refuses.

        Source:
            learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, read
            2026-11-28.
        """
        query = query or {}
        path = quote(f"/{ACCOUNT}/{path}")
        now = format_datetime(datetime.now(UTC), usegmt=True)
        headers = {"x-ms-date": now, "x-ms-version": _VERSION}
        own = "\n".join(f"{name}:{value}" for name, value in headers.items())
        named = "".join(f"\n{name}:{query[name]}" for name in sorted(query))
        # The account stands in the path too; eleven standard headers are not sent.
        unsent = "\n" * 12
        text = f"{method}{unsent}{own}\n/{ACCOUNT}{path}{named}"
        signed = hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)
        shown = base64.b64encode(signed).decode()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{shown}"
        asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        connection = HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, f"{path}?{asked}", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            msg = f"{method} {path}: {answer.status} {body[:500]!r}"
            raise RuntimeError(msg)
        return body

    def _wait(self) -> None:
        """Wait until it takes requests.

        Raises:
            RuntimeError: If it ends, or does not for a minute.
        """
        assert self.process is not None
        probe = partial(self.request, "GET", "", {"comp": "list"})
        wait_until_it_answers(self.process, self.folder, probe, OSError)

    def close(self) -> None:
        """Stop it and remove its folder."""
        remove(self.process, self.folder)


@dataclass(frozen=True)
class AzureContainer:
    """A container of one test, on the session's server."""

    server: AzureServer
    name: str

    @property
    def url(self) -> ObjectUrl:
        """Its address."""
        return ObjectUrl("az", self.name)

    def open(self, **options: Any) -> Bucket:
        """Return access to it."""
        return Buckets(self.server.settings(), environ={}, **options).of(self.url)

    def read(self, key: str) -> bytes:
        """Return the content of a blob, by a request that is signed here."""
        return self.server.request("GET", f"{self.name}/{key}")

    def keys(self) -> list[str]:
        """Return the keys of all its blobs."""
        return [found.key for found in self.open().list()]


@contextmanager
def new_container(server: AzureServer) -> Iterator[AzureContainer]:
    """Create a container on a server."""
    container = AzureContainer(server, f"t-{secrets.token_hex(6)}")
    server.request("PUT", container.name, {"restype": "container"})
    yield container
