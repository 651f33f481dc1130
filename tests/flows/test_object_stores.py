"""Runs with their store in a bucket of a real S3 server: the tests of those on disk."""

from functools import partial

import pytest

from tests.conftest import Workspace, WorkspaceOf
from tests.flows.test_runs import (  # noqa: F401 - collected here too
    TestAgain,
    TestInterrupted,
    TestSettling,
    TestSeveralJobs,
)
from tests.support.s3_server import S3Bucket


@pytest.fixture
def workspace_of(workspace_of: WorkspaceOf, s3: S3Bucket) -> WorkspaceOf:
    """Start simulators, and let the stores be in the bucket."""
    return partial(workspace_of, bucket=s3)


@pytest.fixture
def workspace(workspace_of: WorkspaceOf) -> Workspace:
    """Start a simulator of the sample week."""
    return workspace_of()
