"""What is fetched and what is not, and what is opened."""

import errno
import os
import shutil
import threading
import time

import pytest
from publishing import sha256
from pulling import Counting, served

from edge_runtime.disk import ASIDE, replace
from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.assembly import AT_ONCE, SPARE
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import (
    CannotPull,
    Damaged,
    NoRelease,
    SelfTestFailed,
    Unreachable,
)


def test_the_first_pull_brings_the_whole_release(published, home):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    release = served(home, published)
    assert release.folder == pulled.folder
    for path in published.whole.iterdir():
        if path.suffix != ".json":
            assert (release.folder / path.name).read_bytes() == path.read_bytes()
    assert pulled.fetched > pulled.size
    assert list((home / "incoming").iterdir()) == []


def test_a_second_pull_fetches_only_what_changed_and_keeps_one_copy_of_the_rest(published, home):
    first = pull(FolderPublisher(published.releases), home, published.trusted)
    published.change_a_row()
    source = Counting(published.releases)
    second = pull(source, home, published.trusted)
    assert second.release_id != first.release_id
    assert source.asked == [sha256((published.whole / "catalogue.csv").read_bytes())]
    assert "Amber Fawn" in served(home, published).catalogue.read_text()
    assert (first.folder / "fp32.onnx").samefile(second.folder / "fp32.onnx")


def test_a_release_that_is_not_what_its_name_says_is_refused_before_a_part_of_it_is_fetched(published, home):
    named = published.releases / "fedcba9876543210"
    named.mkdir()
    data = (published.folder / "manifest.json").read_bytes()
    (named / "manifest.json").write_bytes(data)
    published.repository.publish(named.name, data)
    source = Counting(published.releases)
    with pytest.raises(Damaged, match=f"{named.name}/manifest.json calls itself {published.folder.name}: publish"):
        pull(source, home, published.trusted)
    assert source.asked == []


def test_root_pulls_nothing_into_the_home_of_another_user(published, home, monkeypatch):
    """`sudo edge-runtime pull` left a pointer that was root's alone: the service opened no release any more, and pulled none."""
    pull(FolderPublisher(published.releases), home, published.trusted)
    published.change_a_row()
    if os.geteuid() == 0:
        os.chown(home, 65534, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    with pytest.raises(CannotPull, match=r"belongs to .*: pull as that user, `sudo -u .* edge-runtime pull …`"):
        pull(FolderPublisher(published.releases), home, published.trusted)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_root_replaces_stays_its_owner_s(tmp_path):
    """As where somebody serves from the home of the service with sudo, to see what is wrong."""
    os.chown(tmp_path, 65534, 65534)
    replace(tmp_path / "trial.json", b"{}")
    assert (tmp_path / "trial.json").stat().st_uid == 65534


def test_of_a_changed_file_only_the_changed_parts_are_fetched(published, home):
    pull(FolderPublisher(published.releases), home, published.trusted)
    index = published.whole / "fp32.usearch"
    data = bytearray(index.read_bytes())
    data[-1] ^= 1
    index.write_bytes(data)
    published.publish()
    source = Counting(published.releases)
    pulled = pull(source, home, published.trusted)
    assert len(source.asked) == 2  # the list of parts, and the part
    assert (pulled.folder / "fp32.usearch").read_bytes() == bytes(data)


def test_nothing_new_fetches_nothing(published, home):
    pull(FolderPublisher(published.releases), home, published.trusted)
    source = Counting(published.releases)
    pulled = pull(source, home, published.trusted)
    assert (source.asked, pulled.parts) == ([], 0)


def test_the_release_before_is_kept_and_older_ones_go(published, home):
    ids = [pull(FolderPublisher(published.releases), home, published.trusted).release_id]
    for name in ("Fawn", "Ferret"):
        catalogue = published.whole / "catalogue.csv"
        catalogue.write_text(catalogue.read_text().replace("Blue Heron", f"Blue {name}").replace("Fawn", name))
        published.publish()
        ids.append(pull(FolderPublisher(published.releases), home, published.trusted).release_id)
    assert sorted(path.name for path in (home / "releases").iterdir() if path.is_dir()) == sorted(ids[1:])


def test_releases_that_failed_here_take_no_room(published, home):
    good = pull(FolderPublisher(published.releases), home, published.trusted)

    def fails(_):
        raise SelfTestFailed("self-test: int8 takes demo-1 for demo-2")

    fetched, index = [], published.whole / "fp32.usearch"
    as_it_was = index.read_bytes()
    for note in ("first", "second"):
        index.write_bytes(as_it_was + note.encode() * 1000)
        published.publish(note=note)
        with pytest.raises(SelfTestFailed):
            pull(FolderPublisher(published.releases), home, published.trusted, check=fails)
        assert [path for path in (home / "releases").iterdir() if path.is_dir()] == [good.folder]
        fetched.append({path.name for path in (home / "incoming").iterdir()})
    assert not fetched[0] & fetched[1], "parts of the first are wanted no more"


def test_a_pointer_of_which_a_power_cut_left_half_takes_no_room(published, home):
    pull(FolderPublisher(published.releases), home, published.trusted)
    half = home / "releases" / f"{ASIDE}-0123"
    half.write_bytes(b'{"release_id":')
    pull(FolderPublisher(published.releases), home, published.trusted)
    assert not half.exists()


def test_what_an_interrupted_pull_left_damaged_is_fetched_from_its_beginning(published, home):
    (home / "incoming").mkdir(parents=True)
    for part in published.parts.iterdir():
        (home / "incoming" / f"{part.name}.partial").write_bytes(b"?")
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    assert served(home, published).release_id == pulled.release_id


def test_of_a_part_that_was_cut_off_only_the_rest_is_fetched(published, home):
    """What came of it so far has another name than the part, and is wanted all the same."""
    part = max(published.parts.iterdir(), key=lambda path: path.stat().st_size)
    begun_at = []

    class Cut(FolderPublisher):
        def read(self, path, start=0):
            if path != f"parts/{part.name}":
                yield from super().read(path, start)
                return
            begun_at.append(start)
            if len(begun_at) == 1:
                yield part.read_bytes()[:1000]
                raise Unreachable("the line is cut")
            yield from super().read(path, start)

    with pytest.raises(Unreachable):
        pull(Cut(published.releases), home, published.trusted)
    pull(Cut(published.releases), home, published.trusted)
    assert begun_at == [0, 1000]


def test_a_release_that_is_served_and_whole_is_neither_put_together_nor_tried_again(published, home):
    tried = []
    pulled = pull(FolderPublisher(published.releases), home, published.trusted, check=tried.append)
    before, pointer = pulled.folder.stat().st_ino, home / "releases" / "latest.json"
    os.utime(pointer, (0, 0))
    pull(FolderPublisher(published.releases), home, published.trusted, check=tried.append, mend=True)
    assert (pulled.folder.stat().st_ino, len(tried)) == (before, 1)
    assert pointer.stat().st_mtime > 0, "the doctor goes by its age"


def test_a_home_whose_first_pull_failed_is_said_to_hold_no_release(published, home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def fails(_):
        raise SelfTestFailed("self-test: int8 takes demo-1 for demo-2")

    with pytest.raises(SelfTestFailed):
        pull(FolderPublisher(published.releases), home, published.trusted, check=fails)
    with pytest.raises(NoRelease, match="device holds no release: fetch one with `edge-runtime pull`"):
        open_newest(home, published.trusted)


def test_of_the_folder_above_a_publishers_it_is_said_that_the_one_below_is_meant(published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (published.releases.parent / "metadata").mkdir()  # a store has one too
    above = published.releases.parent
    with pytest.raises(NoRelease, match=f"{above} holds no release: .*, or name a publisher's folder `releases`"):
        open_newest(above, published.trusted)


def test_a_place_of_which_nothing_was_ever_pulled_says_so(tmp_path, published, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(NoRelease, match="nowhere"):
        open_newest(tmp_path / "nowhere", published.trusted)


def test_a_home_and_a_whole_release_are_opened_as_they_lie(published, home):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    for place in (home, home / "releases", pulled.folder):
        assert open_newest(place, published.trusted).folder == pulled.folder


@pytest.mark.faults
def test_a_full_disk_is_one_sentence(published, home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(home / "incoming"))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotPull, match=r"incoming can't be used \(No space left on device\): free space"):
        pull(FolderPublisher(published.releases), home, published.trusted)


@pytest.mark.faults
def test_a_release_for_which_there_is_no_room_is_not_begun(published, home, monkeypatch):
    parts = sum(path.stat().st_size for path in published.parts.iterdir())  # the files are put together beside them
    free = SPARE + parts
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, (1 << 30) - free, free))
    with pytest.raises(CannotPull, match=r"MB more in .* are free and 17 stay so: free space"):
        pull(FolderPublisher(published.releases), home, published.trusted)
    assert list((home / "incoming").iterdir()) == []


@pytest.mark.faults
def test_a_disk_that_fills_up_during_a_pull_is_not_left_full(published, home, monkeypatch):
    def full(path, pieces):
        path.write_bytes(b"half a file")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("edge_runtime.releases.assembly.write", full)
    with pytest.raises(CannotPull, match="No space left"):
        pull(FolderPublisher(published.releases), home, published.trusted)
    assert list((home / "releases").iterdir()) == []


def test_a_network_that_is_gone_is_not_asked_for_all_the_other_parts(published, home):
    lists = {entry["parts"]["sha256"] for entry in published.files.values() if "parts" in entry}

    class Unplugged(Counting):
        def read(self, path, start=0):
            yield from super().read(path, start)
            if path.startswith("parts/") and path.removeprefix("parts/") not in lists:
                time.sleep(0.05)
                raise Unreachable("the cable was pulled")

    source = Unplugged(published.releases)
    with pytest.raises(Unreachable, match="the cable was pulled"):
        pull(source, home, published.trusted)
    assert len(source.asked) < len(lists) + 3 * AT_ONCE


def test_two_pulls_at_once_take_turns(published, home):
    threads = [
        threading.Thread(target=pull, args=(FolderPublisher(published.releases), home, published.trusted))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served(home, published)


def test_where_files_can_not_be_shared_a_copy_survives_a_power_cut_too(published, home, monkeypatch):
    pull(FolderPublisher(published.releases), home, published.trusted)
    published.change_a_row()
    flushed = set()
    fsync = os.fsync

    def noted(handle):
        flushed.add(os.fstat(handle).st_ino)
        fsync(handle)

    def refused(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")  # as FAT does

    monkeypatch.setattr("os.fsync", noted)
    monkeypatch.setattr("os.link", refused)
    folder = pull(FolderPublisher(published.releases), home, published.trusted).folder
    names = (folder, folder.parent)  # a folder holds the names of what is in it
    assert [path.name for path in (*folder.iterdir(), *names) if path.stat().st_ino not in flushed] == []


def test_a_publishers_folder_is_no_home(published):
    """Its releases were opened as they lie there from then on: what was published later was never pulled."""
    before = sorted(published.releases.rglob("*"))
    with pytest.raises(CannotPull, match="is where a publisher keeps releases: name a folder of this device's own"):
        pull(FolderPublisher(published.releases), published.releases, published.trusted)
    assert sorted(published.releases.rglob("*")) == before
