"""Counts requests to object stores, whichever run or command sends them."""

import pytest

from gcbatch.objects import RequestMeter

__all__ = ["requests_of"]


def requests_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which the number of each request or several is added."""
    sent: list[int] = []
    add = RequestMeter.add

    def counted(meter: RequestMeter, count: int = 1) -> None:
        sent.append(count)
        add(meter, count)

    monkeypatch.setattr(RequestMeter, "add", counted)
    return sent
