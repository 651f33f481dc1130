"""Pages that are reached by a token each."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

from gcbatch.errors import DataError
from gcbatch.genesys.client import Answer

__all__ = ["check_end", "fetch_all_pages"]

MOST_PAGES: Final = 10_000
"""Of one query. Millions of rows, where plans ask for some ten thousand at once."""


class Page(Protocol):
    """A page that may name the next."""

    @property
    def next_token(self) -> str | None:
        """The token of the next page; None or empty on the last."""
        ...

    @property
    def page_count(self) -> float | None:
        """How many pages there are; None where that is not told."""
        ...


P = TypeVar("P", bound=Page)


async def fetch_all_pages(
    ask: Callable[[str | None], Awaitable[Answer[P]]], *, about: str
) -> list[Answer[P]]:
    """Read all pages of an answer.

    Args:
        ask: Asks for the page of a token; None is the first page.
        about: What is asked, for errors.

    Returns:
        The pages in order; an empty page does not end them, only a missing token does.

    Raises:
        DataError: If a token comes again, or new ones without end, or if fewer pages
            came than were announced; names the page and *about*.
        GcbatchError: As *ask* does.
    """
    pages: list[Answer[P]] = []
    seen: dict[str, int] = {}
    token: str | None = None
    while True:
        answer = await ask(token)
        pages.append(answer)
        token = answer.value.next_token
        if not token:
            _check_count(pages, about)
            return pages
        if token in seen:
            msg = (
                f"{about}: pages run in a loop: page {len(pages)} names the same next "
                f"page as page {seen[token]}"
            )
            raise DataError(msg, hint="ask the service's support; nothing was stored")
        seen[token] = len(pages)
        check_end(len(pages), about)


def check_end(count: int, about: str) -> None:
    """Refuse pages that lead on and on, always to new ones.

    Args:
        count: Pages that came, of which none is the last.
        about: What is asked.

    Raises:
        DataError: If there are more than any query has; names *about*.
    """
    if count >= MOST_PAGES:
        msg = f"{about}: its pages do not end: {count:,} came, and the last names more"
        raise DataError(msg, hint="ask the service's support; nothing was stored")


def _check_count(pages: Sequence[Answer[P]], about: str) -> None:
    due = max(page.value.page_count or 0 for page in pages)
    if len(pages) < due:
        msg = f"{about}: {len(pages)} of {due:,.0f} pages came, and none names the next"
        raise DataError(msg, hint="ask the service's support; nothing was stored")
