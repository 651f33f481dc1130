"""Turns the errors of object stores into messages that name cause and way out."""

import re
from dataclasses import dataclass
from typing import Final

from gcbatch.errors import OutputError
from gcbatch.objects.url import ObjectUrl

__all__ = [
    "ChangedObjectError",
    "Operation",
    "failed_key",
    "is_broken",
    "is_unknown_upload",
    "lake_error",
    "object_error",
]

_STATUS: Final = r"status code: (\d{3})"
_CODE: Final = r"<Code>([A-Za-z0-9]{1,60})</Code>|\(code: (\w{1,60})\)"
_REGION: Final = r"<Region>([a-z0-9-]{1,30})</Region>|expecting '([a-z0-9-]{1,30})'"
_BROKEN: Final = r"kind: (?:Interrupted|Timeout)\b"
_UNREACHED: Final = r"kind: Connect\b|\bConnectError\(|\(Connect\)"
_FAILED: Final = "Server returned error response"
"""Of an error that stands in the body of an answer 200."""
_FAILED_KEY: Final = r"DeleteObjects request failed for key (.+?): "
_NO_CONTAINER: Final = "The specified container does not exist"
_REQUEST: Final = r"Error performing (?P<method>[A-Z]+|list request)\b"
_PATH: Final = r"\bfor path (.+?): |<Key>([^<]+)</Key>"
_COLOURS: Final = r"\x1b\[[0-9;]*m"
_CAUSED_BY: Final = r"\s*\n\s*\u21b3\s*"
_METADATA_SERVICE: Final = (
    r"169\.254\.(?:169\.254|170\.\d+)|metadata\.google\.internal|/latest/api/token"
)
"""Addresses that are asked for credentials where nothing else has any."""


class ChangedObjectError(Exception):
    """An object is not as it was when it was read, so it was not written."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done with an object.

    Args:
        verb: As in `cannot be VERB`.
        s3, az, gs: The permission that it takes in each cloud.
    """

    verb: str
    s3: str
    az: str
    gs: str

    def permission(self, scheme: str) -> str:
        """Return the permission that it takes."""
        return {"s3": self.s3, "az": self.az, "gs": self.gs}[scheme]


_BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"

READ: Final = Operation("read", "s3:GetObject", f"{_BLOBS}/read", "storage.objects.get")
WRITE: Final = Operation(
    "written", "s3:PutObject", f"{_BLOBS}/write", "storage.objects.create"
)
LIST: Final = Operation(
    "listed", "s3:ListBucket", f"{_BLOBS}/read", "storage.objects.list"
)
DELETE: Final = Operation(
    "removed", "s3:DeleteObject", f"{_BLOBS}/delete", "storage.objects.delete"
)

_METHODS: Final = {"GET": READ, "HEAD": READ, "list request": LIST, "DELETE": DELETE}
"""What a library does with a request; any other method writes."""

_SKEW_HINT: Final = "set the clock of this machine"
_KEYS_HINT: Final = "check the credentials of the environment, or `storage:` in the job"

_CAUSES: Final = {
    "NoSuchBucket": ("there is no such bucket", "create it, or check its name"),
    "ContainerNotFound": ("there is no such container", "create it, or check its name"),
    "InvalidBucketName": ("a bucket cannot have this name", "check its name"),
    "InvalidAccessKeyId": ("the service does not know the access key", _KEYS_HINT),
    "SignatureDoesNotMatch": ("the secret key is wrong", _KEYS_HINT),
    "AuthenticationFailed": ("the credentials are wrong", _KEYS_HINT),
    "InvalidToken": ("the session token is wrong", _KEYS_HINT),
    "ExpiredToken": ("the credentials have expired", "get new ones"),
    "TokenRefreshRequired": ("the credentials have expired", "get new ones"),
    "RequestTimeTooSkewed": ("the clock of this machine is wrong", _SKEW_HINT),
    "RequestExpired": ("the clock of this machine is wrong", _SKEW_HINT),
    "EntityTooLarge": ("the object is too large", "write it in partitions"),
    "InvalidObjectState": ("the object is archived", "restore it first"),
    "AccountIsDisabled": ("the storage account is disabled", "enable it"),
    "NotImplemented": (
        "the service does not support it",
        "use a service with conditional writes, such as S3 itself",
    ),
    "SlowDown": ("the service takes no more requests now", "run it again later"),
    "ServerBusy": ("the service takes no more requests now", "run it again later"),
}
_REFUSED: Final = {
    "AccessDenied",
    "AllAccessDisabled",
    "AuthorizationFailure",
    "AuthorizationPermissionMismatch",
    "InsufficientAccountPermissions",
}
_ELSEWHERE: Final = {
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "TemporaryRedirect",
}
_CONFLICTS: Final = ("409", "412")
"""Answers to a conditional write that another program was faster than."""

_FORBIDDEN: Final = 403
_REDIRECTS: Final = range(300, 400)


def is_broken(exc: Exception) -> bool:
    """Return whether the connection broke: something may have been done or not.

    One that was never made is no such: the library has repeated it for long.
    """
    text = str(exc)
    return bool(re.search(_BROKEN, text)) and not re.search(_UNREACHED, text)


def is_unknown_upload(exc: Exception) -> bool:
    """Return whether the service does not know an upload in pieces, or no longer."""
    return _first(_CODE, str(exc)) == "NoSuchUpload"


def object_error(
    url: object, scheme: str, does: Operation, exc: Exception
) -> OutputError:
    """Return the error to raise for one of the library's.

    Of what the service wrote, only its code is quoted.

    Args:
        url: The object, or what was listed.
        scheme: s3, az or gs.
        does: What was done.
        exc: The error of the library.
    """
    text = str(exc)
    status = _first(_STATUS, text)
    code = _first(_CODE, text)
    if _NO_CONTAINER in text:  # a removal has no code of it
        code = "ContainerNotFound"
    if re.search(_METADATA_SERVICE, text):
        cause, hint = "there are no credentials", _KEYS_HINT
    elif code in _CAUSES:
        cause, hint = _CAUSES[code]
    elif code in _ELSEWHERE or (status and int(status) in _REDIRECTS):
        region = _first(_REGION, text)
        cause = f"the bucket is in {f'region {region}' if region else 'another region'}"
        hint = f"set AWS_REGION{f'={region}' if region else ''}, or storage.s3.region"
    elif code in _REFUSED or status == str(_FORBIDDEN):
        cause = f"{does.permission(scheme)} is refused"
        hint = "allow it, or use other credentials"
    elif status or _FAILED in text:
        cause, hint = "the service failed", "run it again later"
    else:
        cause, hint = _without_answer(text), "check the endpoint and the network"
    detail = " ".join(filter(None, (status, code)))
    msg = f"{url}: cannot be {does.verb}: {cause}"
    return OutputError(msg + f" ({detail})" if detail else msg, hint=hint)


def failed_key(text: str) -> str:
    """Return the key that a request for several could not remove; empty if none."""
    return _first(_FAILED_KEY, text)


def lake_error(url: ObjectUrl, exc: BaseException) -> OutputError | None:
    """Return the error to raise for one of a library that uses object stores itself.

    Args:
        url: The folder that it works on.
        exc: Its error, with the text of the request that failed.

    Returns:
        None if the error is not of a request, or the request met another one.
    """
    text = re.sub(_CAUSED_BY, ": ", re.sub(_COLOURS, "", str(exc)))
    found = re.search(_REQUEST, text)
    if found is None or _first(_STATUS, text) in _CONFLICTS:
        return None
    does = _METHODS.get(found["method"], WRITE)
    key = "" if does is LIST else _first(_PATH, text)
    place = ObjectUrl(url.scheme, url.bucket, key) if key else url
    return object_error(place, url.scheme, does, Exception(text))


def _without_answer(text: str) -> str:
    """Return the cause of an error for which there was no answer."""
    if "dns error" in text or "failed to lookup" in text:
        return "the host of the service is not known"
    if "certificate" in text:
        return "the certificate of the service is not trusted"
    if re.search(_UNREACHED, text):
        return "the service cannot be reached"
    if "kind: Timeout" in text or "operation timed out" in text:
        return "the service did not answer in time"
    return "the connection broke"


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return next(filter(None, found.groups()), "") if found else ""
