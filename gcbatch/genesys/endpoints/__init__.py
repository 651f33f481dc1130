"""The shapes of question and answer: one file each."""

from gcbatch.genesys.endpoints.aggregates import Aggregates
from gcbatch.genesys.endpoints.base import Endpoint
from gcbatch.genesys.endpoints.interval_report import IntervalReport
from gcbatch.genesys.endpoints.queue_summary import QueueSummary
from gcbatch.genesys.families import family_named

__all__ = ["Aggregates", "Endpoint", "endpoint_named"]


def endpoint_named(name: str) -> Endpoint:
    """Return the endpoint that a job file calls *name*.

    Raises:
        KeyError: If there is none; job files are checked before.
    """
    for endpoint in (IntervalReport(), QueueSummary()):
        if endpoint.name == name:
            return endpoint
    family = family_named(name)
    if family is None:
        raise KeyError(name)
    return Aggregates(family)
