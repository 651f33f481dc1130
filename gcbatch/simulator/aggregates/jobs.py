"""Aggregates asked for by a job: the same figures, in pages.

A page has so many rows, one for each group and bucket. A group whose rows go over the
edge of a page continues on the next; to order, so does a bucket whose metrics do.

Source: models `<Family>AsyncAggregationQuery` and `<Family>AsyncAggregateQueryResponse`
of PureCloudPlatformClientV2 269.0.0, read 2026-11-21. What a page counts, and where the
service cuts, is not public.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gcbatch.genesys import Family
from gcbatch.simulator.aggregates.answers import answer_query
from gcbatch.simulator.aggregates.query import Limits, read_query
from gcbatch.simulator.async_jobs.jobs import Gather
from gcbatch.simulator.async_jobs.paging import USUAL_PAGE_SIZE, page_of
from gcbatch.simulator.request_reading import read_whole
from gcbatch.simulator.tenant.events import events_of
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["read_aggregate_job"]

Json = dict[str, Any]

_Piece = tuple[int, Json]
"""The number of its group among the results, and one row of `data` or part of it."""


def read_aggregate_job(
    body: bytes,
    family: Family,
    tenant: Tenant,
    limits: Limits,
    *,
    splits_buckets: bool,
) -> Gather:
    """Read and check the body of a job.

    Args:
        body: That of a query, which may have a `pageSize` too.
        family: Whose metrics.
        tenant: What is known.
        limits: Only those of intervals matter: jobs may have any number of rows.
        splits_buckets: Whether a bucket's metrics may go over the edge of a page.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    plain, size = _without_page_size(body)
    limits = replace(limits, max_results=None)
    query = read_query(plain, family, limits)

    def gather() -> _Answer:
        whole = answer_query(query, events_of(tenant), limits)
        results: list[Json] = whole.pop("results")
        pieces: Iterable[_Piece] = (
            (number, row)
            for number, result in enumerate(results)
            for row in result["data"]
        )
        if splits_buckets:
            pieces = _split(pieces, size)
        groups = [result["group"] for result in results]
        return _Answer(whole, groups, tuple(pieces), size)

    return gather


def _without_page_size(body: bytes) -> tuple[bytes, int]:
    """Return the body of the query, and the rows a page."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body, USUAL_PAGE_SIZE
    if not isinstance(given, dict):
        return body, USUAL_PAGE_SIZE
    size = given.pop("pageSize", None)
    if size is not None:
        size = read_whole(size, "pageSize")
    return orjson.dumps(given), size or USUAL_PAGE_SIZE


def _split(pieces: Iterable[_Piece], size: int) -> Iterator[_Piece]:
    """Cut every row in two whose first half would be the last of a page."""
    count = 0
    for number, row in pieces:
        parts = [row]
        if (count + 1) % size == 0 and len(row["metrics"]) > 1:
            half = len(row["metrics"]) // 2
            head = {"interval": row["interval"], "metrics": row["metrics"][:half]}
            parts = [head, {**row, "metrics": row["metrics"][half:]}]
        for part in parts:
            count += 1
            yield number, part


@dataclass(frozen=True, slots=True)
class _Answer:
    """All results of a job.

    Args:
        more: What every page has beside its results.
        groups: Each group's dimensions.
        pieces: The rows in order.
        size: Most rows of a page.
    """

    more: Json
    groups: Sequence[Mapping[str, str]]
    pieces: Sequence[_Piece]
    size: int

    def page(
        self, params: Mapping[str, str], digest: str, faults: Collection[str]
    ) -> bytes:
        """Return the JSON of a page."""
        page = page_of(self.pieces, self.size, params, digest, faults)
        rows: dict[int, list[Json]] = {}
        for number, row in page.rows:
            rows.setdefault(number, []).append(row)
        results = [
            {"group": self.groups[number], "data": data}
            for number, data in rows.items()
        ]
        answer = {**self.more, "results": results}
        if page.next_token is not None:
            answer["cursor"] = page.next_token
        return orjson.dumps(answer)
