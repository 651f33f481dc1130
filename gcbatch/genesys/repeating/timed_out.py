"""504: the service could not answer in time, maybe because so much was asked."""

from http import HTTPStatus
from typing import Final

from gcbatch.genesys.retry import Rule, of_status

__all__ = ["RULE"]

RULE: Final = Rule(
    fits=of_status(HTTPStatus.GATEWAY_TIMEOUT), is_heavy=lambda _others_served: True
)
