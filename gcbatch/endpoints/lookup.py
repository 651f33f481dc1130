"""Finds the endpoint that a job file names."""

from gcbatch.endpoints.aggregates.endpoint import Aggregates
from gcbatch.endpoints.base import AggregateEndpoint
from gcbatch.endpoints.details.endpoint import DetailsEndpoint
from gcbatch.genesys import details_named, family_named
from gcbatch.registry import ENDPOINTS, load_member, module_names

__all__ = ["endpoint_named"]


def endpoint_named(name: str) -> AggregateEndpoint | DetailsEndpoint:
    """Return the endpoint that a job file calls *name*.

    Raises:
        KeyError: If there is none; job files are checked before.
    """
    if (file := name.replace("-", "_")) in module_names(ENDPOINTS):
        fixed: AggregateEndpoint = load_member(ENDPOINTS, file, "ENDPOINT")
        return fixed
    if found := details_named(name):
        return DetailsEndpoint(*found)
    family = family_named(name)
    if family is None:
        raise KeyError(name)
    return Aggregates(family, by_jobs=name == family.jobs_endpoint)
