"""What a peer fetches, from its command line and its environment.

Every peer is called in the same way:

    python -m benchmarks.peers.NAME URL WORK START END PATH

WORK is `details` (conversations that begin from START to END) or `aggregates` (one
request for each day); START and END are dates, END is the first after the range.
PATH is where the rows go. The client's id and secret are in BENCH_ID and BENCH_SECRET.
"""

import base64
import os
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

__all__ = ["METRICS", "PAGE", "Asked"]

METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
PAGE: Final = 100
"""Maximum conversations of a page of the service."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to fetch from where.

    Args:
        url: The address of the service, which is its login too.
        work: `details` or `aggregates`.
        start: First day, in UTC.
        end: First day after the range.
        path: Where the rows go.
        client_id: The client id of the OAuth client.
        secret: The secret of the OAuth client.
    """

    url: str
    work: str
    start: date
    end: date
    path: Path
    client_id: str
    secret: str = field(repr=False)

    @classmethod
    def here(cls) -> "Asked":
        """Read the command line and the environment of this process."""
        url, work, start, end, path = sys.argv[1:]
        return cls(
            url=url,
            work=work,
            start=date.fromisoformat(start),
            end=date.fromisoformat(end),
            path=Path(path),
            client_id=os.environ["BENCH_ID"],
            secret=os.environ["BENCH_SECRET"],
        )

    @property
    def endpoint(self) -> str:
        """The path of the query, without a slash before it."""
        return f"api/v2/analytics/conversations/{self.work}/query"

    @property
    def interval(self) -> str:
        """The whole range as the service writes it."""
        return _interval(self.start, self.end)

    @property
    def days(self) -> list[str]:
        """The interval of each day."""
        count = (self.end - self.start).days
        days = [self.start + timedelta(days=n) for n in range(count)]
        return [_interval(day, day + timedelta(days=1)) for day in days]

    @property
    def basic(self) -> str:
        """The header that asks for a token."""
        pair = f"{self.client_id}:{self.secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def details_query(self, page: int) -> dict[str, Any]:
        """Return the body that asks for a page of conversations; the first is 1."""
        return {
            "interval": self.interval,
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": {"pageSize": PAGE, "pageNumber": page},
        }

    def aggregates_query(self, interval: str) -> dict[str, Any]:
        """Return the body that asks for the aggregates of an interval."""
        return {
            "interval": interval,
            "granularity": "PT15M",
            "groupBy": ["queueId", "mediaType"],
            "metrics": list(METRICS),
        }


def _interval(start: date, end: date) -> str:
    return f"{start}T00:00:00.000Z/{end}T00:00:00.000Z"
