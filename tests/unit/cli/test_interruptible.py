"""Work of another thread that Ctrl-C ends."""

import os
import signal
import threading

import pytest

from gcbatch.cli.interruptible import Interruptible


def test_it_returns_what_the_work_returns() -> None:
    """With the arguments that it was given."""
    assert Interruptible().call(int, "ff", base=16) == 255


def test_it_raises_what_the_work_raises() -> None:
    """Also a timeout of its own, which is not the wait's."""

    def fail() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        Interruptible().call(fail)


@pytest.mark.skipif(os.name == "nt", reason="a process cannot send itself Ctrl-C")
def test_ctrl_c_lets_the_work_end_and_then_goes_on() -> None:
    """The work sees it by `stop`; the next call begins as if nothing was."""
    calls, ended = Interruptible(), threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert calls.stop.wait(30)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        calls.call(work)

    assert ended.is_set()
    assert calls.call(calls.stop.is_set) is False
