"""Jobs for details of conversations and of users.

Jobs read a data lake, not the live data. What is newer than its date of availability is
missing from the results without a notice, and rows are not in order of time.

Source: models AnalyticsConversationAsyncQueryResponse and
AnalyticsUserDetailsAsyncQueryResponse of PureCloudPlatformClientV2 269.0.0, read
2026-11-21.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import orjson

from gcbatch.simulator.async_jobs.jobs import FindResults
from gcbatch.simulator.async_jobs.paging import Results
from gcbatch.simulator.details import user_query as user_details
from gcbatch.simulator.details.query import find_conversations, read_async
from gcbatch.simulator.documents import Document
from gcbatch.simulator.instants import instant_text, milliseconds
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["Lake", "read_conversation_job", "read_user_job"]


@dataclass(frozen=True, slots=True)
class Lake:
    """The data that jobs read, at one moment.

    Args:
        date: The date of availability: the lake has what began before it.
        lags: Whether it lacks what began at the date or later; otherwise it has all.
        shows: Returns whether a row is visible already, whatever the date.
    """

    date: datetime
    lags: bool
    shows: Callable[[Document], bool]

    @property
    def text(self) -> str:
        """The date as the service writes it."""
        return instant_text(milliseconds(self.date))

    @property
    def end_ms(self) -> float:
        """First millisecond, since 1970, of which the lake has nothing."""
        return milliseconds(self.date) if self.lags else math.inf


def read_conversation_job(
    body: bytes, tenant: Tenant, current_lake: Callable[[], Lake]
) -> FindResults:
    """Read and check the body of a job for conversations.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    query = read_async(body)

    def find(lake: Lake) -> Iterable[Document]:
        return (
            document
            for document in find_conversations(tenant, query)
            if document.start_ms < lake.end_ms and lake.shows(document)
        )

    return partial(_results, "conversations", find, current_lake)


def read_user_job(
    body: bytes, tenant: Tenant, current_lake: Callable[[], Lake]
) -> FindResults:
    """Read and check the body of a job for user details.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    query = user_details.read_async(body)

    def find(lake: Lake) -> Iterable[Document]:
        # a row holds many records: those after the date are left out of it
        end_ms = int(min(query.end_ms, lake.end_ms))
        return user_details.find_users(tenant, replace(query, end_ms=end_ms))

    return partial(_results, "userDetails", find, current_lake)


def _results(
    key: str,
    find: Callable[[Lake], Iterable[Document]],
    current_lake: Callable[[], Lake],
) -> Results:
    """Return the results of a job; a page has its rows under *key*."""
    lake = current_lake()

    def to_json(documents: Sequence[Document], cursor: Mapping[str, str]) -> bytes:
        rows = b",".join(document.body(attributes=True) for document in documents)
        rest = orjson.dumps({"dataAvailabilityDate": lake.text, **cursor})
        return b'{"%b":[%b],%b' % (key.encode(), rows, rest[1:])

    return Results(_shuffled(find(lake)), None, to_json)


def _shuffled(documents: Iterable[Document]) -> list[Document]:
    """Return the documents in an order that is independent of time."""

    def place(document: Document) -> bytes:
        return hashlib.blake2b(document.id.encode(), digest_size=8).digest()

    return sorted(documents, key=place)
