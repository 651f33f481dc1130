"""Details asked for by a job: conversations, and what users did, in pages.

Jobs read a lake, not the live data: what is newer than its date of availability is
missing from the answer without a word, and rows come in no order of time.

Source: models AnalyticsConversationAsyncQueryResponse and
AnalyticsUserDetailsAsyncQueryResponse of PureCloudPlatformClientV2 269.0.0, read
2026-11-21.
"""

import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from gcbatch.simulator.async_jobs.jobs import Gather
from gcbatch.simulator.async_jobs.paging import page_of, read_page_size
from gcbatch.simulator.details import user_query as user_details
from gcbatch.simulator.details.query import matching, read_async
from gcbatch.simulator.documents import Document
from gcbatch.simulator.instants import instant_text, milliseconds
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["Lake", "read_conversation_job", "read_user_job"]


@dataclass(frozen=True, slots=True)
class Lake:
    """What jobs read, as it is at one moment.

    Args:
        date: Of availability: what began before it is there.
        lags: Whether what began at the date or later is missing; else all is there.
        shows: Tells of a row whether it is there already, whatever the date.
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
        """First millisecond of which nothing is there, since 1970."""
        return milliseconds(self.date) if self.lags else math.inf


def read_conversation_job(
    body: bytes, tenant: Tenant, look: Callable[[], Lake]
) -> Gather:
    """Read and check the body of a job for conversations.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    query = read_async(body)

    def gather() -> _Answer:
        lake = look()
        found = (
            document
            for document in matching(tenant, query)
            if document.start_ms < lake.end_ms and lake.shows(document)
        )
        return _Answer("conversations", _shuffled(found), lake)

    return gather


def read_user_job(body: bytes, tenant: Tenant, look: Callable[[], Lake]) -> Gather:
    """Read and check the body of a job for what users did.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    query = user_details.read_async(body)

    def gather() -> _Answer:
        lake = look()
        # a row holds many records: those beyond the date are left out of it
        end_ms = int(min(query.end_ms, lake.end_ms))
        found = user_details.matching(tenant, replace(query, end_ms=end_ms))
        return _Answer("userDetails", _shuffled(found), lake)

    return gather


def _shuffled(documents: Iterable[Document]) -> list[Document]:
    """Return the documents in an order that has nothing to do with time."""

    def place(document: Document) -> bytes:
        return hashlib.blake2b(document.id.encode(), digest_size=8).digest()

    return sorted(documents, key=place)


@dataclass(frozen=True, slots=True)
class _Answer:
    """All results of a job.

    Args:
        key: Where a page has its rows.
        documents: In the order in which they are given.
        lake: Where they were found.
    """

    key: str
    documents: Sequence[Document]
    lake: Lake

    def page(
        self, params: Mapping[str, str], digest: str, faults: Collection[str]
    ) -> bytes:
        """Return the JSON of a page."""
        size = read_page_size(params.get("pageSize"))
        page = page_of(self.documents, size, params, digest, faults)
        rows = b",".join(document.body(attributes=True) for document in page.rows)
        rest = {"dataAvailabilityDate": self.lake.text}
        if page.next_token is not None:
            rest["cursor"] = page.next_token
        return b'{"%b":[%b],%b' % (self.key.encode(), rows, orjson.dumps(rest)[1:])
