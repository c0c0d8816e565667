"""The key that signs releases: Ed25519, in a file that never enters the store. The edge pins its public half."""

import os
from pathlib import Path
from typing import Any

import dagster as dg


class SigningError(Exception):
    """The signing key can't be used; the message says what to do."""


class ReleaseSigner(dg.ConfigurableResource):
    """Signs with the PEM file ``key``, else ``PCR_SIGNING_KEY``, else one made at the first need in ``DAGSTER_HOME/keys``."""

    key: str = ""

    @property
    def path(self) -> Path:
        """The private key's file."""
        home = os.environ.get("DAGSTER_HOME") or ".cache"
        return Path(self.key or os.environ.get("PCR_SIGNING_KEY") or f"{home}/keys/release_signing_key.pem")

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of a message."""
        return self._private().sign(message)

    def public_key(self) -> bytes:
        """The raw 32 bytes of the public key."""
        return self._private().public_key().public_bytes_raw()

    def _private(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if not self.path.exists():
            if self.key or os.environ.get("PCR_SIGNING_KEY"):
                raise SigningError(
                    f"no signing key at {self.path}: put the PEM file there, or unset PCR_SIGNING_KEY to make one"
                )
            make_key(self.path)
        try:
            key = load_pem_private_key(self.path.read_bytes(), password=None)
        except ValueError as error:
            raise SigningError(f"{self.path} is no private key in PEM form: replace it") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningError(f"{self.path} is no Ed25519 key: replace it, the edge accepts no other kind")
        return key


def make_key(path: Path) -> None:
    """Write a new Ed25519 key to a file that only its owner can read; an existing file is never replaced."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
