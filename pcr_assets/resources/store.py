"""Where artifacts live: a folder or ``s3://bucket/prefix``, behind one small interface. No other module asks which.

Objects are written aside and appear whole or not at all. Only pointers (``current.json``, ``timestamp.json``) are ever
replaced, and only by :meth:`Store.swap`, which refuses when somebody else moved the pointer first.
"""

import re
from pathlib import Path

from pcr_assets.resources.folder_store import FolderStore
from pcr_assets.resources.objects import (
    Damaged,
    Entry,
    Missing,
    Moved,
    Replaced,
    Shut,
    Span,
    Store,
    StoreError,
    Unfinished,
)

__all__ = [
    "Damaged",
    "Entry",
    "FolderStore",
    "Missing",
    "Moved",
    "Replaced",
    "Shut",
    "Span",
    "Store",
    "StoreError",
    "Unfinished",
    "open_store",
    "parent",
    "read_if_there",
]


def open_store(root: str) -> Store:
    """A store for a folder's path or an ``s3://bucket/prefix`` URL; for the latter, ``PCR_S3_…`` say where the server is.

    Raises StoreError for a URL of another kind: as a folder's name it would be made here, and filled.
    """
    if root.startswith("s3://"):
        from pcr_assets.resources.s3_store import S3Store  # S3 is not imported where the store is a folder

        return S3Store(root)
    if re.search(r"(^|/)[A-Za-z][\w+.-]+:/", root):
        raise StoreError(f"{root} is neither a folder nor s3://bucket/prefix: write one of these")
    return FolderStore(root)


def read_if_there(store: Store, key: str) -> bytes | None:
    """The bytes of an object, or None where none lies under this key."""
    try:
        return store.read(key)
    except Missing:
        return None


def parent(root: str) -> str | None:
    """The folder or URL one level above a store's root, or None at the top of a bucket or disk."""
    if "://" not in root:
        root = str(Path(root).expanduser().absolute())
    above, _, name = root.rstrip("/").rpartition("/")
    return above if name and above and not above.endswith(":/") else None
