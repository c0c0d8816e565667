"""What the store holds, by folder and storage class, from a real listing."""

from collections.abc import Iterator
from dataclasses import dataclass

from pcr_assets.resources.s3_errors import told
from pcr_assets.resources.s3_store import S3Store
from pcr_assets.resources.store import Store

FOLDER = "FOLDER"
"""The storage class of a folder on a disk: nobody sends a bill for it."""


@dataclass(frozen=True)
class Stored:
    """One object: its key below the store's root, bytes, storage class, and seconds since 1970 of its writing."""

    key: str
    size: int
    storage_class: str
    modified: float


def listed(store: Store) -> Iterator[Stored]:
    """Every object of a store, hidden ones left out. Raises StoreError."""
    if not isinstance(store, S3Store):
        for entry in store.list():
            if not entry.key.endswith("/"):
                yield Stored(entry.key, entry.size, FOLDER, entry.modified or 0.0)
        return
    base = f"{store.prefix}/" if store.prefix else ""
    with told(store.root, store.settings.endpoint or ""):
        for page in store.client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket, Prefix=base):
            for found in page.get("Contents", ()):
                key = found["Key"][len(base) :]
                if key and not (key[0] == "." or "/." in key or key.endswith("/")):
                    storage_class = found.get("StorageClass", "STANDARD")
                    yield Stored(key, found["Size"], storage_class, found["LastModified"].timestamp())
