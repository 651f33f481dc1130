"""The addresses of jobs: of details, and of every family of aggregates that has them.

Source: the operations of PureCloudPlatformClientV2 269.0.0; their statuses from a
community operator for Airflow, which gets 202 until a job is done and 204 for its
deletion; permissions from the JavaScript SDK 259.0.0; read 2026-11-21.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal, NamedTuple

from aiohttp import web

from gcbatch.genesys import FAMILIES, Family
from gcbatch.simulator.aggregates.jobs import read_aggregate_job
from gcbatch.simulator.aggregates.query import Limits
from gcbatch.simulator.async_jobs.jobs import Gather, Jobs
from gcbatch.simulator.delivery import json_response
from gcbatch.simulator.details.jobs import Lake, read_conversation_job, read_user_job
from gcbatch.simulator.documents import Document
from gcbatch.simulator.paging import digest_of
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["JobRoute", "JobRoutes"]

OK: Final = 200
ACCEPTED: Final = 202
NO_CONTENT: Final = 204

ANALYTICS: Final = "/api/v2/analytics"
CONVERSATIONS: Final = (
    "analytics:conversationDetail:view",
    "analytics:agentConversationDetail:view",
)
USERS: Final = ("analytics:userDetail:view",)
ACTIONS: Final = ("integrations:action:view", "bridge:actions:view")

_Faults = tuple[str, ...]
_Read = Callable[[bytes], Gather]


class JobRoute(NamedTuple):
    """An address and what answers it.

    Args:
        method: Of the request.
        path: As the router takes it.
        permissions: Any one of these will do.
        answer: Takes the request, its body, and the kinds of the faults that befell
            it; raises Problem where the answer is an error.
    """

    method: Literal["DELETE", "GET", "POST"]
    path: str
    permissions: tuple[str, ...]
    answer: Callable[[web.Request, bytes, _Faults], web.Response]


@dataclass(frozen=True, slots=True)
class JobRoutes:
    """All jobs of an organisation.

    Args:
        tenant: What is known.
        jobs: Those that are there.
        limits: Of aggregates queries.
        splits_buckets: Whether a bucket's metrics may go over the edge of a page.
        available_until: Tells how far the lake of details has come; None is now,
            with nothing missing.
        shows: Tells whether a conversation is there already.
    """

    tenant: Tenant
    jobs: Jobs
    limits: Limits
    splits_buckets: bool
    available_until: Callable[[], datetime | None]
    shows: Callable[[Document], bool]

    def __iter__(self) -> Iterator[JobRoute]:
        yield from self._details("conversations", CONVERSATIONS, read_conversation_job)
        yield from self._details("users", USERS, read_user_job)
        for family in FAMILIES:
            if family.model != "RateLimit":
                yield from self._aggregates(family)

    def _details(
        self,
        name: str,
        permissions: tuple[str, ...],
        read: Callable[[bytes, Tenant, Callable[[], Lake]], Gather],
    ) -> Iterator[JobRoute]:
        path = f"{ANALYTICS}/{name}/details/jobs"
        yield JobRoute("GET", f"{path}/availability", permissions, self._availability)

        def read_body(body: bytes) -> Gather:
            return read(body, self.tenant, self._lake)

        yield from self._kind(path, permissions, read_body)

    def _aggregates(self, family: Family) -> Iterator[JobRoute]:
        permissions = ACTIONS if family.model == "Action" else (family.permission,)

        def read_body(body: bytes) -> Gather:
            return read_aggregate_job(
                body,
                family,
                self.tenant,
                self.limits,
                splits_buckets=self.splits_buckets,
            )

        path = f"{ANALYTICS}/{family.path}/aggregates/jobs"
        yield from self._kind(path, permissions, read_body)

    def _kind(
        self, path: str, permissions: tuple[str, ...], read: _Read
    ) -> Iterator[JobRoute]:
        one = f"{path}/{{id}}"
        yield JobRoute("POST", path, permissions, partial(self._submit, path, read))
        yield JobRoute("GET", one, permissions, partial(self._status, path))
        yield JobRoute("DELETE", one, permissions, partial(self._delete, path))
        yield JobRoute(
            "GET", f"{one}/results", permissions, partial(self._results, path)
        )

    def _lake(self) -> Lake:
        until = self.available_until()
        date = until or self.jobs.now
        return Lake(date, lags=until is not None, shows=self.shows)

    def _availability(self, _: web.Request, __: bytes, ___: _Faults) -> web.Response:
        return json_response({"dataAvailabilityDate": self._lake().text})

    def _submit(
        self, kind: str, read: _Read, _: web.Request, body: bytes, faults: _Faults
    ) -> web.Response:
        job_id = self.jobs.submit(kind, read(body), faults)
        return json_response({"jobId": job_id}, ACCEPTED)

    def _status(
        self, kind: str, request: web.Request, _: bytes, faults: _Faults
    ) -> web.Response:
        is_running, status = self.jobs.status(kind, request.match_info["id"], faults)
        return json_response(status, ACCEPTED if is_running else OK)

    def _delete(
        self, kind: str, request: web.Request, _: bytes, __: _Faults
    ) -> web.Response:
        self.jobs.delete(kind, request.match_info["id"])
        return web.Response(status=NO_CONTENT)

    def _results(
        self, kind: str, request: web.Request, _: bytes, faults: _Faults
    ) -> web.Response:
        job_id = request.match_info["id"]
        answer = self.jobs.answer(kind, job_id, faults)
        page = answer.page(request.query, digest_of({"job": job_id}), faults)
        return web.Response(body=page, content_type="application/json")
