"""Addresses of objects as paths, for what handles paths of both kinds."""

from pathlib import Path, PurePath, PurePosixPath

from gcbatch.objects.url import ObjectUrl, is_object_url

__all__ = ["ObjectPath", "path_of"]


class ObjectPath(PurePosixPath):
    """The address of an object as a path: it is joined and shown, never opened.

    A path keeps one slash of `s3://bucket/key`; the text of this one has both.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return text.replace(":/", "://", 1) if is_object_url(text) else text

    @property
    def url(self) -> ObjectUrl:
        """The address.

        Raises:
            ValueError: If it is none.
        """
        return ObjectUrl.parse(self)


def path_of(written: str | PurePath) -> PurePath:
    """Return what a text means: an ObjectPath for a URL, otherwise a Path."""
    return ObjectPath(written) if is_object_url(written) else Path(written)
