"""Addresses of objects."""

from pathlib import Path

import pytest

from gcbatch.objects import ObjectUrl, is_object_url


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("s3://bucket/a/b.parquet", ("s3", "bucket", "a/b.parquet")),
        (
            "gs://my.bucket_1/day=2026-11-01/x.csv",
            ("gs", "my.bucket_1", "day=2026-11-01/x.csv"),
        ),
        ("az://container/über uns/%20.json", ("az", "container", "über uns/%20.json")),
        ("s3://bucket", ("s3", "bucket", "")),
        ("s3://bucket/folder/", ("s3", "bucket", "folder")),
    ],
)
def test_a_url_has_a_bucket_and_a_key(text: str, parts: tuple[str, str, str]) -> None:
    """Also where a Path has taken one of its slashes."""
    assert ObjectUrl.parse(text) == ObjectUrl(*parts)
    assert ObjectUrl.parse(Path(text)) == ObjectUrl(*parts)
    assert str(ObjectUrl.parse(text)) == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "out/file.csv",
        "http://host/file",
        "s3:bucket/file",
        "s3:///file",
        "s3://b/file",
        "s3://bucket/a//b",
        "s3://bucket//b",
        "s3://bucket/../b",
        "s3://bucket/./b",
        "s3://bucket/a?versionId=1",
        "s3://bucket/a#b",
        "s3://bucket/a\\b",
        "s3://bucket/a\nb",
        "s3://user:password@bucket/a",
        "s3://bucket/" + 1_025 * "a",
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    """A key that not every service keeps is refused too."""
    with pytest.raises(ValueError, match=r"is no address|has |is longer"):
        ObjectUrl.parse(text)


@pytest.mark.parametrize(
    ("path", "is_url"),
    [
        ("s3://bucket/a", True),
        (Path("s3://bucket/a"), True),
        ("gs://bucket", True),
        ("s3", False),
        ("s3/bucket", False),
        (Path("C:/s3"), False),
    ],
)
def test_a_path_of_this_machine_is_no_url(path: str | Path, *, is_url: bool) -> None:
    """The scheme decides."""
    assert is_object_url(path) is is_url


def test_what_is_below() -> None:
    """Whole names count, not letters."""
    folder = ObjectUrl.parse("s3://bucket/out/days")

    assert (folder / "day=1/x.parquet").is_below(folder)
    assert folder.is_below(folder)
    assert folder.is_below(ObjectUrl("s3", "bucket"))
    assert not ObjectUrl.parse("s3://bucket/out/days-2/x").is_below(folder)
    assert not ObjectUrl.parse("s3://other/out/days/x").is_below(folder)
    assert (folder / "x").parent == folder
    assert (folder / "a/x").name == "x"
