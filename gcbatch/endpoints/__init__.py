"""Query to part: each endpoint has one shape of request and of answer."""

from gcbatch.endpoints.aggregates.endpoint import Aggregates
from gcbatch.endpoints.base import (
    AggregateEndpoint,
    Endpoint,
    FetchContext,
    QueryFetcher,
    RequestCost,
)
from gcbatch.endpoints.details.endpoint import DetailsEndpoint
from gcbatch.endpoints.lookup import endpoint_named
from gcbatch.endpoints.splitting import Splitter

__all__ = [
    "AggregateEndpoint",
    "Aggregates",
    "DetailsEndpoint",
    "Endpoint",
    "FetchContext",
    "QueryFetcher",
    "RequestCost",
    "Splitter",
    "endpoint_named",
]
