"""The shapes of question and answer, by the name that job files call them."""

from gcbatch.genesys.details import details_named
from gcbatch.genesys.endpoints.aggregates.endpoint import Aggregates
from gcbatch.genesys.endpoints.base import Asker, Bucketed, Desk, Endpoint, Price
from gcbatch.genesys.endpoints.details.endpoint import DetailsEndpoint
from gcbatch.genesys.families import family_named
from gcbatch.registry import ENDPOINTS, load_member, module_names

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
    if (file := name.replace("-", "_")) in module_names(ENDPOINTS):
        fixed: Bucketed = load_member(ENDPOINTS, file, "ENDPOINT")
        return fixed
    if found := details_named(name):
        return DetailsEndpoint(*found)
    family = family_named(name)
    if family is None:
        raise KeyError(name)
    return Aggregates(family, by_jobs=name == family.jobs_endpoint)
