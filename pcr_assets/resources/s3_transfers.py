"""Files on their way to S3 and back: in parts, several at a time, by s3transfer."""

from collections.abc import Iterator
from typing import Any

from pcr_assets.resources.objects import Entry, Unfinished

PART = 8 << 20
"""Objects above this many bytes go up, and come down, in parts of this size."""
AT_ONCE = 16
"""Requests under way at the same time."""
READ_TRIES = 5


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


def read_whole(client: Any, **asked: str) -> tuple[bytes, str]:
    """An object's bytes and etag, in one request. What breaks off or arrives damaged is asked for again, as s3transfer does with
    files. Raises what boto3 raises."""
    from botocore.exceptions import FlexibleChecksumError
    from s3transfer.utils import S3_RETRYABLE_DOWNLOAD_ERRORS

    for left in reversed(range(READ_TRIES)):
        held = client.get_object(**asked)
        try:
            return held["Body"].read(), held["ETag"]
        except (FlexibleChecksumError, *S3_RETRYABLE_DOWNLOAD_ERRORS):
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def manager(client: Any) -> Any:
    """What moves files with this client."""
    from s3transfer.manager import TransferConfig, TransferManager

    sizes = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_request_concurrency=AT_ONCE)
    return TransferManager(client, sizes)


def unfinished(client: Any, bucket: str, base: str, prefix: str) -> Iterator[Unfinished]:
    """Uploads that were begun below ``base + prefix`` and not ended, by keys without the base. Raises what boto3 raises."""
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=base + prefix):
        for upload in page.get("Uploads", ()):
            at = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            pages = client.get_paginator("list_parts").paginate(**at)
            try:
                parts = [part for page in pages for part in page.get("Parts", ())]
            except client.exceptions.NoSuchUpload:
                continue  # it came to its end meanwhile: nodes write ahead while a store is tidied
            times = [upload["Initiated"], *(part["LastModified"] for part in parts)]
            size, key = sum(part["Size"] for part in parts), upload["Key"].removeprefix(base)
            yield Unfinished(key, size, max(times).timestamp(), upload["UploadId"])
