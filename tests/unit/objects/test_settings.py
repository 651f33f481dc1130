"""Where buckets are opened, and with what."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gcbatch.errors import JobError
from gcbatch.job.storage import S3Section
from gcbatch.objects import (
    Buckets,
    ObjectUrl,
    S3Settings,
    StorageSettings,
    endpoint_fault,
)

URL = ObjectUrl("s3", "bucket")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://minio.example.com",
        "https://minio.example.com:9000/path",
        "http://127.0.0.1:8333",
        "http://[::1]:8333",
        "http://localhost:9000",
        "http://s3.localhost:9000",
    ],
)
def test_endpoints_that_are_taken(endpoint: str) -> None:
    """Unencrypted ones on this machine alone."""
    assert endpoint_fault(endpoint) is None


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("http://minio:9000", "unencrypted"),
        ("http://10.0.0.1:9000", "unencrypted"),
        ("http://127.0.0.1.example.com", "unencrypted"),
        ("minio:9000", "not a URL"),
        ("ftp://host", "not a URL"),
        ("https://", "not a URL"),
        ("https://host:port", "not a URL"),
        ("https://user:password@host", "more than"),
        ("https://host/?a=b", "more than"),
    ],
)
def test_endpoints_that_are_refused(endpoint: str, fault: str) -> None:
    """With what is wrong."""
    assert fault in (endpoint_fault(endpoint) or "")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_of_the_environment_is_held_to_the_rule(name: str) -> None:
    """It is as good a place to send data in the clear as a job file."""
    buckets = Buckets(environ={name: "http://minio:9000"})

    with pytest.raises(JobError, match="unencrypted"):
        buckets.of(URL)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://user:hidden-secret@host:9000",
        "https://hidden-secret@x@host:9000",
        "https://host:9000?sv=1&sig=hidden-secret",
        "https://host:9000#hidden-secret",
        "user:hidden-secret@host:9000",
    ],
)
def test_what_is_refused_of_an_endpoint_is_not_shown(endpoint: str) -> None:
    """A password or a signature in it would stand in logs."""
    buckets = Buckets(environ={"AWS_ENDPOINT_URL": endpoint})

    with pytest.raises(JobError, match="host:9000") as failed:
        buckets.of(URL)

    assert "hidden-secret" not in str(failed.value)
    with pytest.raises(ValidationError, match="host:9000") as refused:
        S3Section.model_validate({"endpoint": endpoint})
    assert "hidden-secret" not in str(refused.value.errors()[0]["ctx"])


def test_secrets_are_not_shown() -> None:
    """Neither by the settings nor by what is opened with them."""
    settings = StorageSettings(
        s3=S3Settings(
            region="us-east-1",
            access_key_id="AKIAEXAMPLE",
            secret_access_key="hidden-secret",
            session_token="hidden-token",
        )
    )
    bucket = Buckets(settings, environ={}).of(URL)

    shown = f"{settings!r} {settings} {bucket!r} {bucket}"

    assert "hidden" not in shown
    assert "AKIA" not in shown


def test_a_bucket_is_opened_once() -> None:
    """All its objects share its connections."""
    given = S3Settings(region="us-east-1", access_key_id="a", secret_access_key="b")
    buckets = Buckets(StorageSettings(s3=given), environ={})

    assert buckets.of(URL / "a") is buckets.of(URL / "b")
    assert buckets.of(URL) is not buckets.of(ObjectUrl("s3", "other"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with profiles of AWS."""
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[analytics]\naws_access_key_id = ID\naws_secret_access_key = hidden\n"
    )
    (folder / "config").write_text("[profile analytics]\nregion = eu-west-1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.usefixtures("home")
def test_a_profile_gives_credentials_and_region() -> None:
    """Whether the job names it or the environment."""
    named = StorageSettings(s3=S3Settings(profile="analytics"))
    for buckets in (
        Buckets(named, environ={}),
        Buckets(environ={"AWS_PROFILE": "analytics"}),
    ):
        options = buckets._of_profile({})

        assert options["region"] == "eu-west-1"
        assert options["credential_provider"]()["access_key_id"] == "ID"
        assert "hidden" not in repr(buckets.of(URL))


@pytest.mark.usefixtures("home")
def test_a_profile_that_is_missing_is_named() -> None:
    """With the file to look into."""
    with pytest.raises(JobError, match="analitics") as refused:
        Buckets(environ={"AWS_PROFILE": "analitics"}).of(URL)

    assert "~/.aws/config" in str(refused.value.hint)


@pytest.mark.usefixtures("home")
def test_keys_of_the_environment_come_before_an_unnamed_profile() -> None:
    """As in every tool of AWS."""
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}

    assert Buckets(environ=environ)._of_profile({}) == {}
    assert Buckets(environ={})._of_profile({}) == {}


@pytest.mark.usefixtures("home")
def test_a_lake_is_opened_as_its_bucket_is() -> None:
    """By endpoint, region and keys of the job or a profile, as text."""
    given = S3Settings(endpoint="http://127.0.0.1:1", profile="analytics")

    options = Buckets(StorageSettings(s3=given), environ={}).lake_options(URL)

    wanted = {
        "AWS_ENDPOINT": "http://127.0.0.1:1",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "ID",
        "AWS_SECRET_ACCESS_KEY": "hidden",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "AWS_CONDITIONAL_PUT": "etag",
        "AWS_S3_ALLOW_UNSAFE_RENAME": "false",
        "allow_http": "true",
    }
    assert wanted.items() <= options.items()
    assert {type(value) for value in options.values()} == {str}


@pytest.mark.usefixtures("home")
def test_a_lake_is_opened_by_the_environment_where_the_job_says_nothing() -> None:
    """The library reads keys there itself; a region is always named."""
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}

    options = Buckets(environ=environ).lake_options(URL)

    assert "AWS_ACCESS_KEY_ID" not in options
    assert options["AWS_REGION"] == "us-east-1"
    assert "AWS_REGION" not in Buckets(
        environ={**environ, "AWS_REGION": "eu-west-1"}
    ).lake_options(URL)
    assert "allow_http" not in options


def test_the_token_of_another_key_is_not_used() -> None:
    """That of the environment belongs to the key there."""
    keys = S3Settings(access_key_id="a", secret_access_key="b")
    buckets = Buckets(StorageSettings(s3=keys), environ={"AWS_SESSION_TOKEN": "t"})

    assert buckets.lake_options(URL)["AWS_SESSION_TOKEN"] == ""


def test_a_lake_has_no_endpoint_over_plain_http() -> None:
    """As a bucket has none."""
    given = S3Settings(endpoint="http://objects.example")
    with pytest.raises(JobError, match="sends data unencrypted"):
        Buckets(StorageSettings(s3=given), environ={}).lake_options(URL)
