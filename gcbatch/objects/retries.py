"""How often a request to an object store is repeated, and after what pauses."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

__all__ = ["Retries"]


@dataclass(frozen=True, slots=True)
class Retries:
    """What is done after an answer 5xx or 429, or a broken connection.

    Args:
        most: How often a request is repeated.
        total: For how long it is repeated.
        first_pause: Before the first repetition; longer before each of the next.
        longest_pause: Before any of them.
    """

    most: int = 8
    total: timedelta = timedelta(minutes=3)
    first_pause: timedelta = timedelta(milliseconds=200)
    longest_pause: timedelta = timedelta(seconds=15)

    def options(self) -> dict[str, Any]:
        """Return the options of obstore."""
        return {
            "max_retries": self.most,
            "retry_timeout": self.total,
            "backoff": {
                "init_backoff": self.first_pause,
                "max_backoff": self.longest_pause,
                "base": 2,
            },
        }

    def lake_options(self) -> dict[str, str]:
        """Return the options of libraries that take texts."""
        return {
            "max_retries": str(self.most),
            "retry_timeout": f"{self.total.total_seconds():.0f}s",
            "backoff_config.init_backoff": _in_ms(self.first_pause),
            "backoff_config.max_backoff": _in_ms(self.longest_pause),
        }

    def pauses_s(self) -> Iterator[float]:
        """Yield the pause before each repetition, in seconds; ends when it is over."""
        over = time.monotonic() + self.total.total_seconds()
        longest_s = self.longest_pause.total_seconds()
        for number in range(self.most):
            pause_s = min(self.first_pause.total_seconds() * 2**number, longest_s)
            # Programs that failed together are not to come back together.
            pause_s *= random.uniform(0.5, 1)  # noqa: S311 - of pauses, not of secrets
            if time.monotonic() + pause_s > over:
                return
            yield pause_s


def _in_ms(pause: timedelta) -> str:
    return f"{pause // timedelta(milliseconds=1)}ms"
