"""A service that ignores conditions of writes, in front of the real S3 server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gcbatch.objects import StorageSettings
from tests.support.ports import HOST
from tests.support.s3_server import ADMIN, S3Server

__all__ = ["REFUSAL", "forgetful_s3"]

CONDITION: Final = "if-none-match"

REFUSAL: Final = b"<Error><Code>NotImplemented</Code></Error>"
"""What a service without conditions says that refuses them."""

_SIGNED_ANEW: Final = {
    "authorization", "connection", "content-length", "host", CONDITION,
    "x-amz-content-sha256", "x-amz-date",
}  # fmt: skip


@contextmanager
def forgetful_s3(server: S3Server, *, refuses: bool) -> Iterator[StorageSettings]:
    """Run it, in a process of its own; give what a job would say of it.

    Args:
        server: Keeps the objects.
        refuses: Whether a write with a condition is an error; otherwise it is done.
    """
    with subprocess.Popen(  # noqa: S603 - a command of ours
        [sys.executable, "-m", __name__, json.dumps(server.place), str(int(refuses))],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            settings = server.settings()
            endpoint = f"http://{HOST}:{port}"
            yield replace(settings, s3=replace(settings.s3, endpoint=endpoint))
        finally:
            process.kill()


def _serve(server: S3Server, *, refuses: bool) -> None:
    keys = Credentials(ADMIN, server.keys[ADMIN])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if refuses and CONDITION in self.headers:
                self._answer(501, {}, REFUSAL)
                return
            kept = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _SIGNED_ANEW
            }
            url = f"{server.endpoint}{self.path}"
            request = AWSRequest(self.command, url, headers=kept, data=body)
            S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
            there = HTTPConnection(HOST, server.port)
            there.request(self.command, self.path, body, dict(request.headers))
            answer = there.getresponse()
            self._answer(answer.status, dict(answer.headers), answer.read())
            there.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            length = str(len(body))
            for name, value in headers.items():
                if name.lower() == "content-length" and self.command == "HEAD":
                    length = value
                elif name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(body)

    proxy = ThreadingHTTPServer((HOST, 0), Handler)
    sys.stdout.write(f"{proxy.server_port}\n")
    sys.stdout.flush()
    proxy.serve_forever()


if __name__ == "__main__":
    _serve(S3Server.known(json.loads(sys.argv[1])), refuses=sys.argv[2] == "1")
