"""The key that signs releases."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pcr_assets.resources.signing import ReleaseSigner, SigningError


@pytest.fixture
def signer(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("PCR_SIGNING_KEY", raising=False)
    return ReleaseSigner()


def test_the_first_release_makes_a_key_that_only_its_owner_can_read(signer):
    signer.public_key()
    assert signer.path.stat().st_mode & 0o077 == 0


def test_the_public_key_verifies_what_the_signer_signed_and_nothing_else(signer):
    public = Ed25519PublicKey.from_public_bytes(signer.public_key())
    public.verify(signer.sign(b"manifest"), b"manifest")
    with pytest.raises(InvalidSignature):
        public.verify(signer.sign(b"manifest"), b"manifesto")


def test_the_key_stays_the_same_from_release_to_release(signer):
    assert signer.public_key() == ReleaseSigner().public_key()


def test_a_named_key_that_is_not_there_is_never_replaced_by_a_new_one(tmp_path):
    with pytest.raises(SigningError, match="no signing key at"):
        ReleaseSigner(key=str(tmp_path / "gone.pem")).sign(b"")


def test_a_file_that_is_no_key_is_named(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text("not a key")
    with pytest.raises(SigningError, match=r"key\.pem is no private key"):
        ReleaseSigner(key=str(path)).sign(b"")
