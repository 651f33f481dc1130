"""408, 500, 502, 503: the service cannot answer now."""

from http import HTTPStatus
from typing import Final

from gcbatch.genesys.retry import Rule, of_status

__all__ = ["RULE"]

RULE: Final = Rule(
    fits=of_status(
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
)
