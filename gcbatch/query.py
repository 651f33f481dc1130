"""A query: one question to the API, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from gcbatch.windows import Window

__all__ = ["PART_FORMAT", "Query", "canonical", "make_query"]

PART_FORMAT: Final = 1
"""Version of how parts are written. A new one fetches everything again; an endpoint
whose parts alone change has a version of its own."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question: what, about which span. Travels and pickles as it is.

    Args:
        endpoint: Whom to ask, as in the job file.
        window: The span that it is about.
        template: The body without its span, canonical JSON. One object is shared by
            all queries that differ only in their window.
        digest: Names the answer: a hash over all that determines it.
    """

    endpoint: str
    window: Window
    template: bytes
    digest: str

    def __str__(self) -> str:
        return f"{self.endpoint} {self.window}"


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return JSON that is the same for equal bodies: sorted keys, no spaces."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def make_query(
    identity: str,
    endpoint: str,
    window: Window,
    template: bytes,
    part_format: int = PART_FORMAT,
) -> Query:
    """Return a query with its digest.

    Args:
        identity: Whose data: the org's name, or its login host and client id.
        endpoint: Whom to ask.
        window: The span that it is about.
        template: The body without its span.
        part_format: Version of how the endpoint's parts are written.
    """
    about = "\n".join((f"part {part_format}", identity, endpoint, str(window)))
    digest = sha256(sha256(template).digest() + about.encode()).hexdigest()
    return Query(endpoint, window, template, digest[:40])
