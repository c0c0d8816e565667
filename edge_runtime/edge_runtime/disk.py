"""Files that survive a power cut: written aside and flushed, then renamed into place."""

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

ASIDE = ".aside"
"""What is unfinished begins or ends so."""
LOST = (errno.EIO, errno.EUCLEAN, errno.EBADMSG)
"""What a system says of a file that its disk gives back no more."""


def write(path: Path, pieces: Iterable[bytes]) -> str:
    """Write and flush a file where none is looked for yet; gives its SHA-256, hex."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step: a power cut leaves the old one or the new one, and what fails leaves nothing aside.

    ``mode``: the rights of the new file, as far as the process's umask leaves them. Of root's it is who owns the folder, so that a
    service reads what was written there with sudo. Raises OSError, which names ``path``.
    """
    aside = path.with_name(f"{ASIDE}-{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            if os.geteuid() == 0:
                folder = path.parent.stat()
                with suppress(OSError):  # on another machine's disk root may be nobody
                    os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:  # a full disk names no file, and nobody knows the one aside
        error.filename, error.filename2 = str(path), None
        raise
    finally:
        aside.unlink(missing_ok=True)
    flush(path.parent)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a small file; an empty one where the file is gone, can't be read, or is damaged: it is written anew."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def flush(folder: Path) -> None:
    """See to it that the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
