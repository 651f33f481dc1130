"""The client of one org, with its quota and its token."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from gcbatch.genesys.client.client import Client
from gcbatch.genesys.client.client_credentials import request_token
from gcbatch.genesys.client.config import ClientConfig
from gcbatch.genesys.client.large_responses import DecodeGate
from gcbatch.genesys.client.rate_limiter import RateLimiter
from gcbatch.genesys.client.retrying import RetrySettings
from gcbatch.genesys.client.token_provider import TokenProvider
from gcbatch.genesys.client.transport import Transport, open_transport

__all__ = ["OrgClient", "build_client", "open_client"]


@dataclass(frozen=True)
class OrgClient:
    """The client of one org, with the quota and the token that processes share.

    Args:
        client: Sends the requests.
        limiter: The org's quota.
        tokens: The org's token.
    """

    client: Client
    limiter: RateLimiter
    tokens: TokenProvider


def build_client(
    transport: Transport,
    config: ClientConfig,
    clock: Callable[[], float],
    gate: DecodeGate | None = None,
) -> OrgClient:
    """Return the client of an org; *clock* returns monotonic seconds."""
    limiter = RateLimiter(
        config.requests_per_minute, reserve=config.reserve, clock=clock
    )
    settings = RetrySettings(config.give_up_s, limiter.pause_all, clock)
    grant = partial(request_token, config, transport, settings)
    tokens = TokenProvider(grant, clock=clock)
    client = Client(
        transport,
        config,
        limiter=limiter,
        tokens=tokens,
        retry_settings=settings,
        gate=gate,
    )
    return OrgClient(client, limiter, tokens)


@asynccontextmanager
async def open_client(
    config: ClientConfig, gate: DecodeGate
) -> AsyncIterator[OrgClient]:
    """Open the client of an org, on the clock of the loop; orgs may share a gate."""
    async with open_transport(
        timeout_s=config.timeout_s,
        connections=config.concurrency + 1,  # one for the token
        max_response_bytes=config.max_response_bytes,
    ) as transport:
        clock = asyncio.get_running_loop().time
        yield build_client(transport, config, clock, gate)
