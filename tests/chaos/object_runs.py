"""Runs whose outputs, and perhaps whose store, are in an object store."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from gcbatch import Job, run
from gcbatch.errors import GcbatchError
from gcbatch.job.storage import StorageSection
from gcbatch.objects import Buckets
from tests.chaos.object_faults import QUICK
from tests.conftest import Workspace
from tests.support.s3_server import S3Bucket

__all__ = ["EARLIER", "NOW", "ObjectRuns", "files_of"]

NOW: Final = {"from": "1999-08-02", "to": "1999-08-05"}
EARLIER: Final = {"from": "1999-08-01", "to": "1999-08-04"}
"""Days of an earlier version of the job: one partition is obsolete since."""

DOCUMENTED: Final = range(2, 7)
KINDS: Final = ("csv", "json", "parquet")

Files = dict[str, bytes]
"""Contents, by their place below that of the outputs."""


class QuickStorage(StorageSection):
    """A section `storage:` whose requests are repeated after short pauses."""

    def buckets(self) -> Buckets:
        return Buckets(self.settings(), retries=QUICK)


@dataclass(frozen=True)
class ObjectRuns:
    """Runs of one job.

    Args:
        workspace: The service, and the folder of the job file.
        place: The folder or URL of the outputs.
        store: That of the store.
        storage: The section `storage:`.
    """

    workspace: Workspace
    place: str
    store: str
    storage: Any = None

    @classmethod
    def in_bucket(
        cls, workspace: Workspace, bucket: S3Bucket, *, endpoint: str, store: str = ""
    ) -> "ObjectRuns":
        """Return runs into a bucket.

        Args:
            workspace: The service.
            bucket: Its keys begin with `out/` for outputs and `store/` for the store.
            endpoint: The address by which runs reach it.
            store: The folder of a store on a disk; in the bucket too if empty.
        """
        settings = bucket.server.settings(endpoint=endpoint).s3
        storage = {
            "endpoint": endpoint,
            "region": settings.region,
            "access_key_id": "${S3_KEY}",
            "secret_access_key": "${S3_SECRET}",
        }
        workspace.environ |= {
            "S3_KEY": settings.access_key_id or "",
            "S3_SECRET": settings.secret_access_key or "",
        }
        store = store or f"{bucket.url}/store"
        return cls(workspace, f"{bucket.url}/out", store, {"s3": storage})

    def direct(self, bucket: S3Bucket) -> "ObjectRuns":
        """Return the same runs without anything in between."""
        section = {**self.storage["s3"], "endpoint": bucket.server.endpoint}
        return replace(self, storage={"s3": section})

    def job(self, days: dict[str, str]) -> Job:
        """Write the job file and load it."""
        whole = [
            {
                "exporter": kind,
                "table": "intervals",
                "path": f"{self.place}/intervals.{kind}",
            }
            for kind in KINDS
        ]
        parts = {
            "exporter": "parquet",
            "table": "intervals",
            "path": f"{self.place}/days",
            "partition_by": ["day"],
        }
        sections: dict[str, Any] = {"storage": self.storage} if self.storage else {}
        job = self.workspace.job(
            query={"granularity": "PT1H", **days},
            fetch={"store": self.store},
            exports=[*whole, parts],
            **sections,
        )
        quick = QuickStorage(**dict(job.storage))
        return job.model_copy(update={"storage": quick})

    def run(self, days: dict[str, str]) -> str:
        """Run the job once; return how it ended."""
        try:
            run(self.job(days))
        except GcbatchError as exc:
            return self._exit_of(exc)
        return "complete"

    def _exit_of(self, error: GcbatchError) -> str:
        """Return the exit that an error is, after a look at its words."""
        said = f"{error.problem} {error.hint}"
        assert error.exit_code in DOCUMENTED, said
        environ = self.workspace.environ
        secrets = [value for name, value in environ.items() if "SECRET" in name]
        assert not any(secret in said for secret in secrets), said
        return f"exit {error.exit_code}"


def files_of(place: S3Bucket | Path) -> Files:
    """Return the outputs in a bucket, or in a folder."""
    if isinstance(place, Path):
        found = (path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}
    bucket, files = place.open(), {}
    for info in bucket.list("out"):
        content = bucket.get(info.key)
        assert content is not None
        files[info.key.removeprefix("out/")] = content[0]
    return files
