"""Downloads are kept on this machine, each under the URL and the etag of its object; ``make gc`` keeps them within bounds."""

import hashlib
import os
import time
from pathlib import Path, PurePosixPath

from pcr_assets.resources.objects import LONGEST_PART

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pcr_assets"


def cache_file(root: str, key: str, etag: str) -> Path:
    """Where a download of an object is kept on this machine, under the object's own name: readers go by its ending. Of a name that
    is too long for a disk, as an object may have, the ending is left."""
    identity = hashlib.sha256("\0".join((root, key, etag)).encode()).hexdigest()
    own = PurePosixPath(key)
    short = len(own.name.encode()) <= LONGEST_PART
    return CACHE / identity / (own.name if short else f"{identity[:32]}{own.suffix[:32]}")


def size_of(path: Path) -> int | None:
    """Bytes of a download; None where there is none, or no more."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def used(path: Path) -> None:
    """Note that a download was asked for now: those not asked for the longest go first."""
    stat = path.stat()
    os.utime(path, ns=(time.time_ns(), stat.st_mtime_ns))
