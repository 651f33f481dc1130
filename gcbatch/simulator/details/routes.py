"""The two details queries of a tenant, answered at once."""

import math
from collections.abc import Callable
from typing import NamedTuple

from gcbatch.simulator.details import query as details_query
from gcbatch.simulator.details import user_query as user_details
from gcbatch.simulator.details.index import Matching, index_of
from gcbatch.simulator.details.paging import answer
from gcbatch.simulator.documents import Document
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["Details", "DetailsRoute"]


class DetailsRoute(NamedTuple):
    """Where a query is asked, what that takes, and what answers it."""

    path: str
    permission: str
    answer: Callable[[bytes], bytes]


class Details:
    """Answers details queries, and knows which conversations are late.

    Args:
        tenant: Whose.
        matching: Which conversations an interval means.
        max_results: Row that no page may lie beyond.
    """

    def __init__(self, tenant: Tenant, matching: Matching, max_results: int) -> None:
        self._tenant = tenant
        self._matching = matching
        self._max_results = max_results
        self._answered: float = 0

    def routes(self) -> tuple[DetailsRoute, ...]:
        """Return both queries; their answers turn a body into a page's JSON."""
        analytics = "/api/v2/analytics"
        return (
            DetailsRoute(
                f"{analytics}/conversations/details/query",
                "analytics:conversationDetail:view",
                self.conversations,
            ),
            DetailsRoute(
                f"{analytics}/users/details/query",
                "analytics:userDetail:view",
                self.users,
            ),
        )

    def conversations(self, body: bytes) -> bytes:
        """Return a page of conversations as JSON.

        Raises:
            Problem: If the service would refuse the query.
        """
        query, page = details_query.read_query(body, self._matching, self._max_results)
        rows = details_query.matching(self._tenant, query)
        if index_of(self._tenant).has_late:
            rows = [row for row in rows if self.shows(row)]
        self._answered += 1
        return answer("conversations", rows, page)

    def users(self, body: bytes) -> bytes:
        """Return a page of users as JSON.

        Raises:
            Problem: If the service would refuse the query.
        """
        query, page = user_details.read_query(body, self._max_results)
        return answer("userDetails", user_details.matching(self._tenant, query), page)

    def shows(self, document: Document) -> bool:
        """Tell whether a conversation is there already, as seen by everyone."""
        return document.shown_after <= self._answered

    def release_late(self) -> None:
        """Show every conversation from now on."""
        self._answered = math.inf
