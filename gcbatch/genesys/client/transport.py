"""One HTTP exchange: bounded in time and size, with errors of our own."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from gcbatch.errors import ServiceError
from gcbatch.genesys import ServiceClock
from gcbatch.genesys.client.body_reader import ForeignBodyError
from gcbatch.genesys.client.network import check_trust, proxy_for
from gcbatch.lazy import lazy_import
from gcbatch.text import one_line

if TYPE_CHECKING:
    import aiohttp
else:
    # A run that finds everything stored sends no request.
    aiohttp = lazy_import("aiohttp")

__all__ = [
    "ANALYTICS",
    "ConnectError",
    "ForeignAnswerError",
    "ReadError",
    "ReadTimeoutError",
    "Response",
    "Transport",
    "open_transport",
    "unreadable",
]

USER_AGENT: Final = f"gcbatch/{version('gcbatch')}"
CONNECT_TIMEOUT_S: Final = 20.0

ANALYTICS: Final = "/api/v2/analytics/"
"""Begins the paths of data requests, which the query section of a job determines.
Other paths list entities."""

OnGrowth = Callable[[int], Awaitable[None] | None]
"""Receives the number of bytes of an answer so far; returns a wait before more may
come, or None. The wait does not count as time of the exchange."""


class ConnectError(Exception):
    """No connection: the address refuses it, or its name does not resolve."""


class ReadError(Exception):
    """No usable answer came: the connection was reset, the body cut off, or too late.

    Args:
        cause: A word or two, by which such losses are counted.
        detail: What was found; empty if the cause says it all.

    Attributes:
        hint: The next step if the error stays.
    """

    hint = "try again later"

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause


class ForeignAnswerError(ReadError):
    """A whole answer came, but to something else than the request."""

    hint = (
        "a gateway or proxy may answer in the service's place; try again later, and "
        "see if a newer gcbatch knows such answers"
    )

    def __init__(self, detail: str) -> None:
        super().__init__("foreign answer", detail)


class ReadTimeoutError(ReadError):
    """The answer did not come in time."""


def unreadable(exc: Exception) -> ReadError:
    """Return the loss that a body counts as; *exc* is one of DECODE_ERRORS."""
    if isinstance(exc, ForeignBodyError):
        return ForeignAnswerError(str(exc))
    return ReadError("damaged answer")


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer.

    Args:
        status: HTTP status.
        headers: Looked up without regard to case.
        body: After decompression.
        asked_at: When its request was sent, UTC, by the service's clock.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Transport:
    """Sends requests over one pool of connections.

    Args:
        session: The pool.
        timeout_s: Longest time of one exchange.
        max_response_bytes: Longest answer, after decompression; a longer one is an
            error.

    Attributes:
        clock: The service's clock, by the answers so far.
    """

    def __init__(
        self,
        session: "aiohttp.ClientSession",
        *,
        timeout_s: float,
        max_response_bytes: int,
    ) -> None:
        self._session = session
        self._timeout_s = timeout_s
        self._max_bytes = max_response_bytes
        self._proxies: dict[str, str | None] = {}
        self.clock = ServiceClock()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        grow: OnGrowth = lambda _size: None,
    ) -> Response:
        """Send one request and read the whole answer.

        Redirects are not followed: the API has none, and credentials must not
        travel to where an answer points.

        Raises:
            ConnectError: If no connection can be made.
            ReadError: If the answer does not come whole and in time.
            ServiceError: If the certificate is not trusted, the address redirects,
                the environment names a proxy or certificates that cannot be used, or
                the answer is longer than allowed.
        """
        proxy = self._proxy(url)
        sent_at, begun = datetime.now(UTC), time.monotonic()
        try:
            async with (
                asyncio.timeout(self._timeout_s) as limit,
                self._session.request(
                    method,
                    url,
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    proxy=proxy,
                ) as response,
            ):
                if response.status in (301, 302, 303, 307, 308):
                    msg = f"{method} {response.url.origin()}: redirects elsewhere"
                    raise ServiceError(msg, hint="check region, domain or api_url")
                if response.status < HTTPStatus.MULTIPLE_CHOICES:
                    # An error may come from a proxy, which has a clock of its own.
                    took = timedelta(seconds=time.monotonic() - begun)
                    date = response.headers.get("Date", "")
                    sent_at = self.clock.asked_at(date, sent_at, took)
                content = await self._read(response, method, grow, limit)
                return Response(response.status, response.headers, content, sent_at)
        except (
            aiohttp.ClientError,
            ssl.SSLError,
            TimeoutError,
            ConnectionError,
            UnicodeError,
            asyncio.IncompleteReadError,
        ) as exc:
            problem = _translated(exc, url)
        # Without its cause: the text of aiohttp may quote the answer's bytes or the
        # proxy's password.
        raise problem

    def _proxy(self, url: str) -> str | None:
        """Return the proxy that the environment names for *url*."""
        origin = _origin(url)
        if origin not in self._proxies:
            if origin.startswith("https:"):
                check_trust()
            self._proxies[origin] = proxy_for(origin)
        return self._proxies[origin]

    async def _read(
        self,
        response: "aiohttp.ClientResponse",
        method: str,
        grow: OnGrowth,
        limit: asyncio.Timeout,
    ) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_bytes:
                msg = (
                    f"{method} {response.url.path}: the answer is longer than "
                    f"{self._max_bytes} bytes"
                )
                hint = "raise fetch.max_response_bytes"
                if response.url.path.startswith(ANALYTICS):
                    hint += ", or set a shorter fetch.chunk"
                raise ServiceError(msg, hint=hint)
            if (wait := grow(size)) is not None:
                await _untimed(wait, limit)
        return b"".join(chunks)


def _translated(exc: Exception, url: str) -> Exception:
    """Return our error for one of aiohttp, of a request to *url*."""
    if isinstance(exc, (aiohttp.ClientSSLError, ssl.SSLError)):
        cause = getattr(exc, "certificate_error", exc)
        reason = getattr(cause, "verify_message", "")
        msg = f"{_origin(url)}: no trusted TLS connection"
        msg += f" ({one_line(reason)})" if reason else ""
        hint = "check the address; for a company's own CA set SSL_CERT_FILE"
        return ServiceError(msg, hint=hint)
    if reason := _unreachable_by(exc):
        return ConnectError(reason)
    if isinstance(exc, TimeoutError):
        return ReadTimeoutError("timeout")
    if isinstance(exc, (aiohttp.InvalidURL, UnicodeError)):
        msg = f"{url}: is not a usable address"
        return ServiceError(msg, hint="check api_url and login_url")
    return ReadError("connection lost")


def _unreachable_by(exc: Exception) -> str:
    """Return why no connection was made; empty if one was."""
    if isinstance(exc, aiohttp.ConnectionTimeoutError):
        return "the connection timed out"
    if isinstance(exc, aiohttp.ClientConnectorError):
        return exc.os_error.strerror or type(exc.os_error).__name__
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return f"the proxy answers {exc.status}"
    return ""


async def _untimed(wait: Awaitable[None], limit: asyncio.Timeout) -> None:
    """Await our own work, with the clock of the exchange stopped."""
    if (end := limit.when()) is None:
        await wait
        return
    now = asyncio.get_running_loop().time
    left = end - now()
    limit.reschedule(None)
    await wait
    limit.reschedule(now() + left)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


@asynccontextmanager
async def open_transport(
    *, timeout_s: float, connections: int, max_response_bytes: int
) -> AsyncIterator[Transport]:
    """Open a pool of connections; proxies come from the usual environment variables.

    aiohttp's trust_env would find them too, but it also reads ~/.netrc, and an entry
    there replaces the Authorization of every request (aiohttp 3.14). For the arguments
    see Transport; *connections* is the maximum open at once.
    """
    # Transport times the whole exchange, because it can stop the clock.
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=min(CONNECT_TIMEOUT_S, timeout_s)
    )
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(
        timeout=timeout,
        connector=connector,
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield Transport(
            session, timeout_s=timeout_s, max_response_bytes=max_response_bytes
        )
