"""An ``s3://bucket/prefix`` as a store. Credentials come from the usual AWS chain only.

Uploads carry a SHA-256 that the server checks; a pointer moves by a conditional write (If-Match, If-None-Match), so two
publishers can't overwrite each other.
"""

import base64
import hashlib
import os
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from pcr_assets.resources.store import Entry, Missing, Moved, StoreError, cache_file

LARGE = 64 << 20
"""Objects above this many bytes go up in parts."""


class S3Store:
    """Objects below one prefix of one bucket."""

    def __init__(self, root: str, *, endpoint_url: str | None = None, region_name: str | None = None):
        self.root = root.rstrip("/")
        self.bucket, _, self.prefix = self.root.removeprefix("s3://").partition("/")
        self.options = {"endpoint_url": endpoint_url, "region_name": region_name}

    @cached_property
    def client(self) -> Any:
        """The boto3 client, made at the first request."""
        import boto3
        from botocore.config import Config

        retries = Config(retries={"max_attempts": 5, "mode": "standard"})
        return boto3.client("s3", config=retries, **self.options)

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """See :meth:`Store.list`."""
        base = self._key("")
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self._key(f"{prefix}/" if prefix else "")
        )
        for page in pages:
            for found in page.get("Contents", ()):
                key = found["Key"][len(base) :]
                if key and not any(part.startswith(".") for part in key.split("/")):
                    yield Entry(key, found["Size"], found["ETag"].strip('"'), found["LastModified"].timestamp())

    def size(self, key: str) -> int | None:
        """See :meth:`Store.size`."""
        try:
            return self.client.head_object(Bucket=self.bucket, Key=self._key(key))["ContentLength"]
        except self.client.exceptions.ClientError as error:
            if _status(error) == 404:
                return None
            raise self._explained(key, error) from error

    def _get(self, key: str) -> Any:
        try:
            return self.client.get_object(Bucket=self.bucket, Key=self._key(key))
        except self.client.exceptions.ClientError as error:
            if _status(error) == 404:
                raise Missing(f"{self.root}/{key} does not exist") from error
            raise self._explained(key, error) from error

    def read(self, key: str) -> bytes:
        """See :meth:`Store.read`."""
        return self._get(key)["Body"].read()

    def fetch(self, key: str) -> Path:
        """See :meth:`Store.fetch`. Downloads are kept by URL and ETag and appear whole."""
        response = self._get(key)
        path = cache_file(self.root, key, response["ETag"])
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".aside-")
            with os.fdopen(handle, "wb") as file:
                for chunk in response["Body"].iter_chunks(1 << 20):
                    file.write(chunk)
            Path(aside).replace(path)
        return path

    def write(self, key: str, data: bytes | Path) -> None:
        """See :meth:`Store.write`."""
        if isinstance(data, Path) and data.stat().st_size > LARGE:
            self.client.upload_file(str(data), self.bucket, self._key(key), ExtraArgs={"ChecksumAlgorithm": "SHA256"})
        else:
            self._put(key, data if isinstance(data, bytes) else data.read_bytes())

    def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
        """See :meth:`Store.swap`."""
        condition = {"IfNoneMatch": "*"}
        if expected is not None:
            found = self._get(key)
            if found["Body"].read() != expected:
                raise Moved(f"{self.root}/{key}")
            condition = {"IfMatch": found["ETag"]}
        self._put(key, data, **condition)

    def remove(self, key: str) -> None:
        """See :meth:`Store.remove`."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=self._key(key))
        except self.client.exceptions.ClientError as error:
            raise self._explained(key, error) from error

    def _put(self, key: str, data: bytes, **condition: str) -> None:
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=self._key(key), Body=data, ChecksumSHA256=checksum, **condition
            )
        except self.client.exceptions.ClientError as error:
            if condition and _status(error) in (409, 412):
                raise Moved(f"{self.root}/{key}") from error
            raise self._explained(key, error) from error

    def _explained(self, key: str, error: Any) -> StoreError:
        code = error.response.get("Error", {}).get("Code", "unknown")
        return StoreError(
            f"S3 refused {self.root}/{key} ({code}): check the bucket's name, the region and the credentials"
        )


def _status(error: Any) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
