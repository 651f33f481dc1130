"""What is said when an object store refuses."""

import pytest

from gcbatch.objects.problems import (
    DELETE,
    LIST,
    READ,
    WRITE,
    Operation,
    is_broken,
    object_error,
)

URL = "s3://bucket/key"

UNMADE = """HTTP error: error sending request
    kind: Timeout, source: hyper_util::client::legacy::Error(
        Connect, ConnectError("tcp connect error", Custom { kind: TimedOut })
"""
"""What the library says of a host that does not take a connection in time."""


def answer(status: int, code: str = "", rest: str = "") -> Exception:
    """Return an error as the library words one."""
    body = f"<Error><Code>{code}</Code><Message>Hidden words</Message>{rest}</Error>"
    return Exception(
        "Generic S3 error: Error performing PUT https://bucket.host/key in 1ms - "
        f"Server returned non-2xx status code: {status}: {body if code else ''}"
    )


@pytest.mark.parametrize(
    ("does", "exc", "said"),
    [
        (
            WRITE,
            answer(403, "AccessDenied"),
            "cannot be written: s3:PutObject is refused",
        ),
        (READ, answer(403), "cannot be read: s3:GetObject is refused (403)"),
        (LIST, answer(403, "AllAccessDisabled"), "s3:ListBucket is refused"),
        (WRITE, answer(404, "NoSuchBucket"), "there is no such bucket"),
        (WRITE, answer(403, "RequestTimeTooSkewed"), "the clock of this machine"),
        (WRITE, answer(400, "ExpiredToken"), "the credentials have expired"),
        (WRITE, answer(403, "SignatureDoesNotMatch"), "the secret key is wrong"),
        (WRITE, answer(301, "PermanentRedirect"), "in another region"),
        (
            WRITE,
            answer(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
            "the bucket is in region eu-west-1",
        ),
        (WRITE, answer(503, "SlowDown"), "takes no more requests now (503 SlowDown)"),
        (WRITE, answer(500, "InternalError"), "the service failed (500 InternalError)"),
        (
            WRITE,
            Exception("Error performing PUT http://169.254.169.254/latest/api/token"),
            "there are no credentials",
        ),
        (
            DELETE,
            Exception("DeleteObjects request failed for key k: (code: AccessDenied)"),
            "cannot be removed: s3:DeleteObject is refused",
        ),
        (
            DELETE,
            Exception("failed: The specified container does not exist. (code: 404)"),
            "there is no such container (ContainerNotFound)",
        ),
        (WRITE, Exception("HTTP error: kind: Connect"), "cannot be reached"),
        (WRITE, Exception(UNMADE), "the service cannot be reached"),
        (WRITE, Exception("HTTP error: kind: Timeout"), "did not answer in time"),
        (WRITE, Exception("anything else"), "the connection broke"),
    ],
)
def test_cause_and_permission_are_named(
    does: Operation, exc: Exception, said: str
) -> None:
    """With the object, and without the words of the service."""
    error = object_error(URL, "s3", does, exc)

    assert error.problem.startswith(f"{URL}: cannot be ")
    assert said in error.problem
    assert error.exit_code == 6
    assert error.hint
    assert "Hidden" not in error.problem


@pytest.mark.parametrize(
    ("scheme", "permission"),
    [("s3", "s3:PutObject"), ("az", "blobs/write"), ("gs", "storage.objects.create")],
)
def test_each_cloud_has_its_own_name_of_a_permission(
    scheme: str, permission: str
) -> None:
    """The one that its console shows."""
    error = object_error(URL, scheme, WRITE, answer(403, "AccessDenied"))

    assert permission in error.problem


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("kind: Interrupted", True),
        ("kind: Timeout", True),
        (UNMADE, False),
        ("kind: Connect", False),
    ],
)
def test_a_connection_that_was_never_made_did_not_break(
    text: str, *, broken: bool
) -> None:
    """It is not waited for again: nothing has been done by it."""
    assert is_broken(Exception(text)) == broken
