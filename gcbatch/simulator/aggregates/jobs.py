"""Jobs for aggregates: the figures of a query, in pages.

A page has so many rows, one for each group and bucket. A group whose rows do not fit in
a page continues on the next. If `splits_buckets` is set, so does a bucket.

Source: models `<Family>AsyncAggregationQuery` and `<Family>AsyncAggregateQueryResponse`
of PureCloudPlatformClientV2 269.0.0, read 2026-11-21. What a page counts, and where the
service cuts, is not public.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gcbatch.genesys import Family
from gcbatch.simulator.aggregates.answers import answer_query
from gcbatch.simulator.aggregates.query import Limits, read_query
from gcbatch.simulator.async_jobs.jobs import FindResults
from gcbatch.simulator.async_jobs.paging import DEFAULT_PAGE_SIZE, Results
from gcbatch.simulator.request_reading import read_whole
from gcbatch.simulator.tenant.events import events_of
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["read_aggregate_job"]

Json = dict[str, Any]

_Piece = tuple[int, Json]
"""The position of its group in the results, and a row of `data` or part of one."""


def read_aggregate_job(
    body: bytes,
    family: Family,
    tenant: Tenant,
    limits: Limits,
    *,
    splits_buckets: bool,
) -> FindResults:
    """Read and check the body of a job.

    Args:
        body: That of a query, with an optional `pageSize`.
        family: The family of the metrics.
        tenant: The organisation's data.
        limits: Only those of intervals apply: jobs may have any number of rows.
        splits_buckets: Whether a bucket's metrics may be split between two pages.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    query_body, size = _without_page_size(body)
    limits = replace(limits, max_results=None)
    query = read_query(query_body, family, limits)

    def find() -> Results:
        rest = answer_query(query, events_of(tenant), limits)
        results: list[Json] = rest.pop("results")
        pieces: Iterable[_Piece] = (
            (number, row)
            for number, result in enumerate(results)
            for row in result["data"]
        )
        if splits_buckets:
            pieces = _split(pieces, size)
        groups = [result["group"] for result in results]

        def to_json(rows: Sequence[_Piece], cursor: Mapping[str, str]) -> bytes:
            return orjson.dumps({**rest, "results": _grouped(rows, groups), **cursor})

        return Results(tuple(pieces), size, to_json)

    return find


def _grouped(
    pieces: Iterable[_Piece], groups: Sequence[Mapping[str, str]]
) -> list[Json]:
    """Return the results that have these pieces, in their order."""
    rows: dict[int, list[Json]] = {}
    for number, row in pieces:
        rows.setdefault(number, []).append(row)
    return [{"group": groups[number], "data": data} for number, data in rows.items()]


def _without_page_size(body: bytes) -> tuple[bytes, int]:
    """Return the body of the query, and the number of rows of a page."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body, DEFAULT_PAGE_SIZE
    if not isinstance(given, dict):
        return body, DEFAULT_PAGE_SIZE
    size = given.pop("pageSize", None)
    if size is not None:
        size = read_whole(size, "pageSize")
    return orjson.dumps(given), size or DEFAULT_PAGE_SIZE


def _split(pieces: Iterable[_Piece], size: int) -> Iterator[_Piece]:
    """Split each row in two whose first half would end a page."""
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
