"""The query of each family of aggregates, answered at once."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from aiohttp import web

from gcbatch.genesys import FAMILIES, Family
from gcbatch.simulator.aggregates.answers import answer_query
from gcbatch.simulator.aggregates.query import Limits, read_query
from gcbatch.simulator.route import ANALYTICS, ApiRequest, Route, json_response
from gcbatch.simulator.tenant.events import events_of
from gcbatch.simulator.tenant.tenant import Tenant
from gcbatch.simulator.tutorials.interval_report import (
    answer_interval_report,
    is_interval_report,
)

__all__ = ["aggregate_routes", "permissions_of"]

ACTION_PERMISSIONS: Final = ("integrations:action:view", "bridge:actions:view")


def permissions_of(family: Family) -> tuple[str, ...]:
    """Return the permissions of a family's queries and jobs; one is enough."""
    return ACTION_PERMISSIONS if family.model == "Action" else (family.permission,)


def aggregate_routes(tenant: Tenant, limits: Limits) -> Iterator[Route]:
    """Yield the route of each family.

    That of conversations also answers the first tutorial's query.
    """
    for family in FAMILIES:
        answer = partial(_answer, tenant, limits, family)
        if family.model == "Conversation":
            answer = partial(_answer_either, tenant, answer)
        path = f"{ANALYTICS}/{family.path}/aggregates/query"
        yield Route("POST", path, permissions_of(family), answer)


def _answer(
    tenant: Tenant, limits: Limits, family: Family, request: ApiRequest
) -> web.Response:
    query = read_query(request.body, family, limits)
    return json_response(answer_query(query, events_of(tenant), limits))


def _answer_either(
    tenant: Tenant, answer: partial[web.Response], request: ApiRequest
) -> web.Response:
    if not is_interval_report(request.body):
        return answer(request)
    report = answer_interval_report(
        tenant, request.body, request.params, request.faults
    )
    return json_response(report)
