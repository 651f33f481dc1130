"""A local Genesys Cloud on a real socket."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from types import TracebackType
from typing import Final, Self, cast

import orjson
from aiohttp import web

from gcbatch.genesys import FAMILIES, Family
from gcbatch.simulator.access import Access, TokenRefusal, token_id
from gcbatch.simulator.aggregates.answers import answer_query
from gcbatch.simulator.aggregates.buckets import HoursFrom
from gcbatch.simulator.aggregates.query import Limits, read_query
from gcbatch.simulator.async_job_routes import JobRoute, JobRoutes
from gcbatch.simulator.async_jobs.jobs import JobRules, Jobs
from gcbatch.simulator.delivery import (
    instead_of_answer,
    json_response,
    send,
    spoil,
    stall,
)
from gcbatch.simulator.details.index import Matching
from gcbatch.simulator.details.routes import Details, DetailsRoute
from gcbatch.simulator.faults.faults import Fault, Faults
from gcbatch.simulator.listings import Listings, Route
from gcbatch.simulator.problems import (
    Problem,
    throttled,
    too_large,
    unsupported_media_type,
)
from gcbatch.simulator.quota import Quota
from gcbatch.simulator.request_log import Entry, Journal
from gcbatch.simulator.tenant.events import events_of
from gcbatch.simulator.tenant.tenant import Tenant
from gcbatch.simulator.tutorials.interval_report import (
    answer_interval_report,
    is_interval_report,
)
from gcbatch.simulator.tutorials.queue_summary import answer_queue_summary

__all__ = ["Simulator"]

ACTION_PERMISSIONS: Final = ("integrations:action:view", "bridge:actions:view")

ACCEPTING_TURNS: Final = 4
"""Turns of the loop after which a connection that was just accepted is known.

A server that closes before loses it: it stays open (CPython 3.11 to 3.13, issue 109564,
read 2026-11-27; seen with one turn, in a run that failed while others connected).
"""

SUMMARY: Final = "/api/v2/analytics/queues/summary"
SUMMARY_PERMISSION: Final = "analytics:conversationAggregate:view"

STRUCK: Final = web.RequestKey("STRUCK", tuple[str, ...])
"""Kinds of the faults that befell a request."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Simulator:
    """One organisation behind the API of the service, API and login on one URL.

    Use it as an async context manager, or call `start` and `stop`.

    Args:
        tenant: What it knows.
        host: Address to listen on.
        port: 0 takes a free one.
        client_id: The OAuth client.
        client_secret: Its secret.
        faults: What goes wrong; None is nothing. Can be changed while running.
        requests_allowed: API requests of the client in a window.
        window_s: Length of a window in seconds.
        token_lifetime_s: Seconds that a token lasts.
        wrong_secret_status: What a wrong secret is answered with; 400 or 401.
        default_page_size: Entities a page of a listing.
        max_page_size: Most entities a page of a listing.
        max_listed_users: User of a listing that no page may lie beyond, of those in
            one state or of all, whatever was asked for; None is without limit.
        max_results: Most rows of an aggregates answer; None is without limit.
        max_intervals: Longest interval of an aggregates query by granularity.
        hours_from: What aggregates count buckets of less than a day from: each local
            `midnight`, each midnight in `utc`, or the `start` of the interval.
        max_body_bytes: Largest body of a request.
        summary_page_size: Most rows a page of the second tutorial's summary.
        max_detail_results: Row of a details query that no page may lie beyond.
        detail_matching: Which conversations the interval of a details query means:
            those whose UTC day of start it touches, as the service's documentation
            says, or those that were going on in it.
        job_polls: Requests for a job's status that find it still running.
        job_delay_s: Seconds that a job runs at least, by the clock.
        job_lifetime_s: Seconds that the results of a job are kept once it is done.
        max_jobs_in_flight: Most jobs running at once; None is without limit.
        job_splits_buckets: Whether the metrics of one bucket may go over the edge of
            a page of an aggregates job.
        details_available_until: How far the data that jobs for details read have
            come: what began then or later is missing from their results. None is
            now, with nothing missing.
        permissions: What the client's role has; None is everything.
        max_journal_entries: Most requests that the journal keeps, the last ones; None
            is without limit.
        clock: Seconds, monotonic; windows, tokens and the journal go by it.
        now: The present time, UTC, as answers tell it in their Date; None is the
            machine's.

    Attributes:
        journal: The requests so far.
        faults: What goes wrong.
        quota: The client's window; `quota.allowed` may be changed.
        details_available_until: As above; may be changed while running.
        in_flight: Requests being answered.
        peak_in_flight: The most there were at once.
        now: As above; may be changed while running.
    """

    def __init__(
        self,
        tenant: Tenant,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        client_id: str = "simulator",
        client_secret: str = "simulator-secret",  # noqa: S107 - public on purpose
        faults: Faults | None = None,
        requests_allowed: int = 300,
        window_s: float = 60.0,
        token_lifetime_s: float = 86_399,
        wrong_secret_status: int = 401,
        default_page_size: int = 25,
        max_page_size: int = 100,
        max_listed_users: int | None = None,
        max_results: int | None = 30_000,
        max_intervals: Mapping[str | None, timedelta] | None = None,
        hours_from: HoursFrom = "midnight",
        max_body_bytes: int = 512_000,
        summary_page_size: int = 100,
        max_detail_results: int = 100_000,
        detail_matching: Matching = "start-day",
        job_polls: int = 1,
        job_delay_s: float = 0.0,
        job_lifetime_s: float = 86_400.0,
        max_jobs_in_flight: int | None = None,
        job_splits_buckets: bool = False,
        details_available_until: datetime | None = None,
        permissions: frozenset[str] | None = None,
        max_journal_entries: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.tenant = tenant
        self.client_id = client_id
        self.client_secret = client_secret
        self.journal = Journal(max_journal_entries)
        self.faults = Faults() if faults is None else faults
        self.quota = Quota(allowed=requests_allowed, window_s=window_s, clock=clock)
        self._access = Access(
            client_id=client_id,
            client_secret=client_secret,
            lifetime_s=token_lifetime_s,
            clock=clock,
            permissions=permissions,
            wrong_secret_status=wrong_secret_status,
        )
        self._listings = Listings(
            tenant, default_page_size, max_page_size, max_listed_users
        )
        self._limits = Limits(max_results, max_intervals or {}, hours_from)
        self._details = Details(tenant, detail_matching, max_detail_results)
        self.details_available_until = details_available_until
        rules = JobRules(job_polls, job_delay_s, job_lifetime_s, max_jobs_in_flight)
        self._jobs = JobRoutes(
            tenant,
            Jobs(rules, clock),
            self._limits,
            job_splits_buckets,
            lambda: self.details_available_until,
            self._details.shows,
        )
        self.in_flight = 0
        self.peak_in_flight = 0
        self._max_body_bytes = max_body_bytes
        self._summary_page_size = summary_page_size
        self._clock = clock
        self.now = now
        self._address = (host, port)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens, for API and login; without a slash at the end.

        Raises:
            RuntimeError: If it is not running.
        """
        if self._runner is None:
            msg = "the simulator is not running"
            raise RuntimeError(msg)
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: If the address cannot be had.
        """
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, *self._address).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening and drop open connections; harmless if not running."""
        if self._runner is not None:
            for _ in range(ACCEPTING_TURNS):
                await asyncio.sleep(0)
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def data_requests(self) -> int:
        """Number of analytics queries answered with 200."""
        return len(self.journal.data_requests)

    @property
    def throttled(self) -> int:
        """Number of requests answered with 429."""
        return len(self.journal.throttled)

    @property
    def tokens_granted(self) -> int:
        """Number of tokens handed out."""
        return self._access.granted

    def requests(self, path_part: str = "") -> list[Entry]:
        """Return the journal's entries whose path contains *path_part*."""
        return self.journal.requests(path_part)

    def revoke_tokens(self) -> None:
        """Refuse every token granted so far."""
        self._access.revoke()

    def release_late(self) -> None:
        """Show the conversations that details queries have held back so far."""
        self._details.release_late()

    def _app(self) -> web.Application:
        # the middleware checks sizes: aiohttp's own refusal would not be JSON
        app = web.Application(middlewares=[self._front], client_max_size=0)
        app.router.add_post("/oauth/token", self._token)
        app.router.add_post("/v2/oauth/token", self._token_by_json)
        for family in FAMILIES:
            app.router.add_post(
                f"/api/v2/analytics/{family.path}/aggregates/query",
                partial(self._aggregates, family),
            )
        app.router.add_post(SUMMARY, self._queue_summary)
        for details_route in self._details.routes():
            app.router.add_post(
                details_route.path, partial(self._detail, details_route)
            )
        for job_route in self._jobs:
            app.router.add_route(
                job_route.method, job_route.path, partial(self._job, job_route)
            )
        for route in self._listings.routes():
            app.router.add_get(route.path, partial(self._get, route))
        return app

    @web.middleware
    async def _front(
        self, request: web.Request, handler: _Handler
    ) -> web.StreamResponse:
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            return await self._answer(request, handler)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.Request, handler: _Handler) -> web.Response:
        """Note a request, let it in, let faults befall it, and see it off."""
        entry = Entry(
            method=request.method,
            path=request.path,
            query=request.query_string,
            at=self._clock(),
            correlation_id=str(uuid.uuid4()),
        )
        self.journal.add(entry)
        is_api = request.path.startswith("/api/")
        faults: tuple[Fault, ...] = ()
        try:
            await self._note_body(request, entry, is_api=is_api)
            if is_api:
                self._admit(request, entry)
            faults = self.faults.strike(request.path, entry.request)
            entry.faults = request[STRUCK] = tuple(fault.kind for fault in faults)
            await stall(faults)
            response = instead_of_answer(faults, self.quota.allowed)
            if response is None:
                response = await self._handled(request, handler, entry)
        except Problem as problem:
            response = json_response(
                problem.body(entry.correlation_id), problem.status, problem.headers
            )
        spoil(response, faults, entry.request)
        if is_api and not any(fault.hides_quota for fault in faults):
            for name, value in self.quota.standing().headers().items():
                response.headers.setdefault(name, value)
        response.headers["ININ-Correlation-Id"] = entry.correlation_id
        if self.now is not None:  # else aiohttp adds the machine's
            response.headers["Date"] = format_datetime(self.now(), usegmt=True)
        return await send(request, response, faults, entry)

    async def _note_body(
        self, request: web.Request, entry: Entry, *, is_api: bool
    ) -> None:
        body = await request.read()
        entry.request_bytes = len(body)
        if is_api and body:
            with contextlib.suppress(orjson.JSONDecodeError):
                entry.request = orjson.loads(body)

    def _admit(self, request: web.Request, entry: Entry) -> None:
        authorization = request.headers.get("Authorization", "")
        if " " in authorization:
            entry.token_id = token_id(authorization.partition(" ")[2])
        self._access.admit(authorization)
        standing = self.quota.count()
        if standing.exceeded:
            raise throttled(standing.wait_s, allowed=standing.allowed)

    async def _handled(
        self, request: web.Request, handler: _Handler, entry: Entry
    ) -> web.Response:
        if entry.request_bytes > self._max_body_bytes:
            raise too_large(self._max_body_bytes)
        try:
            # every handler here answers in one piece; aiohttp's type allows more
            return cast("web.Response", await handler(request))
        except TokenRefusal as refusal:
            return json_response(refusal.body, refusal.status)
        except web.HTTPException as unknown:  # no such path, or not by this method
            raise Problem(
                unknown.status,
                unknown.reason.lower(),
                f"HTTP {unknown.status} {unknown.reason}",
            ) from None

    async def _token(self, request: web.Request) -> web.Response:
        authorization = request.headers.get("Authorization", "")
        form = await request.post()
        return json_response(self._access.grant(authorization, form))

    async def _token_by_json(self, request: web.Request) -> web.Response:
        return json_response(self._access.grant_json(await request.read()))

    async def _get(self, route: Route, request: web.Request) -> web.Response:
        if route.permission is not None:
            self._access.permit(route.permission)
        return json_response(route.answer(request))

    async def _aggregates(self, family: Family, request: web.Request) -> web.Response:
        either = ACTION_PERMISSIONS if family.model == "Action" else ()
        body = await self._query_body(request, *(either or (family.permission,)))
        if family.model == "Conversation" and is_interval_report(body):
            report = answer_interval_report(
                self.tenant, body, request.query, request[STRUCK]
            )
            return json_response(report)
        query = read_query(body, family, self._limits)
        answer = answer_query(query, events_of(self.tenant), self._limits)
        return json_response(answer)

    async def _detail(self, route: DetailsRoute, request: web.Request) -> web.Response:
        page = route.answer(await self._query_body(request, route.permission))
        return web.Response(body=page, content_type="application/json")

    async def _job(self, route: JobRoute, request: web.Request) -> web.Response:
        if route.method == "POST":
            body = await self._query_body(request, *route.permissions)
        else:
            self._access.permit(*route.permissions)
            body = b""
        return route.answer(request, body, request[STRUCK])

    async def _queue_summary(self, request: web.Request) -> web.Response:
        body = await self._query_body(request, SUMMARY_PERMISSION)
        answer = answer_queue_summary(
            self.tenant, body, self._summary_page_size, request[STRUCK]
        )
        return json_response(answer)

    async def _query_body(self, request: web.Request, *permissions: str) -> bytes:
        self._access.permit(*permissions)
        if request.content_type != "application/json":
            raise unsupported_media_type()
        return await request.read()
