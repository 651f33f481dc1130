"""Fetching: queries to parts in the store, a bounded number in flight."""

from gcbatch.fetching.engine import Engine, FetchWork, LocalEngine, fetch_parts
from gcbatch.fetching.observer import CombinedObserver, Observer
from gcbatch.fetching.sessions import (
    OrgSession,
    OrgSessions,
    client_key,
    store_identity,
)
from gcbatch.fetching.usage import Usage

__all__ = [
    "CombinedObserver",
    "Engine",
    "FetchWork",
    "LocalEngine",
    "Observer",
    "OrgSession",
    "OrgSessions",
    "Usage",
    "client_key",
    "fetch_parts",
    "store_identity",
]
