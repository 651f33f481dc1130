"""Says while it lasts that an object store has not answered any request yet."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer
from typing import Final

from gcbatch.objects.url import ObjectUrl

__all__ = ["FirstAnswer"]

log = logging.getLogger("gcbatch.objects")

SAID_AFTER: Final = timedelta(seconds=5)


class FirstAnswer:
    """Whether a service has answered; several threads may use it.

    A wrong endpoint shows at the first request. The library repeats it without a word:
    for some seconds where nothing listens, for minutes where nothing answers.

    Args:
        url: The bucket.
        after: For how long a request may go without an answer before that is said.
    """

    def __init__(self, url: ObjectUrl, after: timedelta = SAID_AFTER) -> None:
        self._url = url
        self._after = after
        self._has_come = False

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Say once that there is none yet, if the block lasts for too long."""
        if self._has_come:
            yield
            return
        timer = Timer(self._after.total_seconds(), self._say)
        timer.daemon = True
        timer.start()
        try:
            yield
            self._has_come = True
        finally:
            timer.cancel()

    def _say(self) -> None:
        log.info(
            "%s: the service has not answered yet and is asked again; if it stays so, "
            "check the endpoint and the network",
            self._url,
        )
