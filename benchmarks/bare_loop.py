"""A minimal program that fetches conversations: aiohttp, orjson and nothing else.

`python -m benchmarks.bare_loop URL ID SECRET INTERVAL PATH [--as-they-come]` writes
the conversations of an interval to JSON Lines, ten pages in flight. It checks nothing,
repeats no request, has no rate limit and cannot resume.

Rows are written in the service's order: it waits for ten pages, then writes them. With
--as-they-come it writes each page when it arrives: less work, because it holds only one
page, but the rows have no order.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import aiohttp
import orjson

IN_FLIGHT: Final = 10
PAGE: Final = 100


class _Loop:
    """Asks for pages of one interval."""

    def __init__(self, session: aiohttp.ClientSession, url: str, interval: str) -> None:
        self._session = session
        self._url = f"{url}/api/v2/analytics/conversations/details/query"
        self._interval = interval

    async def page(self, number: int) -> Any:
        """Return a page; the first is 1."""
        body = {
            "interval": self._interval,
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": {"pageSize": PAGE, "pageNumber": number},
        }
        async with self._session.post(self._url, data=orjson.dumps(body)) as response:
            response.raise_for_status()
            return await response.json(loads=orjson.loads)

    async def in_order(self, pages: range, file: BinaryIO) -> None:
        """Write pages in their order, IN_FLIGHT at once."""
        for start in range(pages.start, pages.stop, IN_FLIGHT):
            some = range(start, min(start + IN_FLIGHT, pages.stop))
            for page in await asyncio.gather(*map(self.page, some)):
                write(page, file)

    async def as_they_come(self, pages: range, file: BinaryIO) -> None:
        """Write each page when it arrives."""
        slots = asyncio.Semaphore(IN_FLIGHT)

        async def one(number: int) -> None:
            async with slots:
                write(await self.page(number), file)

        await asyncio.gather(*map(one, pages))


def write(page: Any, file: BinaryIO) -> None:
    """Write the conversations of a page, a line each."""
    file.writelines(
        orjson.dumps(conversation, option=orjson.OPT_APPEND_NEWLINE)
        for conversation in page["conversations"]
    )


async def fetch(
    url: str, client_id: str, secret: str, interval: str, path: Path, *, ordered: bool
) -> None:
    """Fetch all pages of an interval."""
    basic = aiohttp.encode_basic_auth(client_id, secret)
    async with aiohttp.ClientSession() as session:
        form = {"grant_type": "client_credentials"}
        async with session.post(
            f"{url}/oauth/token", data=form, headers={"Authorization": basic}
        ) as response:
            token = (await response.json())["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        session.headers["Content-Type"] = "application/json"
        loop = _Loop(session, url, interval)
        with path.open("wb") as file:
            first = await loop.page(1)
            write(first, file)
            pages = range(2, -(-first["totalHits"] // PAGE) + 1)
            await (loop.in_order if ordered else loop.as_they_come)(pages, file)


def main() -> None:
    """Fetch what the command line says."""
    url, client_id, secret, interval, path, *options = sys.argv[1:]
    ordered = "--as-they-come" not in options
    asyncio.run(fetch(url, client_id, secret, interval, Path(path), ordered=ordered))


if __name__ == "__main__":
    main()
