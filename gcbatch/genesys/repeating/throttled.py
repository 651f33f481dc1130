"""429: the quota is used up. Everyone waits, as long as the service says."""

from http import HTTPStatus
from typing import Final

from gcbatch.genesys.retry import Rule, of_status, told_wait_s

__all__ = ["RULE"]

RULE: Final = Rule(
    fits=of_status(HTTPStatus.TOO_MANY_REQUESTS),
    told_s=told_wait_s,
    holds_all=True,
    # Alone among others that pass, it is the query that costs too much.
    is_heavy=lambda others_served: others_served,
)
