"""Calls to the service: signed, paced, retried, and read."""

from gcbatch.genesys.client.body_reader import (
    BodyReader,
    ForeignBodyError,
    errors_in,
    read_loosely,
)
from gcbatch.genesys.client.client import (
    ACCEPTED,
    REMOVED,
    Answer,
    Client,
    OrgClient,
    open_access,
)
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.error_response import paging_limit
from gcbatch.genesys.client.large_responses import DecodeGate
from gcbatch.genesys.client.listing import list_entities
from gcbatch.genesys.client.rate_limiter import QuotaExhaustedError, RateLimiter
from gcbatch.genesys.client.redaction import HIDDEN, SHORTEST_IN_DATA
from gcbatch.genesys.client.retrying import Retrier
from gcbatch.genesys.client.server_quota import Permit, QuotaHeaders
from gcbatch.genesys.client.service_clock import ServiceClock
from gcbatch.genesys.client.token_provider import Token, TokenProvider
from gcbatch.genesys.client.traffic import FAILED_KEPT, FailedCall, Traffic
from gcbatch.genesys.client.transport import open_transport

__all__ = [
    "ACCEPTED",
    "FAILED_KEPT",
    "HIDDEN",
    "REMOVED",
    "SHORTEST_IN_DATA",
    "Answer",
    "BodyReader",
    "Client",
    "ClientConfig",
    "DecodeGate",
    "FailedCall",
    "ForeignBodyError",
    "OrgClient",
    "Permit",
    "QuotaExhaustedError",
    "QuotaHeaders",
    "RateLimiter",
    "Retrier",
    "ServiceClock",
    "Token",
    "TokenProvider",
    "Traffic",
    "errors_in",
    "list_entities",
    "open_access",
    "open_transport",
    "paging_limit",
    "read_loosely",
]
