"""The public keys that this device trusts. A release that none of them signed is not opened."""

import hashlib
import os
import sys
from pathlib import Path

SUFFIX = ".pub"
LENGTH = 32


class NotAKey(ValueError):
    """A file is no public key, or there is none; the message names it."""


def keyid(public_key: bytes) -> str:
    """The short name of a key: the first 16 hex digits of the SHA-256 of its 32 raw bytes."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def key_folders() -> list[Path]:
    """Where pinned keys are looked for. ``EDGE_RUNTIME_TRUSTED_KEYS`` names one folder and switches the others off."""
    if chosen := os.environ.get("EDGE_RUNTIME_TRUSTED_KEYS"):
        return [Path(chosen)]
    return [
        Path(sys.prefix) / "etc" / "edge-runtime" / "trusted_keys",
        user_folder(),
        Path("/etc/edge-runtime/trusted_keys"),
    ]


def user_folder() -> Path:
    """Where keys lie that are pinned for one user."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    return config / "edge-runtime" / "trusted_keys"


def trusted_keys() -> dict[str, bytes]:
    """The pinned keys by their id. Raises :class:`NotAKey` for a file that is no key."""
    files = [file for folder in key_folders() if folder.is_dir() for file in sorted(folder.glob(f"*{SUFFIX}"))]
    keys = [read_key(file) for file in files]
    return {keyid(key): key for key in keys}


def read_key(path: Path) -> bytes:
    """The 32 raw bytes of an Ed25519 public key from a file that holds them in hex."""
    try:
        key = bytes.fromhex(path.read_text().strip())
    except FileNotFoundError as error:
        raise NotAKey(
            f"{path} does not exist: name the public key's file, release_key.pub beside the releases"
        ) from error
    except OSError as error:
        raise NotAKey(f"{path} can't be read ({error.strerror})") from error
    except ValueError as error:
        raise NotAKey(f"{path} is no public key: it must hold 64 hex digits") from error
    if len(key) != LENGTH:
        raise NotAKey(f"{path} is no public key: it must hold 64 hex digits")
    return key


def trust(public_key: bytes, folder: Path | None = None) -> Path:
    """Pin a key: releases that it signed are opened from now on. Returns the file that was written."""
    folder = folder or key_folders()[0]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{keyid(public_key)}{SUFFIX}"
    path.write_text(public_key.hex() + "\n")
    return path
