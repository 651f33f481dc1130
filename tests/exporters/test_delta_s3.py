"""Delta tables in a bucket of a real S3 server: what is refused, and in which words."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import GcbatchError, JobError, OutputError
from gcbatch.exporting import export
from gcbatch.objects import Buckets, Retries, S3Settings, StorageSettings
from gcbatch_exporters.delta import DeltaExporter, DeltaOptions
from gcbatch_exporters.lakes.exporter import LakeExporter
from tests.support.forgetful_s3 import forgetful_s3
from tests.support.lake_tables import hours
from tests.support.lakes import DeltaLakeOnS3
from tests.support.s3_server import READER, S3Bucket

TODAY = hours(0, 24)
ONCE = Retries(most=0)


@pytest.fixture
def lake(s3: S3Bucket, tmp_path: Path) -> DeltaLakeOnS3:
    """Return a lake without a table."""
    return DeltaLakeOnS3.new(tmp_path / "lake", s3)


def exporter(url: str, settings: StorageSettings) -> LakeExporter:
    options = DeltaOptions.model_validate({"path": url})
    options.use(Buckets(settings, environ={}, retries=ONCE))
    return DeltaExporter(options)


def steps(made: LakeExporter) -> list[Callable[[], Any]]:
    """Return the check, and the export."""
    tables = {"intervals": TODAY}
    return [
        lambda: made.check(tables),
        lambda: export(made, "delta", tables),
    ]


def said(error: GcbatchError) -> str:
    return f"{error!r} {error} {error.hint}"


def test_who_may_only_read_changes_nothing(lake: DeltaLakeOnS3) -> None:
    """The message has the object and the permission; nothing is left behind."""
    lake.load(TODAY)
    before = lake.files()
    made = lake.exporter(who=READER)

    made.check({"intervals": TODAY})
    with pytest.raises(OutputError) as caught:
        export(made, "delta", {"intervals": hours(0, 24, offered=2)})

    assert str(caught.value).startswith(f"{lake.place}/_delta_log/")
    assert "s3:PutObject is refused" in str(caught.value)
    assert lake.files() == before
    assert lake.verified(TODAY) == []


def test_who_may_only_read_creates_nothing(lake: DeltaLakeOnS3) -> None:
    """The same where there is no table yet."""
    with pytest.raises(OutputError, match="s3:PutObject is refused"):
        export(lake.exporter(who=READER), "delta", {"intervals": TODAY})

    assert lake.files() == []


def test_a_wrong_secret_is_not_quoted(lake: DeltaLakeOnS3) -> None:
    """Nor is the address of a request."""
    s3 = replace(lake.s3.server.settings().s3, secret_access_key="not-the-secret")
    lake.load(TODAY)

    for step in steps(exporter(lake.place, StorageSettings(s3=s3))):
        with pytest.raises(OutputError, match="the secret key is wrong") as caught:
            step()
        assert lake.place in str(caught.value)
        assert "not-the-secret" not in said(caught.value)
        assert "http" not in said(caught.value)
        assert caught.value.__cause__ is None


def test_a_missing_bucket_is_noticed_first(s3: S3Bucket) -> None:
    """By the check."""
    for step in steps(exporter("s3://missing-bucket/lake", s3.server.settings(READER))):
        with pytest.raises(OutputError, match=r"missing-bucket.*no such bucket"):
            step()


def test_a_service_that_cannot_be_reached(s3: S3Bucket) -> None:
    """The message says that the host is not known."""
    endpoint = "https://objects.invalid"
    keys = S3Settings(
        endpoint=endpoint, access_key_id="a", secret_access_key="b", region="us-east-1"
    )
    made = exporter(f"{s3.url}/lake", StorageSettings(s3=keys))

    with pytest.raises(OutputError, match="the host of the service is not known"):
        made.check({"intervals": TODAY})


@pytest.mark.parametrize("name", ["a b", "ü", "a+b=c", "it's", "100%"])
def test_a_key_is_taken_as_it_is(s3: S3Bucket, name: str) -> None:
    """Characters that mean something in a URL mean nothing in a key."""
    for step in steps(exporter(f"{s3.url}/{name}", s3.server.settings())):
        step()

    keys = s3.keys()
    assert {key.partition("/")[0] for key in keys} == {name}


@pytest.mark.parametrize("name", ["a%20b", "a[b", "a|b"])
def test_a_key_that_delta_misreads_is_refused(s3: S3Bucket, name: str) -> None:
    """As on disk."""
    for step in steps(exporter(f"{s3.url}/{name}", s3.server.settings())):
        with pytest.raises(JobError, match="in the path of their folder"):
            step()

    assert s3.keys() == []


def test_objects_in_the_way_are_refused(lake: DeltaLakeOnS3) -> None:
    """A vacuum would remove them; those beside the folder do not matter."""
    bucket = lake.s3.open()
    bucket.put("deep/lake-2/mine.parquet", b"x")
    lake.check(TODAY)
    bucket.put("deep/lake/sub/mine.parquet", b"x")
    before = lake.files()

    for step in (lake.check, lake.load):
        with pytest.raises(JobError, match=r"files that are no Delta table \(sub\)"):
            step(TODAY)

    assert lake.files() == before


class TestConditions:
    """Commits are writes with a condition."""

    def test_a_service_that_ignores_them_is_refused(self, lake: DeltaLakeOnS3) -> None:
        """Before a load: there, commits of two programs would replace each other."""
        lake.load(TODAY)
        before = lake.log

        with forgetful_s3(lake.s3.server, refuses=False) as settings:
            made = exporter(lake.place, settings)
            with pytest.raises(OutputError, match="writes over a commit that exists"):
                export(made, "delta", {"intervals": hours(0, 24, offered=2)})

        assert lake.log == before

    def test_a_service_without_them_is_named(self, lake: DeltaLakeOnS3) -> None:
        """Also where the table is to be created."""
        with forgetful_s3(lake.s3.server, refuses=True) as settings:
            made = exporter(lake.place, settings)
            for _ in range(2):
                with pytest.raises(OutputError, match=r"does not support it .*501"):
                    export(made, "delta", {"intervals": TODAY})
                if not lake.files():
                    lake.load(TODAY)

        assert lake.offered() == {1: 48}

    def test_the_environment_does_not_switch_them_off(
        self, lake: DeltaLakeOnS3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Delta's library reads variables of its own."""
        monkeypatch.setenv("AWS_S3_ALLOW_UNSAFE_RENAME", "true")
        monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "of another key")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another key")
        settings = lake.s3.server.settings()

        options = DeltaOptions.model_validate({"path": lake.place})
        options.use(Buckets(settings))  # with the environment of the process
        for step in steps(DeltaExporter(options)):
            step()
        monkeypatch.undo()
        assert lake.offered() == {1: 48}
