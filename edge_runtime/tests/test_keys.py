import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_runtime.keys import NotAKey, keyid, read_key, trust, trusted_keys


@pytest.fixture
def public_key():
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


@pytest.fixture
def installation(monkeypatch, tmp_path):
    """An installation and a home folder of our own."""
    monkeypatch.delenv("EDGE_RUNTIME_TRUSTED_KEYS", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_a_pinned_key_is_trusted_from_then_on(installation, public_key):
    path = trust(public_key)
    assert path.is_relative_to(installation / "venv")
    assert trusted_keys()[keyid(public_key)] == public_key


def test_keys_of_the_installation_and_of_the_user_are_united(installation, public_key):
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    trust(public_key)
    trust(other, installation / "config" / "edge-runtime" / "trusted_keys")
    assert {keyid(public_key), keyid(other)} <= set(trusted_keys())


def test_the_environment_names_the_only_folder(installation, public_key, monkeypatch):
    trust(public_key)
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_KEYS", str(installation / "empty"))
    assert trusted_keys() == {}


@pytest.mark.parametrize("content", [b"", b"abcd", b"\xff" * 64, b"g" * 64, b"00" * 33, b"-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_key_is_refused(tmp_path, content):
    path = tmp_path / "other.pub"
    path.write_bytes(content)
    with pytest.raises(NotAKey, match=r"other\.pub is no public key"):
        read_key(path)


def test_a_key_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(NotAKey, match=r"gone\.pub does not exist"):
        read_key(tmp_path / "gone.pub")


def test_a_folder_is_no_key(tmp_path):
    with pytest.raises(NotAKey, match="can't be read"):
        read_key(tmp_path)
