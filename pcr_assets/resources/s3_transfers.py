"""Files on their way to S3 and back: in parts, several at a time, by s3transfer."""

from typing import Any

from pcr_assets.resources.objects import Entry

PART = 8 << 20
"""Objects above this many bytes go up, and come down, in parts of this size."""
AT_ONCE = 16
"""Requests under way at the same time."""


class Known:
    """Tells s3transfer what a listing already knows: it need not ask, and refuses an object that was replaced since."""

    def __init__(self, entry: Entry):
        self.entry = entry

    def on_queued(self, future: Any, **_: Any) -> None:
        """Called by s3transfer before it asks for anything."""
        future.meta.provide_transfer_size(self.entry.size)
        future.meta.provide_object_etag(f'"{self.entry.etag}"')


def place(at: dict[str, str]) -> dict[str, str]:
    """Where an object lies, in the words of s3transfer."""
    return {name.lower(): value for name, value in at.items()}


def manager(client: Any) -> Any:
    """What moves files with this client."""
    from s3transfer.manager import TransferConfig, TransferManager

    sizes = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_request_concurrency=AT_ONCE)
    return TransferManager(client, sizes)
