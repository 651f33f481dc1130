"""The configuration of a client: addresses, credentials, quota, time limits."""

from dataclasses import dataclass, field
from typing import Literal

from gcbatch.genesys import Hosts

__all__ = ["ClientConfig"]


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """The configuration of the client of one org.

    Args:
        hosts: Its two addresses.
        client_id, client_secret: The credentials of the OAuth client.
        concurrency: Requests in flight.
        token_path, token_style, requests_per_minute, reserve, timeout_s, give_up_s,
            max_response_bytes: As in the job file.
    """

    hosts: Hosts
    client_id: str
    client_secret: str = field(repr=False)
    token_path: str
    token_style: Literal["basic", "json"]
    requests_per_minute: int
    reserve: float
    concurrency: int
    timeout_s: float
    give_up_s: float
    max_response_bytes: int
