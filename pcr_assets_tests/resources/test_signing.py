"""The keys that sign releases: where they are looked for, and when they are made."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.resources.store import FolderStore
from pcr_assets.trust.keys import Keys, TrustError, make_key
from pcr_assets.trust.settings import TrustSettings

TRUST = TrustSettings()


@pytest.fixture
def signer(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("PCR_KEYS", raising=False)
    return ReleaseSigner()


@pytest.fixture
def store(tmp_path):
    return FolderStore(str(tmp_path / "store"))


def test_the_first_release_makes_keys_that_only_their_owner_can_read(signer, store):
    _, keys = signer.open(store, TRUST)
    assert len(keys) == 6
    assert all(file.stat().st_mode & 0o077 == 0 for file in signer.folder.glob("*.pem"))


def test_the_keys_stay_the_same_from_release_to_release(signer, store):
    repository, keys = signer.open(store, TRUST)
    repository.publish(keys, TRUST.days)
    again, _ = signer.open(store, TRUST)
    assert again.root == repository.root


def test_keys_of_other_things_beside_them_hinder_nobody(signer, store):
    make_key(signer.folder, "release_signing_key")
    _, keys = signer.open(store, TRUST)
    assert len(keys) == 7


@pytest.mark.parametrize("named", ["field", "variable"])
def test_a_named_folder_without_keys_is_never_filled(signer, store, tmp_path, monkeypatch, named):
    folder = tmp_path / "gone"
    if named == "variable":
        monkeypatch.setenv("PCR_KEYS", str(folder))
    else:
        signer = ReleaseSigner(key_folder=str(folder))
    with pytest.raises(TrustError, match=r"gone has no root\.pem: `python -m pcr_assets\.trust init`"):
        signer.open(store, TRUST)
    assert not folder.exists()


def test_keys_that_are_not_the_store_s_are_refused_and_no_new_metadata_are_made(signer, store, tmp_path):
    repository, keys = signer.open(store, TRUST)
    repository.publish(keys, TRUST.days)
    signer.folder.rename(tmp_path / "lost")
    again, none = signer.open(store, TRUST)
    assert len(none) == 0
    with pytest.raises(TrustError, match="put the key's file there, or name its folder"):
        again.publish(none, TRUST.days, renew=True)


def test_a_key_with_a_password_is_told_from_what_is_no_key(tmp_path):
    locked = serialization.BestAvailableEncryption(b"secret")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    (tmp_path / "canary.pem").write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
    with pytest.raises(TrustError, match=r"canary\.pem has a password"):
        Keys([tmp_path])


def test_a_file_that_is_no_key_is_named(tmp_path):
    (tmp_path / "key.pem").write_text("not a key")
    with pytest.raises(TrustError, match=r"key\.pem is no private key"):
        Keys([tmp_path])
