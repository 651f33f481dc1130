"""A REST catalog of Iceberg tables on 127.0.0.1, over a catalog in SQLite.

It has the routes that a load needs. A fault is asked for by the next commit: it is
answered by an error, before or after it has landed.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.table import CommitTableRequest, Table

__all__ = ["TOKEN", "Fault", "RestServer", "opened_server"]

TOKEN = "simulated-token"
"""The only token that the server takes."""

STATUS: dict[type[Exception], int] = {
    CommitFailedException: 409,
    TableAlreadyExistsError: 409,
    NoSuchTableError: 404,
    NoSuchNamespaceError: 404,
}


@dataclass(frozen=True)
class Fault:
    """How a commit is answered.

    Args:
        status: The status; 0 closes the connection without an answer.
        lands: Whether the commit is done all the same.
    """

    status: int
    lands: bool = False


@dataclass
class RestServer:
    """What the server has.

    Args:
        folder: For its catalog and tables.

    Attributes:
        uri: Its address.
        faults: Faults of the next commits.
        commits: Commits that were asked for.
    """

    folder: Path
    uri: str = ""
    faults: list[Fault] = field(default_factory=list)
    commits: int = 0

    def __post_init__(self) -> None:
        self.catalog = SqlCatalog(
            "default",
            uri=f"sqlite:///{self.folder / 'catalog.db'}",
            warehouse=str(self.folder / "warehouse"),
        )


@contextmanager
def opened_server(folder: Path) -> Iterator[RestServer]:
    """Run a server until the end of the block."""
    state = RestServer(folder)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    http.daemon_threads = True
    state.uri = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
        state.catalog.close()


def _handler(  # noqa: C901 - the methods of a class
    state: RestServer,
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: object) -> None: ...

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size).decode()
            path = self.path.partition("?")[0].split("/")[2:]
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, _error(401, "unauthorised"))
                return
            try:
                found = self._routed(path, body)
            except tuple(STATUS) as exc:
                status = STATUS[type(exc)]
                self._send(status, _error(status, str(exc)))
                return
            if isinstance(found, Fault):
                if found.status:
                    self._send(found.status, _error(found.status, "simulated"))
                return  # without an answer the connection is closed
            self._send(200, found)

        def _routed(self, path: list[str], body: str) -> Any:
            catalog = state.catalog
            if path == ["config"]:
                return {"defaults": {}, "overrides": {}}
            if path == ["namespaces"]:
                catalog.create_namespace(tuple(json.loads(body)["namespace"]))
                return json.loads(body)
            namespace = path[1]
            if len(path) == 2:
                properties = catalog.load_namespace_properties(namespace)
                return {"namespace": [namespace], "properties": properties}
            if self.command == "GET":
                return _described(catalog.load_table((namespace, path[3])))
            if len(path) == 3:
                optional = dict.fromkeys(("location", "partition-spec", "write-order"))
                given = {**optional, **json.loads(body)}
                wanted = CreateTableRequest.model_validate(given)
                made = catalog.create_table(
                    (namespace, wanted.name),
                    wanted.table_schema,
                    partition_spec=wanted.partition_spec or PartitionSpec(),
                    properties=wanted.properties,
                )
                return _described(made)
            return self._committed((namespace, path[3]), body)

        def _committed(self, name: tuple[str, str], body: str) -> Any:
            state.commits += 1
            fault = state.faults.pop(0) if state.faults else None
            if fault is not None and not fault.lands:
                return fault
            asked = CommitTableRequest.model_validate_json(body)
            there = state.catalog.load_table(name)
            done = state.catalog.commit_table(there, asked.requirements, asked.updates)
            return fault or json.loads(done.model_dump_json(by_alias=True))

        def _send(self, status: int, content: Any) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _described(table: Table) -> dict[str, Any]:
    return {
        "metadata-location": table.metadata_location,
        "metadata": json.loads(table.metadata.model_dump_json()),
        "config": {},
    }


def _error(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "Simulated", "code": status}}
