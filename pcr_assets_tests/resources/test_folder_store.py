"""A folder as a store: what only a disk has."""

import os
from pathlib import Path

import pytest

from pcr_assets.resources.store import FolderStore, Missing, Shut, StoreError


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(str(tmp_path / "store"))


def keys(store: FolderStore) -> list[str]:
    return [entry.key for entry in store.list()]


def test_links_to_nowhere_and_to_themselves_are_not_listed(store):
    store.write("a.png", b"")
    for name, to in (("gone.png", "nowhere"), ("loop.png", "loop.png")):
        Path(store.root, name).symlink_to(to)
        assert store.size(name) is None
    assert keys(store) == ["a.png"]


def test_linked_folders_are_listed_like_others_but_for_one_that_leads_back(store, tmp_path):
    store.write("base1/a.png", b"")
    other_disk = FolderStore(str(tmp_path / "other disk"))
    other_disk.write("base2/b.png", b"")
    Path(store.root, "base2").symlink_to(Path(other_disk.root, "base2"))
    Path(store.root, "base1", "again").symlink_to(store.root)
    assert keys(store) == ["base1/a.png", "base2/b.png"]
    assert store.read("base2/b.png") == b""


@pytest.mark.faults
def test_a_folder_that_can_not_be_listed_is_an_error_and_not_empty(store, monkeypatch):
    """Else its cards would count as deleted. ``lost+found`` lies where a disk is mounted, and only root may list it."""
    for folder in ("base1", "base2", "lost+found"):
        store.write(f"{folder}/a.png", b"")
    look, shut = os.scandir, "lost+found"

    def listed(folder):
        if Path(folder).name == shut:
            raise PermissionError(13, "Permission denied", folder)
        return look(folder)

    monkeypatch.setattr(os, "scandir", listed)
    assert keys(store) == ["base1/a.png", "base2/a.png"]
    shut = "base2"
    with pytest.raises(StoreError, match=r"could not list .*/base2: Permission denied\. Mend the rights"):
        keys(store)


@pytest.mark.faults
def test_a_folder_that_may_be_listed_but_not_entered_is_one_sentence_whatever_is_asked_of_it(store, monkeypatch):
    """As ``chmod -R 644`` leaves it: its names are there, and nothing else."""
    store.write("base1/a.png", b"1")
    (entry,) = store.list()
    look, remove = os.stat, os.unlink

    def refused(ask):
        def asked(path, *given, **options):
            if str(path).endswith("a.png"):
                raise PermissionError(13, "Permission denied", str(path))
            return ask(path, *given, **options)

        return asked

    monkeypatch.setattr(os, "stat", refused(look))
    monkeypatch.setattr(os, "unlink", refused(remove))
    for ask in (store.list, lambda: store.size("base1/a.png"), lambda: store.remove("base1/a.png")):
        with pytest.raises(StoreError, match=r"could not \w+ .*/base1/a\.png: Permission denied\. .*end the rights"):
            ask()
    for ask in (store.read, store.fetch, lambda key: store.swap(key, b"2", b"1")):
        with pytest.raises(Shut, match=r"base1/a\.png may not be read: mend its rights"):
            ask("base1/a.png")
    assert isinstance(next(store.fetch_many([entry])), Shut)


def test_an_object_removed_between_a_look_and_its_reading_is_missing(store, monkeypatch):
    store.write("a", b"")
    fetch = store.fetch

    def fetched(key):
        path = fetch(key)
        store.remove(key)
        return path

    monkeypatch.setattr(store, "fetch", fetched)
    with pytest.raises(Missing):
        store.read("a")


def test_a_folder_removed_while_it_is_looked_for_is_made_again(store, monkeypatch):
    """As ``.publishing`` is, whenever the last of several publishers ends."""
    make, troubles = Path.mkdir, [FileExistsError(17, "File exists")]

    def made(path, *given, **options):
        if path.name == ".publishing" and troubles:
            raise troubles.pop()
        make(path, *given, **options)

    monkeypatch.setattr(Path, "mkdir", made)
    store.write(".publishing/a", b"")
    assert store.read(".publishing/a") == b""


def test_an_empty_folder_is_listed_by_its_marker(store):
    store.write("full/a.png", b"")
    Path(store.root, "empty").mkdir()
    Path(store.root, "hidden-only").mkdir()
    Path(store.root, "hidden-only", ".DS_Store").touch()
    assert keys(store) == ["empty/", "full/a.png", "hidden-only/"]


def test_nothing_lies_below_a_file(store):
    store.write("file", b"")
    assert store.size("file/below") is None
    store.remove("file/below")
    assert keys(store) == ["file"]


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
    assert isinstance(next(store.read_many([entry])), Shut)
    monkeypatch.setattr(Path, "open", refused(OSError(5, "Input/output error")))
    for read in (lambda: next(store.read_many([entry])), lambda: store.read("a"), lambda: store.fetch("a", "0" * 64)):
        with pytest.raises(StoreError, match=r"could not read .*/a: Input/output error\. Look after that disk"):
            read()


def test_a_disk_without_hard_links_creates_too(store, monkeypatch):
    def unsupported(path, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    assert store.create("a", b"first")
    assert not store.create("a", b"second")
    assert store.read("a") == b"first"
    flush = os.fsync

    def meanwhile(handle):
        flush(handle)
        Path(store.root, "large").write_bytes(b"another publisher's")

    monkeypatch.setattr(os, "fsync", meanwhile)
    assert not store.create("large", b"takes long to write")
    assert store.read("large") == b"another publisher's"


@pytest.mark.faults
def test_a_pointer_that_can_not_be_moved_is_named_with_the_cure(store, monkeypatch):
    """The first pointer of an artifact without files is the first that is written of it: its folder is made, and its lock."""

    def refuse(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=r"could not write .*/off/current\.json: No space left.* Free space"):
        store.swap("off/current.json", b"{}", None)
