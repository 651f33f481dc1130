"""What a machine lacks: its tests are skipped, or fail where they have to run."""

import os
from typing import NoReturn

import pytest

__all__ = ["require"]


def require(variable: str, why: str) -> NoReturn:
    """Skip a test, or fail it where the environment says that it has to run."""
    if os.environ.get(variable) == "1":
        pytest.fail(why)
    pytest.skip(why)
