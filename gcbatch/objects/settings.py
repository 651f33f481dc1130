"""What a job says of its object stores; the rest comes from the cloud's own chain."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit

from gcbatch.genesys import is_loopback

__all__ = [
    "AzSettings",
    "GsSettings",
    "S3Settings",
    "StorageSettings",
    "endpoint_fault",
    "shown_endpoint",
]

_BEHIND_PATH: Final = re.compile(r"[?#]")


def endpoint_fault(endpoint: str) -> str | None:
    """Return what is wrong with the URL of a service; None if nothing is."""
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname, url.port
    except ValueError:
        return "is not a URL"
    if url.scheme not in ("http", "https") or not host:
        return "is not a URL; write https://host"
    if url.username or url.password or url.query or url.fragment:
        return "has more than a host, a port and a path"
    is_here = is_loopback(endpoint) or host.endswith(".localhost")
    if url.scheme == "http" and not is_here:
        return "sends data unencrypted; write https://, http:// is for 127.0.0.1 alone"
    return None


def shown_endpoint(endpoint: str) -> str:
    """Return the URL of a service without what may be a password or a signature."""
    place = _BEHIND_PATH.split(endpoint, 1)[0]
    scheme, colon, rest = place.rpartition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}{colon}{'…' if user else ''}{at}{host}"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Access to S3, or to a service that speaks its protocol.

    What is None or empty comes from the environment.

    Args:
        endpoint: URL of the service.
        region: Such as `eu-west-1`.
        access_key_id: Id of the access key.
        secret_access_key: Its secret.
        session_token: Token of temporary credentials.
        profile: A profile of ~/.aws/config.
        path_style: Whether the bucket stands in the path of a URL, not in its host.
    """

    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None
    path_style: bool | None = None

    def options(self) -> dict[str, Any]:
        """Return the options of obstore."""
        style = None if self.path_style is None else not self.path_style
        return {
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "session_token": self.session_token,
            "virtual_hosted_style_request": style,
        }


@dataclass(frozen=True, slots=True)
class AzSettings:
    """Access to Azure Blob Storage.

    Args:
        account: Name of the storage account.
        endpoint: URL of the account, if it is not that of the public cloud.
        account_key: Key of the account.
        sas_token: Shared access signature.
    """

    account: str | None = None
    endpoint: str | None = None
    account_key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """Return the options of obstore."""
        return {
            "account_name": self.account,
            "endpoint": self.endpoint,
            "account_key": self.account_key,
            "sas_key": self.sas_token,
        }


@dataclass(frozen=True, slots=True)
class GsSettings:
    """Access to Google Cloud Storage.

    Args:
        endpoint: URL of the service, if it is not Google's.
        service_account: File of a service account's key.
    """

    endpoint: str | None = None
    service_account: str | None = None

    def options(self) -> dict[str, Any]:
        """Return the options of obstore."""
        return {"base_url": self.endpoint, "service_account": self.service_account}


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """What a job says of its object stores, by scheme."""

    s3: S3Settings = S3Settings()
    az: AzSettings = AzSettings()
    gs: GsSettings = GsSettings()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, secrets included."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Return what to_json described."""
        return cls(
            S3Settings(**raw["s3"]), AzSettings(**raw["az"]), GsSettings(**raw["gs"])
        )

    def of(self, scheme: str) -> S3Settings | AzSettings | GsSettings:
        """Return the settings of a scheme: s3, az or gs."""
        by_scheme: dict[str, S3Settings | AzSettings | GsSettings] = {
            "s3": self.s3,
            "az": self.az,
            "gs": self.gs,
        }
        return by_scheme[scheme]
