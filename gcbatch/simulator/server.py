"""A local Genesys Cloud on a real socket."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from types import TracebackType
from typing import Final, Self, cast

import orjson
from aiohttp import web

from gcbatch.simulator.access import Access, TokenError, token_id
from gcbatch.simulator.aggregates.buckets import HoursFrom
from gcbatch.simulator.aggregates.query import Limits
from gcbatch.simulator.aggregates.routes import aggregate_routes
from gcbatch.simulator.async_job_routes import JobRoutes
from gcbatch.simulator.async_jobs.jobs import JobRules, Jobs
from gcbatch.simulator.delivery import (
    corrupt_response,
    replacement_response,
    send,
    stall,
)
from gcbatch.simulator.details.index import Matching
from gcbatch.simulator.details.routes import Details
from gcbatch.simulator.entity_listings import EntityListings
from gcbatch.simulator.faults.faults import Fault, Faults
from gcbatch.simulator.listings import Listings
from gcbatch.simulator.problems import (
    Problem,
    throttled,
    too_large,
    unsupported_media_type,
)
from gcbatch.simulator.quota import Quota
from gcbatch.simulator.request_log import Entry, RequestLog
from gcbatch.simulator.route import ApiRequest, Route, json_response
from gcbatch.simulator.tenant.tenant import Tenant
from gcbatch.simulator.tutorials.queue_summary import queue_summary_route

__all__ = ["Simulator"]

ACCEPTING_TURNS: Final = 4
"""Turns of the event loop after which the server knows a connection that it accepted.

A server that closes earlier leaves that connection open (CPython 3.11 to 3.13, issue
109564, read 2026-11-27; seen with one turn, in a run that failed while others
connected).
"""

FAULT_KINDS: Final = web.RequestKey("FAULT_KINDS", tuple[str, ...])
"""Kinds of the faults that apply to a request."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Simulator:
    """One organisation behind the API of the service; API and login share one URL.

    Use it as an async context manager, or call `start` and `stop`.

    Args:
        tenant: The organisation's data.
        host: Address to listen on.
        port: 0 chooses a free one.
        client_id: The OAuth client.
        client_secret: Its secret.
        faults: What goes wrong; None means nothing. Can be changed while running.
        requests_allowed: API requests of the client in a window.
        window_s: Length of a window in seconds.
        token_lifetime_s: Seconds that a token is valid.
        wrong_secret_status: Status of the answer to a wrong secret; 400 or 401.
        default_page_size: Entities of a page of a listing.
        max_page_size: Maximum entities of a page of a listing.
        max_listed_users: Number of the last user that a page may reach, in a listing
            of one state or of all; None is without limit.
        max_results: Maximum rows of an aggregates answer; None is without limit.
        max_intervals: Maximum interval of an aggregates query by granularity.
        hours_from: The origin of aggregates buckets of less than a day: each local
            `midnight`, each midnight in `utc`, or the `start` of the interval.
        max_body_bytes: Maximum body of a request.
        summary_page_size: Maximum rows of a page of the second tutorial's summary.
        max_detail_results: Number of the last row that a page of a details query
            may reach.
        detail_matching: Which conversations the interval of a details query selects:
            those whose UTC day of start it touches, as the service documents, or
            those that were going on in it.
        job_polls: Requests for a job's status that find it still running.
        job_delay_s: Minimum seconds that a job runs, by the clock.
        job_lifetime_s: Seconds that the results of a job are kept after it is done.
        max_jobs_in_flight: Maximum jobs running at once; None is without limit.
        job_splits_buckets: Whether the metrics of one bucket may be split between
            two pages of an aggregates job.
        details_available_until: Date of the data that jobs for details read: what
            began then or later is missing from their results. None means now, with
            nothing missing.
        permissions: The permissions of the client's role; None means all.
        max_logged_requests: The request log keeps the last so many; None keeps all.
        clock: Seconds, monotonic; windows, tokens and the request log use it.
        now: The present time, UTC, for the header Date; None is the machine's.

    Attributes:
        request_log: The requests so far.
        faults: What goes wrong.
        quota: The client's window; `quota.allowed` may be changed.
        details_available_until: As above; may be changed while running.
        in_flight: Requests that are not answered yet.
        peak_in_flight: The maximum of these so far.
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
        max_logged_requests: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.tenant = tenant
        self.client_id = client_id
        self.client_secret = client_secret
        self.request_log = RequestLog(max_logged_requests)
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
        self._entity_listings = EntityListings(tenant, default_page_size, max_page_size)
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
        """The URL of API and login; without a slash at the end.

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
            OSError: If it cannot listen on the address.
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
        return len(self.request_log.data_requests)

    @property
    def throttled(self) -> int:
        """Number of requests answered with 429."""
        return len(self.request_log.throttled)

    @property
    def tokens_granted(self) -> int:
        """Number of tokens granted."""
        return self._access.granted

    def requests(self, path_part: str = "") -> list[Entry]:
        """Return the log entries whose path contains *path_part*."""
        return self.request_log.requests(path_part)

    def revoke_tokens(self) -> None:
        """Refuse every token granted so far."""
        self._access.revoke()

    def release_late(self) -> None:
        """Show the conversations that were not visible so far."""
        self._details.release_late()

    def _routes(self) -> Iterator[Route]:
        """Yield every address below /api."""
        yield from aggregate_routes(self.tenant, self._limits)
        yield queue_summary_route(self.tenant, self._summary_page_size)
        yield from self._details.routes()
        yield from self._jobs
        yield from self._listings.routes()
        yield from self._entity_listings.routes()

    def _app(self) -> web.Application:
        # the middleware checks sizes: aiohttp's own error would not be JSON
        app = web.Application(middlewares=[self._count_in_flight], client_max_size=0)
        app.router.add_post("/oauth/token", self._token)
        app.router.add_post("/v2/oauth/token", self._token_by_json)
        for route in self._routes():
            app.router.add_route(route.method, route.path, partial(self._serve, route))
        return app

    @web.middleware
    async def _count_in_flight(
        self, request: web.Request, handler: _Handler
    ) -> web.StreamResponse:
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            return await self._respond(request, handler)
        finally:
            self.in_flight -= 1

    async def _respond(self, request: web.Request, handler: _Handler) -> web.Response:
        """Log a request, check it, apply faults, and send the response."""
        entry = Entry(
            method=request.method,
            path=request.path,
            query=request.query_string,
            at=self._clock(),
            correlation_id=str(uuid.uuid4()),
        )
        self.request_log.add(entry)
        is_api = request.path.startswith("/api/")
        faults: tuple[Fault, ...] = ()
        try:
            await self._log_body(request, entry, is_api=is_api)
            if is_api:
                self._check_token_and_quota(request, entry)
            faults = self.faults.trigger(request.path, entry.request)
            entry.faults = request[FAULT_KINDS] = tuple(fault.kind for fault in faults)
            await stall(faults)
            response = replacement_response(faults, self.quota.allowed)
            if response is None:
                response = await self._handle(request, handler, entry)
        except Problem as problem:
            response = json_response(
                problem.body(entry.correlation_id), problem.status, problem.headers
            )
        corrupt_response(response, faults, entry.request)
        if is_api and not any(fault.hides_quota for fault in faults):
            for name, value in self.quota.state().headers().items():
                response.headers.setdefault(name, value)
        response.headers["ININ-Correlation-Id"] = entry.correlation_id
        if self.now is not None:  # otherwise aiohttp adds the machine's
            response.headers["Date"] = format_datetime(self.now(), usegmt=True)
        return await send(request, response, faults, entry)

    async def _log_body(
        self, request: web.Request, entry: Entry, *, is_api: bool
    ) -> None:
        body = await request.read()
        entry.request_bytes = len(body)
        if is_api and body:
            with contextlib.suppress(orjson.JSONDecodeError):
                entry.request = orjson.loads(body)

    def _check_token_and_quota(self, request: web.Request, entry: Entry) -> None:
        authorization = request.headers.get("Authorization", "")
        if " " in authorization:
            entry.token_id = token_id(authorization.partition(" ")[2])
        self._access.check_token(authorization)
        state = self.quota.count()
        if state.exceeded:
            raise throttled(state.wait_s, allowed=state.allowed)

    async def _handle(
        self, request: web.Request, handler: _Handler, entry: Entry
    ) -> web.Response:
        if entry.request_bytes > self._max_body_bytes:
            raise too_large(self._max_body_bytes)
        try:
            # all handlers here return a Response; aiohttp's type allows more
            return cast("web.Response", await handler(request))
        except TokenError as error:
            return json_response(error.body, error.status)
        except web.HTTPException as unknown:  # unknown path, or another method
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

    async def _serve(self, route: Route, request: web.Request) -> web.Response:
        if route.permissions:
            self._access.check_permission(route.permissions)
        body = b""
        if route.method == "POST":
            if request.content_type != "application/json":
                raise unsupported_media_type()
            body = await request.read()
        faults = request[FAULT_KINDS]
        return route.answer(
            ApiRequest(request.path, request.query, request.match_info, body, faults)
        )
