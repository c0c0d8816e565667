"""An ``s3://bucket/prefix`` as a store. How the server is found and spoken to is in :mod:`pcr_assets.resources.s3_client`.

Uploads carry SHA-256 digests, of every part where there are parts, which the server checks before it keeps anything. New
files and pointers are written on a condition (If-None-Match, If-Match), so two publishers can't overwrite each other.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pcr_assets import digests
from pcr_assets.resources import s3_conditions
from pcr_assets.resources.downloads import cache_file, size_of, used
from pcr_assets.resources.folder_store import opened_aside
from pcr_assets.resources.objects import (
    Damaged,
    Entry,
    Missing,
    Moved,
    Shut,
    Spans,
    StoreError,
    Unfinished,
    always,
    checked,
    unread,
)
from pcr_assets.resources.s3_client import S3Settings, connect
from pcr_assets.resources.s3_errors import AGAIN, status, told
from pcr_assets.resources.s3_listing import Bucket, list_unordered
from pcr_assets.resources.s3_transfers import AT_ONCE, PART, Known, manager, place, read_whole, unfinished
from pcr_assets.resources.side_by_side import side_by_side

Got = TypeVar("Got")
REMOVED_AT_ONCE = 1000
"""As many keys as S3 takes in one request."""
PAGE, ASKED = 1000, 20
"""Of so many objects about so many are asked for: one must be readable, for another that is not to be an exception."""


class S3Store:
    """Objects below one prefix of one bucket."""

    def __init__(self, root: str, settings: S3Settings | None = None):
        self.bucket, _, below = root.removeprefix("s3://").partition("/")
        self.prefix = "/".join(filter(None, below.split("/")))  # s3://bucket/ is s3://bucket, also with more behind it
        self.root = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        self.settings = settings or S3Settings.of_environment()
        if not self.bucket:
            raise StoreError(f"{root} names no bucket: write s3://bucket or s3://bucket/prefix")

    @cached_property
    def client(self) -> Any:
        """The boto3 client, found at the first request."""
        with told(self.root):
            return connect(self.settings)

    @cached_property
    def _transfers(self) -> Any:
        """Moves files in parts, several at a time, and tries broken parts again."""
        return manager(self.client)

    @cached_property
    def _creations(self) -> Any:
        """The same, but it replaces nothing, where the server sees to that."""
        return manager(connect(self.settings, create_only="IfNoneMatch" in self._conditions))

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        with told(f"{self.root}/{key}".rstrip("/"), self.settings.endpoint or ""):
            yield

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self._key(key)}

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """See :meth:`Store.list`. Sorted here: pages come side by side, and not every server lists in the order of keys."""
        return iter(sorted(self.list_unordered(f"{prefix}/" if prefix else "")))

    def list_unordered(
        self, prefix: str = "", left: Spans | None = None, more: Callable[[], bool] = always
    ) -> Iterator[Entry]:
        """See :meth:`Store.list_unordered`."""
        bucket = Bucket(self.client, self.bucket, self._key(""), prefix, lambda: self._told(prefix))
        return list_unordered(bucket, left, more)

    def size(self, key: str) -> int | None:
        """See :meth:`Store.size`."""
        try:
            return self._head(key).size
        except Missing:
            return None

    def _head(self, key: str) -> Entry:
        with self._told(key):
            held = self.client.head_object(**self._at(key))
        return Entry(key, held["ContentLength"], held["ETag"].strip('"'))

    def read(self, key: str, etag: str | None = None) -> bytes:
        """See :meth:`Store.read`."""
        return self._read(key, etag)[0]

    def _read(self, key: str, etag: str | None = None) -> tuple[bytes, str]:
        """An object's bytes and etag."""
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        with self._told(key):
            return read_whole(self.client, **self._at(key), **condition)

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes | Missing | Shut]:
        """See :meth:`Store.read_many`. Raises :class:`Shut` where nothing else may be read either."""
        return side_by_side(self._or_why(lambda entry: self.read(entry.key, entry.etag)), entries, AT_ONCE)

    def _or_why(self, get: Callable[[Entry], Got]) -> Callable[[Entry], Got | Missing | Shut]:
        """``get``, which gives the error where one object is gone, or is shut while others are not."""

        def asked(entry: Entry) -> Got | Missing | Shut:
            try:
                return get(entry)
            except Missing as error:
                return error
            except Shut as error:
                if not self._gives_others:
                    raise
                return error

        return asked

    @cached_property
    def _gives_others(self) -> bool:
        """Whether the server lets us read any of some objects: if not, it is no single object that is shut."""
        listed = list(islice(self.list_unordered(), PAGE))
        return any(self._gives(entry) for entry in listed[:: max(1, len(listed) // ASKED)])

    def _gives(self, entry: Entry) -> bool:
        with suppress(Shut, Missing), self._told(entry.key):
            self.client.get_object(**self._at(entry.key), **({"Range": "bytes=0-0"} if entry.size else {}))
            return True
        return False

    def fetch(self, key: str, sha256: str | None = None) -> Path:
        """See :meth:`Store.fetch`."""
        return self._fetch(self._head(key), sha256)

    def fetch_many(self, entries: Iterable[Entry]) -> Iterator[Path | Missing | Shut]:
        """See :meth:`Store.fetch_many`. Raises :class:`Shut` where nothing else may be read either."""
        return side_by_side(self._or_why(self._fetch), entries, AT_ONCE)

    def _fetch(self, entry: Entry, sha256: str | None = None) -> Path:
        """Downloads are kept by URL and etag, and appear whole. One that was damaged since, or cut by a loss of power, is fetched
        again."""
        path = cache_file(self.root, entry.key, entry.etag)
        cache = path.parent.parent
        with suppress(FileNotFoundError):  # `make gc` removed it since
            if size_of(path) == entry.size and (not sha256 or digests.of_file(path) == sha256):
                used(path)
                return path
        try:
            try:
                self._download(entry, path, sha256)
            except Damaged:  # parts carry no digest: what was damaged on its way comes whole the next time
                self._download(entry, path, sha256)
        except OSError as error:
            raise StoreError(
                f"could not keep {self.root}/{entry.key} in {cache}: {error.strerror}. Free space or mend the rights, or "
                "name another folder in XDG_CACHE_HOME, then rerun"
            ) from error
        return path

    def _download(self, entry: Entry, path: Path, sha256: str | None) -> None:
        handle, aside = opened_aside(path.parent)
        os.close(handle)
        try:
            if entry.size < PART:  # one request, which s3transfer would send without the condition on the etag
                aside.write_bytes(self.read(entry.key, entry.etag))
            else:
                at, known = place(self._at(entry.key)), [Known(entry)]
                with self._told(entry.key):
                    self._transfers.download(**at, fileobj=str(aside), subscribers=known).result()
            if aside.stat().st_size != entry.size or (sha256 and digests.of_file(aside) != sha256):
                raise Damaged(f"{self.root}/{entry.key}")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)

    def write(self, key: str, data: bytes | Path) -> None:
        """See :meth:`Store.write`."""
        checked(key, self.root, len(self._key("").encode()))
        with self._told(key):
            self._upload(self._transfers, key, data)

    def create(self, key: str, data: bytes | Path) -> bool:
        """See :meth:`Store.create`."""
        from botocore.exceptions import ClientError

        self._check(key)

        def created() -> bool:
            if self.size(key) is not None:  # before it travels in vain
                return False
            self._upload(self._creations, key, data)
            return True

        with self._told(key):
            try:
                return s3_conditions.insisted(created)
            except ClientError as error:
                if status(error) == s3_conditions.BROKEN:
                    return False
                raise

    def _upload(self, transfers: Any, key: str, data: bytes | Path) -> None:
        body = io.BytesIO(data) if isinstance(data, bytes) else str(data)
        try:
            transfers.upload(body, **place(self._at(key)), extra_args={"ChecksumAlgorithm": "SHA256"}).result()
        except OSError as error:  # botocore tells of the network in its own words
            raise unread(data, error) from error

    def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
        """See :meth:`Store.swap`."""
        self._check(key)
        found, etag = self._pointer(key)
        if found != expected:
            raise Moved(f"{self.root}/{key}")
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": etag}
        condition = {name: value for name, value in condition.items() if name in self._conditions}
        with self._told(key):
            written = self._written(key, data, condition)
            if not written and etag and self._pointer(key) == (expected, etag) and self._keeps_bare_etags:
                written = self._written(key, data, {"IfMatch": s3_conditions.bare(etag)})
        if not written:
            raise Moved(f"{self.root}/{key}")
        # Without conditions only this tells of a promise of one publisher that was broken.
        if not self._keeps_conditions and self._pointer(key)[0] != data:
            raise Moved(f"{self.root}/{key}")

    def _written(self, key: str, data: bytes, condition: dict[str, str]) -> bool:
        """Whether a pointer holds the data now: False where the condition did not hold."""
        from botocore.exceptions import ClientError

        put = partial(self.client.put_object, **self._at(key), Body=data, ChecksumAlgorithm="SHA256", **condition)
        try:
            s3_conditions.insisted(put)
        except ClientError as error:
            gone = "IfMatch" in condition and status(error) == 404  # AWS's word for a pointer that was removed since
            if status(error) not in s3_conditions.FAILED and not gone:
                raise
            # The answer to our own write may have been lost, and the second try found it done.
            return self._pointer(key)[0] == data
        return True

    def remove(self, key: str) -> None:
        """See :meth:`Store.remove`."""
        with self._told(key):
            self.client.delete_object(**self._at(key))

    def remove_many(self, keys: Iterable[str]) -> None:
        """See :meth:`Store.remove_many`."""
        left = iter(keys)
        while batch := list(islice(left, REMOVED_AT_ONCE)):
            objects = [{"Key": self._key(key)} for key in batch]
            with self._told(batch[0]):
                answer = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
            for refused in answer.get("Errors", ()):
                cure = "the policy needs s3:DeleteObject there" if refused.get("Code") == "AccessDenied" else AGAIN
                raise StoreError(
                    f"S3 did not remove s3://{self.bucket}/{refused['Key']} ({refused.get('Code')}: "
                    f"{refused.get('Message')}): {cure}"
                )

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        """See :meth:`Store.unfinished`. Uploads in parts; a small object is written whole, in one request."""
        with self._told(prefix):
            yield from unfinished(self.client, self.bucket, self._key(""), f"{prefix}/" if prefix else "")

    def drop(self, unfinished: Unfinished) -> None:
        """See :meth:`Store.drop`."""
        with self._told(unfinished.key), suppress(self.client.exceptions.NoSuchUpload):
            self.client.abort_multipart_upload(**self._at(unfinished.key), UploadId=unfinished.token)

    def _check(self, key: str) -> None:
        """Refuse keys that are none, and servers that would let two publishers write over each other."""
        checked(key, self.root, len(self._key("").encode()))
        if self._keeps_conditions:
            return
        if not self.settings.one_publisher:
            raise s3_conditions.not_kept(self.root)
        s3_conditions.warn_once(self.root)

    @property
    def _keeps_conditions(self) -> bool:
        return self._conditions.issuperset(s3_conditions.BOTH)

    @cached_property
    def _conditions(self) -> frozenset[str]:
        """Those that the server keeps. No other is sent: Swift refuses a write that has one."""
        with self._told(s3_conditions.PROBE):
            return s3_conditions.kept(self.client, self._at(s3_conditions.PROBE))

    @cached_property
    def _keeps_bare_etags(self) -> bool:
        return s3_conditions.bare_kept(self.client, self._at(s3_conditions.PROBE))

    def _pointer(self, key: str) -> tuple[bytes | None, str]:
        try:
            return self._read(key)
        except Missing:
            return None, ""
