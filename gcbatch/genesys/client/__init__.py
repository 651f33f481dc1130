"""Requests to the service: signed, within the quota, retried, and read."""

from gcbatch.genesys.client.body_reader import (
    BodyReader,
    ForeignBodyError,
    errors_in,
    read_loosely,
)
from gcbatch.genesys.client.child_listings import (
    entities_within,
    list_children,
    without_expanded,
)
from gcbatch.genesys.client.client import (
    ACCEPTED,
    REMOVED,
    Answer,
    Client,
)
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.error_response import paging_limit
from gcbatch.genesys.client.large_responses import DecodeGate
from gcbatch.genesys.client.listing import list_entities
from gcbatch.genesys.client.org_client import OrgClient, open_client
from gcbatch.genesys.client.rate_limiter import QuotaExhaustedError, RateLimiter
from gcbatch.genesys.client.redaction import SHORTEST_IN_DATA
from gcbatch.genesys.client.retrying import RetrySettings
from gcbatch.genesys.client.server_quota import Permit, QuotaHeaders
from gcbatch.genesys.client.token_provider import Token, TokenProvider
from gcbatch.genesys.client.transport import open_transport

__all__ = [
    "ACCEPTED",
    "REMOVED",
    "SHORTEST_IN_DATA",
    "Answer",
    "BodyReader",
    "Client",
    "ClientConfig",
    "DecodeGate",
    "ForeignBodyError",
    "OrgClient",
    "Permit",
    "QuotaExhaustedError",
    "QuotaHeaders",
    "RateLimiter",
    "RetrySettings",
    "Token",
    "TokenProvider",
    "entities_within",
    "errors_in",
    "list_children",
    "list_entities",
    "open_client",
    "open_transport",
    "paging_limit",
    "read_loosely",
    "without_expanded",
]
