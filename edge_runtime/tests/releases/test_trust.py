"""Roots that are pinned."""

import json
import os
import resource
import stat
import sys
from pathlib import Path

import pytest
from signing import Repository

from edge_runtime.releases.trust import MOST_BYTES, NotARoot, read_root, root_folders, root_id, trust, trusted_roots


@pytest.fixture
def root(tmp_path):
    return a_root(tmp_path / "publisher")


def a_root(folder):
    repository = Repository(folder)
    repository.publish("0" * 16, b"manifest")
    return repository.trusted[0]


@pytest.fixture
def full_disk():
    """No file can grow beyond 100 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def installation(monkeypatch, tmp_path):
    """An installation and a home folder of our own."""
    monkeypatch.delenv("EDGE_RUNTIME_TRUSTED_ROOTS", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_a_pinned_root_is_trusted_from_then_on(installation, root):
    path = trust(root)
    assert path.is_relative_to(installation / "venv")
    assert root_id(root) in path.name
    assert root in trusted_roots()


def test_a_second_publisher_is_trusted_beside_the_first_and_one_that_is_pinned_twice_counts_once(installation, root):
    other = a_root(installation / "other")
    for each in (root, other, root):
        trust(each)
    trust(root, installation / "config" / "edge-runtime" / "trusted_roots")
    assert sorted(trusted_roots()) == sorted([root, other])


def test_what_an_administrator_pins_may_be_read_by_the_user_of_the_service(installation, root):
    """What is replaced in one step is else its owner's alone: `sudo edge-runtime trust` would keep the service from its release."""
    before = os.umask(0o022)
    try:
        path = trust(root)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_the_installer_pins_is_looked_for(installation):
    assert Path("/etc/edge-runtime/trusted_roots") in root_folders()


def test_a_full_disk_leaves_no_half_of_a_root(installation, root, full_disk):
    with pytest.raises(OSError, match="File too large"):
        trust(root)
    assert trusted_roots() == []


def test_roots_of_the_installation_and_of_the_user_are_united(installation, root):
    other = a_root(installation / "other")
    trust(root)
    trust(other, installation / "config" / "edge-runtime" / "trusted_roots")
    assert {root, other} <= set(trusted_roots())


def test_the_environment_names_the_only_folder(installation, root, monkeypatch):
    trust(root)
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(installation / "empty"))
    assert trusted_roots() == []


@pytest.mark.parametrize("content", [b"", b"abcd", b"\xff" * 64, b"{}", b"[" * 100_000, b"-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_root_is_refused(tmp_path, content):
    path = tmp_path / "root.json"
    path.write_bytes(content)
    with pytest.raises(NotARoot, match=r"root\.json is no root metadata"):
        read_root(path)


def test_a_root_is_no_file_without_an_end(tmp_path, root):
    path = tmp_path / "root.json"
    path.write_bytes(root + b" " * MOST_BYTES)
    with pytest.raises(NotARoot, match="larger than any root"):
        read_root(path)


def test_metadata_of_another_role_are_no_root(tmp_path, root):
    with pytest.raises(NotARoot, match="timestamp"):
        read_root(tmp_path / "publisher" / "metadata" / "timestamp.json")


def test_a_root_that_its_own_keys_did_not_sign_is_refused(tmp_path, root):
    path = tmp_path / "root.json"
    said = json.loads(root)
    said["signed"]["version"] = 2
    path.write_text(json.dumps(said))
    with pytest.raises(NotARoot, match="0/1 keys"):
        read_root(path)


def test_a_root_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(NotARoot, match=r"gone\.json does not exist"):
        read_root(tmp_path / "gone.json")


def test_a_folder_is_no_root(tmp_path):
    with pytest.raises(NotARoot, match="can't be read"):
        read_root(tmp_path)
