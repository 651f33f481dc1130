"""The shapes of question and answer: one file each."""

from gcbatch.genesys.details import details_named
from gcbatch.genesys.endpoints.aggregates import Aggregates
from gcbatch.genesys.endpoints.base import Asker, Bucketed, Desk, Endpoint, Price
from gcbatch.genesys.endpoints.details import DetailsEndpoint
from gcbatch.genesys.endpoints.interval_report import IntervalReport
from gcbatch.genesys.endpoints.queue_summary import QueueSummary
from gcbatch.genesys.families import family_named

__all__ = [
    "Aggregates",
    "Asker",
    "Bucketed",
    "Desk",
    "DetailsEndpoint",
    "Endpoint",
    "Price",
    "endpoint_named",
]


def endpoint_named(name: str) -> Bucketed | DetailsEndpoint:
    """Return the endpoint that a job file calls *name*.

    Raises:
        KeyError: If there is none; job files are checked before.
    """
    for endpoint in (IntervalReport(), QueueSummary()):
        if endpoint.name == name:
            return endpoint
    if found := details_named(name):
        return DetailsEndpoint(*found)
    family = family_named(name)
    if family is None:
        raise KeyError(name)
    return Aggregates(family, by_jobs=name == family.jobs_endpoint)
