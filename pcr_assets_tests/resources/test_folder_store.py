"""A folder as a store: what only a disk has."""

import os
from pathlib import Path

import pytest

from pcr_assets.resources.store import FolderStore, StoreError


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(str(tmp_path / "store"))


def keys(store: FolderStore) -> list[str]:
    return [entry.key for entry in store.list()]


def test_links_to_nowhere_are_not_listed(store):
    store.write("a.png", b"")
    Path(store.root, "gone.png").symlink_to("nowhere")
    assert keys(store) == ["a.png"]


def test_an_empty_folder_is_listed_by_its_marker(store):
    store.write("full/a.png", b"")
    Path(store.root, "empty").mkdir()
    Path(store.root, "hidden-only").mkdir()
    Path(store.root, "hidden-only", ".DS_Store").touch()
    assert keys(store) == ["empty/", "full/a.png", "hidden-only/"]


def test_nothing_lies_below_a_file(store):
    store.write("file", b"")
    assert store.size("file/below") is None


def test_a_write_that_fails_leaves_the_old_object_and_no_litter(store, monkeypatch):
    store.write("a", b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"could not write .*/a: No space left on device\. Free space"):
        store.write("a", b"new")
    assert store.read("a") == b"old"
    assert [path.name for path in Path(store.root).iterdir()] == ["a"]


def test_a_read_only_folder_is_named_with_the_cure(store, monkeypatch):
    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    with pytest.raises(StoreError, match=r"Permission denied\. Free space or mend the rights"):
        store.write("a", b"new")


def test_a_file_that_nobody_may_read_stands_in_its_place_and_a_sick_disk_is_an_error(store, monkeypatch):
    store.write("a", b"1")
    (entry,) = store.list()
    opened = Path.open

    def refused(error):
        return lambda path, *mode: opened(path, *mode) if path.name != "a" else (_ for _ in ()).throw(error)

    monkeypatch.setattr(Path, "open", refused(PermissionError(13, "Permission denied")))
    assert isinstance(next(store.read_many([entry])), PermissionError)
    monkeypatch.setattr(Path, "open", refused(OSError(5, "Input/output error")))
    with pytest.raises(StoreError, match=r"could not read .*/a: Input/output error\. Look after that disk"):
        next(store.read_many([entry]))


def test_a_disk_without_hard_links_creates_too(store, monkeypatch):
    def unsupported(path, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    assert store.create("a", b"first")
    assert not store.create("a", b"second")
    assert store.read("a") == b"first"
