"""Places where releases are published: a folder, ``https://…``, ``s3://bucket/prefix``. Frames come from ``sources``."""

from pathlib import Path

from edge_runtime.publishers.base import Publisher
from edge_runtime.publishers.folder import FolderPublisher

__all__ = ["FolderPublisher", "Publisher", "is_url", "open_publisher"]


def is_url(place: str | Path) -> bool:
    """Whether a place is a URL, not a folder."""
    return "://" in str(place)


def open_publisher(place: str | Path) -> Publisher:
    """The publisher at a folder's path or a URL. Raises :class:`~edge_runtime.releases.refusals.Unreachable` for other URLs."""
    if not is_url(place):
        return FolderPublisher(Path(place))
    if str(place).startswith("s3://"):
        from edge_runtime.publishers.s3 import S3Publisher

        return S3Publisher(str(place))
    from edge_runtime.publishers.web import WebPublisher

    return WebPublisher(str(place))
