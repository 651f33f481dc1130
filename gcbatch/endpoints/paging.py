"""Reads pages that are reached by a token each."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from gcbatch.errors import DataError
from gcbatch.genesys.client import Answer

__all__ = ["check_end", "fetch_all_pages"]

MAX_PAGES: Final = 10_000
"""Of one query: millions of rows, where plans expect some ten thousand."""

_HINT: Final = "ask the service's support; nothing was stored"


class Page(Protocol):
    """A page that may name the next."""

    @property
    def next_token(self) -> str | None:
        """The token of the next page; None or empty on the last."""
        ...

    @property
    def page_count(self) -> float | None:
        """How many pages there are; None if the page does not say."""
        ...


P = TypeVar("P", bound=Page)


async def fetch_all_pages(
    fetch_page: Callable[[str | None], Awaitable[Answer[P]]], *, about: str
) -> list[Answer[P]]:
    """Return all pages of an answer, in order.

    An empty page does not end them, only a missing token does.

    Args:
        fetch_page: Requests the page of a token; None is the first page.
        about: The query, for errors.

    Raises:
        DataError: If a token repeats, if new ones come without end, or if fewer pages
            came than were announced; names the page and *about*.
        GcbatchError: As *fetch_page* does.
    """
    pages: list[Answer[P]] = []
    seen: dict[str, int] = {}
    token: str | None = None
    while True:
        answer = await fetch_page(token)
        pages.append(answer)
        token = answer.value.next_token
        if not token:
            break
        if token in seen:
            msg = (
                f"{about}: pages run in a loop: page {len(pages)} names the same next "
                f"page as page {seen[token]}"
            )
            raise DataError(msg, hint=_HINT)
        seen[token] = len(pages)
        check_end(len(pages), about)
    announced = max(page.value.page_count or 0 for page in pages)
    if len(pages) < announced:
        msg = (
            f"{about}: {len(pages)} of {announced:,.0f} pages came, and none names the "
            "next"
        )
        raise DataError(msg, hint=_HINT)
    return pages


def check_end(count: int, about: str) -> None:
    """Refuse pages that always name another new one.

    Args:
        count: Pages that came, of which none is the last.
        about: The query.

    Raises:
        DataError: If there are more than any query has; names *about*.
    """
    if count >= MAX_PAGES:
        msg = f"{about}: its pages do not end: {count:,} came, and the last names more"
        raise DataError(msg, hint=_HINT)
