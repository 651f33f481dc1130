"""Downloads the next parts of a plan while one is read."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Final

__all__ = ["ReadAhead"]

AT_ONCE: Final = 8
"""Downloads at once; more of them hardly raise the rate of one machine."""

AHEAD: Final = 16
"""Parts that are downloaded before they are asked for, at most."""


class ReadAhead:
    """Downloads what comes next; several threads may use it.

    Args:
        download: Downloads an object by its name; what it raises is raised again for
            whoever asks for that name.
        size_of: Returns the bytes of an object that has to be downloaded; 0 if it has
            not, or is missing.
        max_bytes: The most that is downloaded ahead.
    """

    def __init__(
        self,
        download: Callable[[str], None],
        size_of: Callable[[str], int],
        max_bytes: int,
    ) -> None:
        self._download = download
        self._size_of = size_of
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._order: Sequence[str] = ()
        self._places: dict[str, int] = {}
        self._reached = 0
        self._coming: dict[str, Future[None]] = {}

    def expect(self, names: Sequence[str]) -> None:
        """Say which objects will be read, in order."""
        with self._lock:
            self._order = names
            self._places = {name: place for place, name in enumerate(names)}
            self._reached = 0

    def has_come(self, name: str) -> bool:
        """Return whether an object was downloaded ahead; wait while that is under way.

        Raises:
            Exception: What the download raised.
        """
        with self._lock:
            coming = self._coming.pop(name, None)
        if coming is None or coming.cancel():
            return False
        coming.result()
        return True

    def go_on(self, name: str) -> None:
        """Begin to download what follows an object that is read now."""
        with self._lock:
            place = self._places.get(name)
            if place is None:
                return
            if not place < self._reached <= place + AHEAD + 1:
                self._reached = place + 1  # whoever reads has begun again
            self._drop_passed(place)
            ahead = sum(map(self._size_of, self._coming))
            # At its end a process waits for all that was submitted: no queue is kept.
            free = AT_ONCE - sum(not one.done() for one in self._coming.values())
            while free and self._reached < min(place + 1 + AHEAD, len(self._order)):
                following = self._order[self._reached]
                size = self._size_of(following)
                if ahead + size > self._max_bytes or len(self._coming) >= AHEAD:
                    break
                self._reached += 1
                if size and following not in self._coming:
                    ahead += size
                    free -= 1
                    self._coming[following] = self._submit(following)

    def _drop_passed(self, place: int) -> None:
        """Forget downloads that were not asked for: of another order, or passed."""
        for name, coming in [*self._coming.items()]:
            at = self._places.get(name, -1)
            if not place < at <= place + AHEAD and (coming.done() or coming.cancel()):
                del self._coming[name]

    def _submit(self, name: str) -> Future[None]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, "gcbatch-ahead")
        return self._threads.submit(self._download, name)
