"""Azure and Google, where they differ from S3: a server that has just that."""

import json
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

from gcbatch.objects import (
    AzSettings,
    Bucket,
    Buckets,
    ChangedObjectError,
    GsSettings,
    ObjectUrl,
    StorageSettings,
)
from tests.support.ports import HOST

WRITTEN = "Mon, 02 Nov 2026 10:00:00 GMT"


class Cloud(BaseHTTPRequestHandler):
    """Objects in memory.

    As in Azure, a listing has ETags without their quotes (learn.microsoft.com/rest/api/
    storageservices/list-blobs). As in Google, a write may depend on the generation of
    an object, not on its ETag (cloud.google.com/storage/docs/xml-api/reference-headers;
    both read 2026-11-28).
    """

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    generations: dict[str, int]

    def do_PUT(self) -> None:
        """Write an object, if it is as the condition says."""
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        key, now = self._key, self._generation
        wanted = self.headers.get("x-goog-if-generation-match", str(now))
        if not self._matches or wanted != str(now):
            self._answer(412)
            return
        self.objects[key] = content
        self.generations[key] = now + 1
        self._answer(201)

    def do_HEAD(self) -> None:
        """Describe an object."""
        found = self.objects.get(self._key)
        if found is None:
            self._answer(404)
        else:
            self._answer(200, size=len(found))

    def do_GET(self) -> None:
        """Send an object, a range of it, or the list of all in Azure's form."""
        if "comp=list" in self.path:
            blobs = "".join(
                f"<Blob><Name>{key.partition('/')[2]}</Name><Properties>"
                f"<Last-Modified>{WRITTEN}</Last-Modified>"
                f"<Content-Length>{len(content)}</Content-Length><Content-Type/>"
                f"<Etag>{_etag(content)}</Etag></Properties></Blob>"
                for key, content in self.objects.items()
            )
            found = f"<EnumerationResults><Blobs>{blobs}</Blobs></EnumerationResults>"
            self._answer(200, found.encode())
            return
        content = self.objects.get(self._key)
        if content is None or not self._matches:
            self._answer(404 if content is None else 412)
            return
        wanted = self.headers.get("range")
        if wanted is None:
            self._answer(200, content)
            return
        first, last = wanted.removeprefix("bytes=").split("-")
        piece = content[int(first) : int(last) + 1]
        self._answer(206, piece, of=f"bytes {first}-{last}/{len(content)}")

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    @property
    def _generation(self) -> int:
        return self.generations.get(self._key, 0)

    @property
    def _matches(self) -> bool:
        wanted = self.headers.get("if-match")
        return wanted in (None, f'"{_etag(self.objects.get(self._key, b""))}"')

    def _answer(
        self, status: int, body: bytes = b"", *, size: int = 0, of: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("content-length", str(size or len(body)))
        self.send_header("last-modified", WRITTEN)
        if of:
            self.send_header("content-range", of)
        if self._key in self.objects:
            self.send_header("etag", f'"{_etag(self.objects[self._key])}"')
            self.send_header("x-goog-generation", str(self._generation))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _etag(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Run a cloud without objects."""
    kind = type("Own", (Cloud,), {"objects": {}, "generations": {}})
    with ThreadingHTTPServer((HOST, 0), kind) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=["az", "gs"])
def bucket(request: pytest.FixtureRequest, endpoint: str, tmp_path: Path) -> Bucket:
    """Open a bucket of each."""
    key = {"client_email": "", "private_key": "", "private_key_id": ""}
    account = tmp_path / "account.json"
    account.write_text(json.dumps({**key, "disable_oauth": True}))
    settings = StorageSettings(
        az=AzSettings("account", endpoint, account_key="a2V5"),
        gs=GsSettings(endpoint, str(account)),
    )
    url = ObjectUrl(request.param, "bucket")
    return Buckets(settings, environ={}).of(url)


def test_the_end_of_an_object_is_read(bucket: Bucket) -> None:
    """Azure has no ranges that count from the end."""
    info = bucket.put("part", b"0123456789")

    assert bucket.tail(info, 3) == b"789"
    assert bucket.tail(info, 30) == b"0123456789"


def test_an_object_is_written_over_the_one_that_is_known(bucket: Bucket) -> None:
    """Google takes the generation as condition, not the ETag."""
    first = bucket.put("note", b"1")

    second = bucket.put("note", b"2", replaces=first.etag)

    with pytest.raises(ChangedObjectError):
        bucket.put("note", b"3", replaces=first.etag)
    with pytest.raises(ChangedObjectError):
        bucket.put("other", b"3", replaces=first.etag)
    assert bucket.head("note") is not None
    assert second.etag != first.etag


@pytest.mark.parametrize("bucket", ["az"], indirect=True)
def test_a_listing_has_the_etag_of_a_write(bucket: Bucket) -> None:
    """Azure leaves its quotes out there; conditions and stamps need the same text."""
    written = bucket.put("note", b"1")

    (listed,) = bucket.list()

    assert listed.etag == written.etag
    bucket.put("note", b"2", replaces=listed.etag)
