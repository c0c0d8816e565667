"""The publishers that this device trusts: pinned root metadata of The Update Framework, one file for each publisher.

A root names the keys that may sign everything else, its own successor among them: pinned once, it serves for years.
"""

import hashlib
import os
import sys
from pathlib import Path

from edge_runtime.disk import replace

SUFFIX = ".root.json"
MOST_BYTES = 1 << 19


class NotARoot(ValueError):
    """A file is no root metadata, or there is none; the message names it."""


def root_id(root: bytes) -> str:
    """The short name of a root: the first 16 hex digits of the SHA-256 of its bytes."""
    return hashlib.sha256(root).hexdigest()[:16]


def root_folders() -> list[Path]:
    """Where pinned roots are looked for. ``EDGE_RUNTIME_TRUSTED_ROOTS`` names one folder and switches the others off."""
    if chosen := os.environ.get("EDGE_RUNTIME_TRUSTED_ROOTS"):
        return [Path(chosen)]
    return [
        Path(sys.prefix) / "etc" / "edge-runtime" / "trusted_roots",
        user_folder(),
        Path("/etc/edge-runtime/trusted_roots"),
    ]


def user_folder() -> Path:
    """Where roots lie that are pinned for one user."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    return config / "edge-runtime" / "trusted_roots"


def trusted_roots() -> list[bytes]:
    """The pinned roots. Raises :class:`NotARoot` for a file that is none."""
    files = [file for folder in root_folders() if folder.is_dir() for file in sorted(folder.glob(f"*{SUFFIX}"))]
    return list(dict.fromkeys(read_root(file) for file in files))


def read_root(path: Path) -> bytes:
    """The bytes of root metadata that is signed by its own keys. Raises :class:`NotARoot`."""
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata, Root

    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotARoot(
            f"{path} does not exist: name the publisher's root.json, which lies beside the releases"
        ) from error
    except OSError as error:
        raise NotARoot(f"{path} can't be read ({error.strerror})") from error
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("it is larger than any root")
        root: Metadata[Root] = Metadata.from_bytes(data)
        if not isinstance(root.signed, Root):
            raise ValueError(f"it is {root.signed.type} metadata")
        root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    except (RepositoryError, ValueError) as error:
        raise NotARoot(
            f"{path} is no root metadata ({error}): name the publisher's root.json, which lies beside the releases"
        ) from error
    return data


def trust(root: bytes, folder: Path | None = None) -> Path:
    """Pin a root: releases that lead back to it are opened from now on. Returns the file that was written."""
    folder = folder or root_folders()[0]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{root_id(root)}{SUFFIX}"
    replace(path, root, mode=0o644)  # half a root would keep every release from being opened
    return path
