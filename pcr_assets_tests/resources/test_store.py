"""A folder as a store: listing, whole writes, pointers that two publishers fight over."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pcr_assets.resources.store import FolderStore, Missing, Moved, StoreError, open_store


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(str(tmp_path / "store"))


def keys(store: FolderStore, prefix: str = "") -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def test_what_was_written_is_read_listed_and_measured(store):
    store.write("a/b.txt", b"hello")
    assert store.read("a/b.txt") == b"hello"
    assert store.size("a/b.txt") == 5
    assert keys(store) == ["a/b.txt"]


def test_a_file_is_written_like_bytes(store, tmp_path):
    (tmp_path / "source").write_bytes(b"x" * 3_000_000)
    store.write("large", tmp_path / "source")
    assert store.fetch("large").read_bytes() == b"x" * 3_000_000


def test_listing_is_ordered_and_goes_below_a_prefix_only(store):
    for key in ("b/2", "a/1", "b/10", "ba/3"):
        store.write(key, b"")
    assert keys(store) == ["a/1", "b/10", "b/2", "ba/3"]
    assert keys(store, "b") == ["b/10", "b/2"]


def test_a_store_that_is_not_there_yet_is_empty(store):
    assert keys(store) == []


def test_hidden_files_and_links_to_nowhere_are_not_listed(store):
    store.write("a.png", b"")
    store.write(".DS_Store", b"")
    store.write(".cache/b.png", b"")
    Path(store.root, "gone.png").symlink_to("nowhere")
    assert keys(store) == ["a.png"]


def test_an_empty_folder_is_listed_by_its_marker(store):
    store.write("full/a.png", b"")
    Path(store.root, "empty").mkdir()
    Path(store.root, "hidden-only").mkdir()
    Path(store.root, "hidden-only", ".DS_Store").touch()
    assert keys(store) == ["empty/", "full/a.png", "hidden-only/"]


def test_an_etag_changes_with_the_file(store):
    store.write("a", b"one")
    (before,) = store.list()
    store.write("a", b"two")
    (after,) = store.list()
    assert before.etag != after.etag


@pytest.mark.parametrize("key", ["", "../outside", "a/../../outside", "/etc/passwd"])
def test_keys_lead_nowhere_outside(store, key):
    with pytest.raises(StoreError, match="no key inside"):
        store.write(key, b"")


def test_a_missing_object_is_named(store):
    with pytest.raises(Missing, match=r"nothing\.txt does not exist"):
        store.read("nothing.txt")
    assert store.size("nothing.txt") is None
    store.write("file", b"")
    assert store.size("file/below") is None


def test_a_pointer_moves_only_from_where_it_was_seen(store):
    store.swap("current", b"1", None)
    store.swap("current", b"2", b"1")
    for expected in (b"1", None):
        with pytest.raises(Moved, match="run again"):
            store.swap("current", b"3", expected)
    assert store.read("current") == b"2"


def test_of_many_publishers_at_once_exactly_one_wins(store):
    def publish(number: int) -> bool:
        try:
            store.swap("current", str(number).encode(), None)
        except Moved:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(publish, range(24))) == 1


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


def test_a_root_says_which_store_it_is(tmp_path):
    assert isinstance(open_store(str(tmp_path)), FolderStore)
    assert type(open_store("s3://bucket/prefix")).__name__ == "S3Store"


def test_a_removed_object_is_gone_and_so_is_its_empty_folder(store):
    store.write("a/b.txt", b"hello")
    store.remove("a/b.txt")
    store.remove("a/b.txt")
    assert keys(store) == []


def test_a_listing_tells_when_an_object_was_written(store):
    store.write("a.txt", b"hello")
    os.utime(store.fetch("a.txt"), (1000, 1000))
    assert [entry.modified for entry in store.list()] == [1000]
