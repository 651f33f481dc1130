"""418: a teapot answers when it has brewed."""

from http import HTTPStatus
from typing import Final

from gcbatch.genesys.retry import Rule, of_status

__all__ = ["RULE"]

RULE: Final = Rule(
    fits=of_status(HTTPStatus.IM_A_TEAPOT), told_s=lambda _headers, _words, _now: 0.01
)
