"""The section `storage:`: object stores, where the environment does not say it."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from gcbatch.exporting import LocalPath, Secret, SecretFile, reveal
from gcbatch.job.section import Section
from gcbatch.objects import (
    AzSettings,
    Buckets,
    GsSettings,
    S3Settings,
    StorageSettings,
    endpoint_fault,
    shown_endpoint,
)

__all__ = ["AzSection", "GsSection", "S3Section", "StorageSection"]


def _check_endpoint(url: str) -> str:
    if fault := endpoint_fault(url):
        msg = f"{shown_endpoint(url)} {fault}"
        raise ValueError(msg)
    return url.rstrip("/")


Endpoint = Annotated[str, AfterValidator(_check_endpoint)]


class S3Section(Section):
    """The section `storage.s3`: S3, and services that speak its protocol.

    Args:
        endpoint: Address of the service, if it is not Amazon's; plain http is allowed
            for loopback only. Default: `AWS_ENDPOINT_URL`.
        region: The region of the bucket. Default: `AWS_REGION`, or that of the profile.
        access_key_id: Id of the access key. Default: AWS's own chain, which is
            environment, web identity, profile, and the role of the machine.
        secret_access_key: Its secret.
        session_token: Token of temporary credentials.
        profile: A profile of `~/.aws/config`. Default: `AWS_PROFILE`.
        path_style: Whether the bucket is in the path of a request, not in its host.
            Default: `true` with an endpoint.
    """

    endpoint: Endpoint | None = None
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] | None = None
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    profile: Annotated[str, Field(min_length=1)] | None = None
    path_style: bool | None = None


class AzSection(Section):
    """The section `storage.az`: Azure Blob Storage.

    Args:
        account: Name of the storage account. Default: `AZURE_STORAGE_ACCOUNT_NAME`.
        endpoint: Address of the account, if it is not in the public cloud; plain http
            is allowed for loopback only.
        account_key: Key of the account. Default: Azure's own chain, which is
            environment, workload identity, and the identity of the machine.
        sas_token: A shared access signature instead of the key.
    """

    account: Annotated[str, Field(min_length=1)] | None = None
    endpoint: Endpoint | None = None
    account_key: Secret | None = None
    sas_token: Secret | None = None


class GsSection(Section):
    """The section `storage.gs`: Google Cloud Storage.

    Args:
        endpoint: Address of the service, if it is not Google's; plain http is allowed
            for loopback only.
        service_account: File of the key of a service account. Default: Google's own
            chain, which is `GOOGLE_APPLICATION_CREDENTIALS`, the credentials of
            `gcloud`, and the account of the machine.
    """

    endpoint: Endpoint | None = None
    service_account: LocalPath | None = None


class StorageSection(Section):
    """The section `storage:`: object stores, where the environment does not say it.

    Args:
        s3: For `s3://` paths. Default: each key's own.
        az: For `az://` paths. Default: each key's own.
        gs: For `gs://` paths. Default: each key's own.
    """

    s3: S3Section = S3Section()
    az: AzSection = AzSection()
    gs: GsSection = GsSection()

    def buckets(self) -> Buckets:
        """Return the buckets of a run, none of them opened yet.

        Raises:
            JobError: As settings does.
        """
        return Buckets(self.settings())

    def settings(self) -> StorageSettings:
        """Return the settings with their secrets; files of secrets are read now.

        Raises:
            JobError: If the file of a secret cannot be read.
        """
        s3, az, gs = self.s3, self.az, self.gs
        return StorageSettings(
            S3Settings(
                s3.endpoint,
                s3.region,
                access_key_id=_revealed(s3.access_key_id),
                secret_access_key=_revealed(s3.secret_access_key),
                session_token=_revealed(s3.session_token),
                profile=s3.profile,
                path_style=s3.path_style,
            ),
            AzSettings(
                az.account,
                az.endpoint,
                account_key=_revealed(az.account_key),
                sas_token=_revealed(az.sas_token),
            ),
            GsSettings(
                gs.endpoint,
                None if gs.service_account is None else str(gs.service_account),
            ),
        )


def _revealed(secret: SecretStr | SecretFile | None) -> str | None:
    return None if secret is None else reveal(secret)
