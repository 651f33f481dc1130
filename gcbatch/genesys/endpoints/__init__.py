"""The shapes of question and answer: one file each."""

from gcbatch.genesys.endpoints.aggregates import Aggregates
from gcbatch.genesys.families import family_named

__all__ = ["Aggregates", "endpoint_named"]


def endpoint_named(name: str) -> Aggregates:
    """Return the endpoint that a job file calls *name*.

    Raises:
        KeyError: If there is none; job files are checked before.
    """
    family = family_named(name)
    if family is None:
        raise KeyError(name)
    return Aggregates(family)
