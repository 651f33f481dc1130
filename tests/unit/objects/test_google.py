"""A conditional write to Google's storage: its condition is a generation."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gcbatch.objects import (
    ABSENT,
    Bucket,
    Buckets,
    ChangedObjectError,
    GsSettings,
    ObjectUrl,
    StorageSettings,
)


class OneObject(BaseHTTPRequestHandler):
    """Answers as Google's XML API does, for the one object of its server."""

    def do_HEAD(self) -> None:
        self._answer(200 if self._generation else 404)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        wanted = self.headers["x-goog-if-generation-match"]
        if wanted is not None and int(wanted) != self._generation:
            self._answer(412)
            return
        setattr(self.server, "generation", self._generation + 1)  # noqa: B010 - no field of it
        self._answer(200)

    @property
    def _generation(self) -> int:
        return int(getattr(self.server, "generation", 0))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("ETag", f'"etag-{self._generation}"')
        self.send_header("x-goog-generation", str(self._generation))
        self.send_header("Last-Modified", "Sat, 28 Nov 2026 08:00:00 GMT")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """Open a bucket of such a server, which wants no token."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), OneObject)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    account = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": ""}
    account |= {"private_key": "", "private_key_id": ""}
    (tmp_path / "account.json").write_text(json.dumps(account), "utf-8")
    storage = StorageSettings(gs=GsSettings(endpoint, str(tmp_path / "account.json")))
    yield Buckets(storage, environ={}).of(ObjectUrl("gs", "bucket"))
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_changed_is_not_replaced(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What did not, is."""
    monkeypatch.setattr(bucket, "get", lambda _: None)
    first = bucket.put("note", b"1", replaces=ABSENT)
    second = bucket.put("note", b"2", replaces=first.etag)

    assert second.etag != first.etag
    with pytest.raises(ChangedObjectError):
        bucket.put("note", b"3", replaces=first.etag)
    with pytest.raises(ChangedObjectError):
        bucket.put("note", b"3", replaces=ABSENT)
