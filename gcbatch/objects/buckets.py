"""Opens buckets by the cloud's own chain of credentials and a job's settings."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from gcbatch.errors import JobError
from gcbatch.lazy import lazy_import
from gcbatch.objects.bucket import Bucket, RequestMeter
from gcbatch.objects.retries import Retries
from gcbatch.objects.settings import (
    S3Settings,
    StorageSettings,
    endpoint_fault,
    shown_endpoint,
)
from gcbatch.objects.url import ObjectUrl

__all__ = ["Buckets"]

configparser = lazy_import("configparser")
obstore_store = lazy_import("obstore.store")

_CLIENT: Final = {"connect_timeout": "10s", "timeout": "120s", "user_agent": "gcbatch"}
_ENDPOINTS: Final = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_SAFE_COMMITS: Final = {"AWS_S3_ALLOW_UNSAFE_RENAME": "false"}
"""Commits never replace one another, whatever the environment says."""

_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")

_USUAL_REGION: Final = "us-east-1"
"""The region where none is named, as with obstore."""

_KEYS_OF_CHAIN: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Variables that give credentials before any profile does, unless one is named."""


class Buckets:
    """The buckets that a run uses, each opened once.

    Args:
        settings: What the job says of its object stores; None: nothing.
        environ: The environment of the process, which the library reads too.
        meter: Counts the requests.
        retries: How requests that fail are repeated.
    """

    def __init__(
        self,
        settings: StorageSettings | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        meter: RequestMeter | None = None,
        retries: Retries | None = None,
    ) -> None:
        self._settings = settings or StorageSettings()
        self._environ = environ
        self._opened: dict[tuple[str, str], Bucket] = {}
        self._lock = Lock()
        self._retries = retries or Retries()
        self.meter = meter or RequestMeter()

    def of(self, url: ObjectUrl) -> Bucket:
        """Return the bucket of an object.

        Raises:
            JobError: If the settings cannot be used.
        """
        with self._lock:
            known = self._opened.get((url.scheme, url.bucket))
            if known is None:
                known = self._open(ObjectUrl(url.scheme, url.bucket))
                self._opened[url.scheme, url.bucket] = known
            return known

    def lake_options(self, url: ObjectUrl) -> dict[str, str]:
        """Return the options of a library that opens a lake in a bucket by itself.

        They are those of the bucket, as the libraries with the same core in Rust name
        them. Temporary credentials of a profile are those of now.

        Raises:
            JobError: If the settings cannot be used.
        """
        options, client = self._options(ObjectUrl(url.scheme, url.bucket))
        if provide := options.pop("credential_provider", None):
            granted = provide()
            options["access_key_id"] = granted["access_key_id"]
            options["secret_access_key"] = granted["secret_access_key"]
            if granted["token"]:
                options["session_token"] = granted["token"]
        if url.scheme == "s3":
            if not self._from_environment(_REGIONS):
                options.setdefault("region", _USUAL_REGION)
            options = {f"AWS_{name.upper()}": value for name, value in options.items()}
            options |= _SAFE_COMMITS
        texts = {**options, **client, **self._retries.lake_options()}
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in texts.items()
        }

    def _open(self, url: ObjectUrl) -> Bucket:
        options, client = self._options(url)
        kinds = {
            "s3": obstore_store.S3Store,
            "az": obstore_store.AzureStore,
            "gs": obstore_store.GCSStore,
        }
        try:
            store = kinds[url.scheme](
                url.bucket,
                **options,
                client_options=client,
                retry_config=self._retries.options(),
            )
        except Exception as exc:  # noqa: BLE001 - the library's errors have no common base
            kind = type(exc).__name__
        else:
            return Bucket(url, store, self.meter, self._retries)
        # Raised out here: the library's error may quote what it was given.
        msg = f"{url}: the settings of the object store cannot be used ({kind})"
        raise JobError(msg, hint="check `storage:` in the job, and the environment")

    def _options(self, url: ObjectUrl) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the options of a store, and those of its client.

        Raises:
            JobError: If the endpoint cannot be used, or a profile has no credentials.
        """
        given = self._settings.of(url.scheme).options()
        options = {key: value for key, value in given.items() if value is not None}
        named = "base_url" if url.scheme == "gs" else "endpoint"
        endpoint = options.get(named) or self._from_environment(_ENDPOINTS[url.scheme])
        client: dict[str, Any] = dict(_CLIENT)
        if endpoint is not None:
            if fault := endpoint_fault(endpoint):
                msg = f"{url}: the endpoint {shown_endpoint(endpoint)} {fault}"
                raise JobError(msg, hint="correct it in `storage:` or the environment")
            client["allow_http"] = endpoint.startswith("http://")
            options[named] = endpoint
        if url.scheme == "s3":
            options["conditional_put"] = "etag"  # the environment may switch it off
            options |= self._of_profile(options)
            if "access_key_id" in options and self._environ.get("AWS_SESSION_TOKEN"):
                # The environment's token is that of another key.
                options.setdefault("session_token", "")
            if "virtual_hosted_style_request" not in options:
                # AWS wants the bucket in the host; others mostly cannot have it there.
                options["virtual_hosted_style_request"] = endpoint is None
        return options, client

    def _from_environment(self, names: tuple[str, ...]) -> str | None:
        return next((v for name in names if (v := self._environ.get(name))), None)

    def _of_profile(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a profile of AWS, if credentials come from one."""
        settings = self._settings.s3
        profile = settings.profile or self._environ.get("AWS_PROFILE")
        if "access_key_id" in options:
            return {}
        has_others = self._from_environment(_KEYS_OF_CHAIN) is not None
        if profile is None and (has_others or not self._has_default_profile()):
            return {}
        return _profile_options(settings, profile)

    def _has_default_profile(self) -> bool:
        for name, usual in (
            ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
            ("AWS_CONFIG_FILE", "~/.aws/config"),
        ):
            parser = configparser.ConfigParser(interpolation=None)
            try:
                parser.read(Path(self._environ.get(name) or usual).expanduser())
            except (configparser.Error, OSError, UnicodeDecodeError):
                return True  # the library for profiles says what is wrong
            if parser.has_section("default"):
                return True
        return False


def _profile_options(settings: S3Settings, profile: str | None) -> dict[str, Any]:
    """Return credentials, and the region, of a profile.

    Raises:
        JobError: If it has no credentials.
    """
    import botocore.exceptions  # noqa: PLC0415 - takes long, and few need it
    import botocore.session  # noqa: PLC0415

    session = botocore.session.Session(profile=profile)
    shown = f"the profile {profile or 'default'} of AWS"
    hint = "check ~/.aws/config, or give credentials in the environment"
    try:
        credentials = session.get_credentials()
        region = settings.region or session.get_config_variable("region")
    except botocore.exceptions.BotoCoreError as exc:
        msg = f"{shown} cannot be used: {exc}"
        raise JobError(msg, hint=hint) from exc
    if credentials is None:
        msg = f"{shown} has no credentials"
        raise JobError(msg, hint=hint)

    def provide() -> dict[str, Any]:
        now = credentials.get_frozen_credentials()
        return {
            "access_key_id": now.access_key,
            "secret_access_key": now.secret_key,
            "token": now.token,
            # Credentials that expire are asked for again; the session renews them.
            "expires_at": datetime.now(UTC) + timedelta(minutes=10),
        }

    options: dict[str, Any] = {"credential_provider": provide}
    return {**options, "region": region} if region else options
