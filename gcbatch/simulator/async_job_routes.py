"""The addresses of async jobs: of details, and of the aggregates that have jobs.

Source: the operations of PureCloudPlatformClientV2 269.0.0; their statuses from a
community operator for Airflow, which gets 202 until a job is done and 204 for its
deletion; permissions from the JavaScript SDK 259.0.0; read 2026-11-21.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from aiohttp import web

from gcbatch.genesys import FAMILIES, Family
from gcbatch.simulator.aggregates.jobs import read_aggregate_job
from gcbatch.simulator.aggregates.query import Limits
from gcbatch.simulator.aggregates.routes import permissions_of
from gcbatch.simulator.async_jobs.jobs import FindResults, Jobs
from gcbatch.simulator.details.jobs import Lake, read_conversation_job, read_user_job
from gcbatch.simulator.documents import Document
from gcbatch.simulator.paging import digest_of
from gcbatch.simulator.route import (
    ANALYTICS,
    ApiRequest,
    Route,
    json_bytes_response,
    json_response,
)
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["JobRoutes"]

OK: Final = 200
ACCEPTED: Final = 202
NO_CONTENT: Final = 204

CONVERSATIONS: Final = (
    "analytics:conversationDetail:view",
    "analytics:agentConversationDetail:view",
)
USERS: Final = ("analytics:userDetail:view",)

_ReadJob = Callable[[bytes], FindResults]


@dataclass(frozen=True, slots=True)
class JobRoutes:
    """The routes of all kinds of jobs.

    Args:
        tenant: The organisation's data.
        jobs: The jobs that were submitted.
        limits: The limits of aggregates queries.
        splits_buckets: Whether a bucket's metrics may be split between two pages.
        available_until: Returns how far the data lake of details has come; None
            means up to now, with nothing missing.
        shows: Returns whether a conversation is visible already.
    """

    tenant: Tenant
    jobs: Jobs
    limits: Limits
    splits_buckets: bool
    available_until: Callable[[], datetime | None]
    shows: Callable[[Document], bool]

    def __iter__(self) -> Iterator[Route]:
        yield from self._details("conversations", CONVERSATIONS, read_conversation_job)
        yield from self._details("users", USERS, read_user_job)
        for family in FAMILIES:
            if family.model != "RateLimit":
                yield from self._aggregates(family)

    def _details(
        self,
        name: str,
        permissions: tuple[str, ...],
        read: Callable[[bytes, Tenant, Callable[[], Lake]], FindResults],
    ) -> Iterator[Route]:
        path = f"{ANALYTICS}/{name}/details/jobs"
        yield Route("GET", f"{path}/availability", permissions, self._availability)

        def read_job(body: bytes) -> FindResults:
            return read(body, self.tenant, self._lake)

        yield from self._routes(path, permissions, read_job)

    def _aggregates(self, family: Family) -> Iterator[Route]:
        def read_job(body: bytes) -> FindResults:
            return read_aggregate_job(
                body,
                family,
                self.tenant,
                self.limits,
                splits_buckets=self.splits_buckets,
            )

        path = f"{ANALYTICS}/{family.path}/aggregates/jobs"
        yield from self._routes(path, permissions_of(family), read_job)

    def _routes(
        self, path: str, permissions: tuple[str, ...], read: _ReadJob
    ) -> Iterator[Route]:
        """Yield the four routes of one kind of job; its path names the kind."""
        one = f"{path}/{{id}}"
        results = f"{one}/results"
        yield Route("POST", path, permissions, partial(self._submit, path, read))
        yield Route("GET", one, permissions, partial(self._status, path))
        yield Route("DELETE", one, permissions, partial(self._delete, path))
        yield Route("GET", results, permissions, partial(self._results, path))

    def _lake(self) -> Lake:
        until = self.available_until()
        date = until or self.jobs.now
        return Lake(date, lags=until is not None, shows=self.shows)

    def _availability(self, _: ApiRequest) -> web.Response:
        return json_response({"dataAvailabilityDate": self._lake().text})

    def _submit(self, kind: str, read: _ReadJob, request: ApiRequest) -> web.Response:
        job_id = self.jobs.submit(kind, read(request.body), request.faults)
        return json_response({"jobId": job_id}, ACCEPTED)

    def _status(self, kind: str, request: ApiRequest) -> web.Response:
        job_id = request.path_values["id"]
        is_running, status = self.jobs.status(kind, job_id, request.faults)
        return json_response(status, ACCEPTED if is_running else OK)

    def _delete(self, kind: str, request: ApiRequest) -> web.Response:
        self.jobs.delete(kind, request.path_values["id"])
        return web.Response(status=NO_CONTENT)

    def _results(self, kind: str, request: ApiRequest) -> web.Response:
        job_id = request.path_values["id"]
        results = self.jobs.results(kind, job_id, request.faults)
        digest = digest_of({"job": job_id})
        return json_bytes_response(results.page(request.params, digest, request.faults))
