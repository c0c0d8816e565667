"""Key files: Ed25519 in PEM form, one key a file, in folders that never lie in the store.

A key counts by what it is, not by what its file is called: whoever holds the file signs for the roles that the metadata entitle
it to. A key that belongs offline is a file that is moved away, and named again (``--keys``) when it is needed.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime import disk

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

SUFFIX = ".pem"
ROOT_FILE, TIMESTAMP_FILE = "root.json", "timestamp.json"


class TrustError(Exception):
    """Something can't be signed; the message says what to do."""


def key_folder() -> Path:
    """Where keys are looked for and made: ``PCR_KEYS``, else ``keys`` in ``DAGSTER_HOME``."""
    home = os.environ.get("DAGSTER_HOME") or ".cache"
    return Path(os.environ.get("PCR_KEYS") or f"{home}/keys").expanduser()


class Keys:
    """The keys in some folders, by the id that metadata call them by."""

    def __init__(self, folders: Sequence[Path]):
        self.folders = list(folders)
        files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob(f"*{SUFFIX}"))]
        read = [(file, read_key(file)) for file in files]
        self._signers = {signer.public_key.keyid: signer for _, signer in read}
        self._files = {signer.public_key.keyid: file for file, signer in read}

    def __len__(self) -> int:
        return len(self._signers)

    def of(self, keyids: Iterable[str]) -> list["CryptoSigner"]:
        """Those of some keys that are here."""
        return [self._signers[keyid] for keyid in keyids if keyid in self._signers]

    def file(self, keyid: str) -> Path | None:
        """The file of a key; None where it isn't here."""
        return self._files.get(keyid)

    def remembered_root(self) -> bytes | None:
        """The root that lies with the keys: metadata that don't lead back to it are not signed. None where none does yet."""
        return self._remembered(ROOT_FILE)

    def remembered_timestamp(self) -> bytes | None:
        """The last timestamp that was published with the keys under that root: none before it is signed again. None where none
        does yet."""
        return self._remembered(TIMESTAMP_FILE) if self.remembered_root() else None

    def _remembered(self, name: str) -> bytes | None:
        files = (folder / name for folder in self.folders)
        return next((file.read_bytes() for file in files if file.is_file()), None)

    def remember_root(self, root: bytes) -> None:
        """Keep the newest root with the keys. Raises :class:`TrustError`."""
        path = self.folders[0] / ROOT_FILE
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # all keys may lie in the other folders
            if not self.remembered_root():  # begun anew: a timestamp of before belongs to another root
                path.with_name(TIMESTAMP_FILE).unlink(missing_ok=True)
            disk.replace(path, root, mode=0o644)
        except OSError as error:
            raise TrustError(
                f"{path} can't be written ({error.strerror}): mend the folder's rights, or name another in PCR_KEYS, then run "
                "again"
            ) from error

    def remember_timestamp(self, timestamp: bytes) -> None:
        """Keep the newest timestamp with the keys. Devices have it by then; where the folder may only be read, as a Secret of
        Kubernetes, the one that came with it goes on being the oldest that is believed."""
        with suppress(OSError):
            disk.replace(self.folders[0] / TIMESTAMP_FILE, timestamp, mode=0o644)

    def named(self, role: str) -> list["CryptoSigner"]:
        """The keys whose file was made for a role: ``stable.pem``, ``root-2.pem``. For the first metadata only."""
        return [
            signer
            for keyid, signer in self._signers.items()
            if self._files[keyid].stem.partition("-")[0].partition(".")[0] == role
        ]


def read_key(path: Path) -> "CryptoSigner":
    """The key in a file. Raises :class:`TrustError`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise TrustError(f"{path} can't be read ({error.strerror}): mend its rights") from error
    except TypeError as error:
        raise TrustError(
            f"{path} has a password, which a refresh at night can ask nobody: `openssl pkey -in KEY -out NEW` writes it without one"
        ) from error
    except ValueError as error:
        raise TrustError(f"{path} is no private key in PEM form: replace it, or move it away") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise TrustError(f"{path} is no Ed25519 key: devices accept no other kind. Replace it, or move it away")
    return CryptoSigner(key)


def make_key(folder: Path, name: str) -> "CryptoSigner":
    """Make a key in a file that only its owner can read; a file that is there is never replaced. Raises :class:`TrustError`.

    It is on the disk then: what it signs is flushed into the store, and devices would trust a key that a loss of power took.
    """
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner.generate_ed25519()
    path = folder / f"{name}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(signer.private_bytes)
            file.flush()
            os.fsync(file.fileno())
        disk.flush(folder)
    except OSError as error:
        raise TrustError(
            f"{path} can't be made ({error.strerror}): move it away, or name another folder in PCR_KEYS"
        ) from error
    return signer


def make_keys(folder: Path, roles: Mapping[str, int]) -> None:
    """Make so many keys for each role: ``targets.pem``, or ``root-1.pem``, ``root-2.pem`` where there are several."""
    for role, count in roles.items():
        for number in range(1, count + 1):
            make_key(folder, role if count == 1 else f"{role}-{number}")
