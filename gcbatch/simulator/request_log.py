"""The log of the requests to a simulator."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Entry", "RequestLog"]


@dataclass(slots=True)
class Entry:
    """One request and its response.

    Args:
        method: In capitals.
        path: Without the query string.
        query: The query string; empty without one.
        at: When it came, in seconds of the simulator's clock.
        request: The JSON body of a POST under /api; None without one.
        token_id: A short name of the bearer token; None without one.
        correlation_id: The id in the response's header.
        status: HTTP status of the response; 0 if there is none yet, or the
            connection was reset instead.
        request_bytes: Size of the request's body.
        response_bytes: Size of the response's body.
        faults: Kinds of the faults that applied to it.
    """

    method: str
    path: str
    query: str
    at: float
    request: Any = None
    token_id: str | None = None
    correlation_id: str = ""
    status: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    faults: tuple[str, ...] = ()


class RequestLog:
    """The entries, in the order in which the requests came.

    Args:
        max_entries: The last so many are kept; None keeps all.
    """

    def __init__(self, max_entries: int | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=max_entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, position: int) -> Entry:
        return self._entries[position]

    def add(self, entry: Entry) -> None:
        """Add a request."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()

    def requests(self, path_part: str = "") -> list[Entry]:
        """Return the entries whose path contains *path_part*."""
        return [entry for entry in self._entries if path_part in entry.path]

    @property
    def data_requests(self) -> list[Entry]:
        """The analytics queries that were answered with 200."""
        return [
            entry
            for entry in self.requests("/api/v2/analytics/")
            if entry.status == 200  # noqa: PLR2004 - OK
        ]

    @property
    def throttled(self) -> list[Entry]:
        """The requests answered with 429."""
        return [entry for entry in self._entries if entry.status == 429]  # noqa: PLR2004 - Too Many Requests
