"""A query: one request for data, as plain data itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from gcbatch.windows import Window

__all__ = ["PART_FORMAT", "Query", "canonical", "hash_template", "make_query"]

PART_FORMAT: Final = 1
"""Version of how parts are written. A new one fetches everything again, so an endpoint
has its own version if only its parts change."""


@dataclass(frozen=True, slots=True)
class Query:
    """One request for the data of a window. It can be pickled.

    Args:
        endpoint: Its name in job files.
        window: The span of the data.
        template: The body without its interval, canonical JSON. Queries that differ
            only in their window share one object.
        digest: The name of its part: a hash over all that determines the answer.
    """

    endpoint: str
    window: Window
    template: bytes
    digest: str

    def __str__(self) -> str:
        return f"{self.endpoint} {self.window}"


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the JSON of a body with sorted keys and no spaces."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def hash_template(template: bytes) -> bytes:
    """Return the hash of a template; one that names 600 queues has 50 kilobytes."""
    return sha256(template).digest()


def make_query(
    identity: str,
    endpoint: str,
    window: Window,
    template: bytes,
    part_format: int = PART_FORMAT,
    *,
    template_hash: bytes | None = None,
) -> Query:
    """Return a query with its digest.

    Args:
        identity: The org's name, or its login host and client id.
        endpoint: Its name in job files.
        window: The span of the data.
        template: The body without its interval.
        part_format: Version of how the endpoint's parts are written.
        template_hash: What hash_template returns for it, where many queries share it;
            None computes it.
    """
    about = "\n".join((f"part {part_format}", identity, endpoint, str(window)))
    hashed = hash_template(template) if template_hash is None else template_hash
    digest = sha256(hashed + about.encode()).hexdigest()
    return Query(endpoint, window, template, digest[:40])
