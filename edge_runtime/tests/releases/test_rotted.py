"""What changed on the disk after it was fetched: fetched again, or the release before is served."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from pulling import served

from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.home import Home
from edge_runtime.releases.opening import newest_at, open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import Damaged
from edge_runtime.releases.trial import Trial


@pytest.mark.faults
def test_a_file_that_rotted_on_the_device_is_mended(published, home):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    (pulled.folder / "fp32.usearch").write_bytes(b"rot" * 1000)
    (pulled.folder / "fp32.onnx").unlink()
    pull(FolderPublisher(published.releases), home, published.trusted, mend=True)
    assert served(home, published).release_id == pulled.release_id


def test_a_bit_that_flipped_on_the_device_is_mended(published, home):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    index = pulled.folder / "fp32.usearch"
    data = bytearray(index.read_bytes())
    data[len(data) // 2] ^= 1
    index.write_bytes(data)
    pull(FolderPublisher(published.releases), home, published.trusted, mend=True)
    assert served(home, published).release_id == pulled.release_id


@pytest.mark.faults
def test_a_part_that_rotted_before_it_was_used_is_fetched_again(published, home):
    part, incoming = published.a_part(), home / "incoming"
    incoming.mkdir(parents=True)
    (incoming / part.name).write_bytes(bytes(part.stat().st_size))
    pull(FolderPublisher(published.releases), home, published.trusted)
    assert served(home, published)


@pytest.mark.faults
def test_a_release_that_rotted_is_pulled_again_when_it_is_opened(published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    release = open_newest(published.releases, published.trusted)
    release.catalogue.write_text("rot")
    said = []
    assert open_newest(published.releases, published.trusted, say=said.append).catalogue.read_text() != "rot"
    assert "pull the release again" in said[0]


@pytest.fixture
def lost(monkeypatch):
    """Files, by the end of their path, that their disk gives back no more."""
    ends, opened = [], Path.open

    def open_if_it_can(path, *arguments, **named):
        if any(str(path).endswith(end) for end in ends):
            raise OSError(errno.EIO, os.strerror(errno.EIO))  # a read that fails names no file
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", open_if_it_can)
    return ends


@pytest.mark.faults
@pytest.mark.parametrize("file", ["catalogue.csv", "manifest.json", "proof.json", "latest.json"])
def test_what_the_disk_gives_back_no_more_counts_as_damaged(published, home, lost, file):
    """It was said that there is no room, no other release was opened, and no pull mended it."""
    source = FolderPublisher(published.releases)
    before = pull(source, home, published.trusted)
    published.change_a_row()
    newest = pull(source, home, published.trusted)
    lost.append(f"device/releases/{file}" if file == "latest.json" else f"device/releases/{newest.release_id}/{file}")
    said = []
    opened = open_newest(home, published.trusted, say=said.append).release_id
    assert opened == before.release_id or file == "latest.json"
    assert "can't be read (Input/output error): pull the release again" in said[-1]


@pytest.mark.faults
def test_what_the_disk_gives_back_no_more_is_fetched_again(published, home, lost, monkeypatch):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    lost.append(f"device/releases/{pulled.release_id}/catalogue.csv")
    publish = Home.publish

    def elsewhere_on_the_disk(*arguments):
        publish(*arguments)
        lost.clear()

    monkeypatch.setattr(Home, "publish", elsewhere_on_the_disk)
    pull(FolderPublisher(published.releases), home, published.trusted, mend=True)
    assert served(home, published).release_id == pulled.release_id


ROT = {
    "a file": lambda folder: (folder / "catalogue.csv").write_text("rot"),
    "the manifest": lambda folder: (folder / "manifest.json").write_text("rot"),
    "the signatures": lambda folder: (folder / "proof.json").write_text("rot"),
    "all of it": shutil.rmtree,
}


@pytest.mark.faults
@pytest.mark.parametrize("rot", ROT.values(), ids=ROT)
@pytest.mark.parametrize("through", ["home", "publisher"])
def test_one_that_rotted_while_nothing_can_be_pulled_gives_way_to_the_one_before_until_it_can(
    published, tmp_path, monkeypatch, rot, through
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = open_newest(published.releases, published.trusted)
    published.change_a_row()
    newest = open_newest(published.releases, published.trusted)
    home = newest.folder.parent.parent
    rot(newest.folder)
    online, away = published.releases, tmp_path / "away"
    (online / "metadata").rename(away)
    said = []
    place = home if through == "home" else online
    assert open_newest(place, published.trusted, say=said.append).folder == before.folder
    assert "going on with the last good release" in said[-1]
    assert newest_at(home, published.trusted).release_id == before.release_id, (
        "a service looks for nothing else meanwhile"
    )
    away.rename(online / "metadata")
    pull(FolderPublisher(online), home, published.trusted, mend=True)
    assert open_newest(home, published.trusted).release_id == newest.release_id


@pytest.mark.faults
def test_one_that_rotted_together_with_the_one_before_is_refused_by_its_own_fault(published, home):
    pull(FolderPublisher(published.releases), home, published.trusted)
    published.change_a_row()
    newest = pull(FolderPublisher(published.releases), home, published.trusted)
    (newest.folder / "fp32.onnx").write_bytes(b"rot")  # both releases share the file
    with pytest.raises(Damaged, match=f"{newest.release_id}/fp32.onnx"):
        open_newest(home, published.trusted)


REFUSED_BY_NOBODY = {
    "a list": b"[1, 2]",
    "pairs": b'[["a", "b"]]',
    "a string": b'"x"',
    "nothing": b"null",
    "without a reason": b'{"%s": {"by": "0.1.0"}, "a": null, "b": [1], "c": "d"}' % (b"ab" * 32),
    "without an end": b"[" * 100_000,
}


@pytest.mark.faults
@pytest.mark.parametrize("rot", REFUSED_BY_NOBODY.values(), ids=REFUSED_BY_NOBODY)
@pytest.mark.parametrize("file", ["refused.json", "trial.json"])
def test_what_was_noted_of_releases_is_forgotten_where_it_rotted_and_noted_again(published, home, file, rot):
    """Of another shape, it ended each pull and each start."""
    release_id = pull(FolderPublisher(published.releases), home, published.trusted).release_id
    (home / file).write_bytes(rot)
    with Trial.of(open_newest(home, published.trusted)):
        Home(home).refuse("cd" * 32, "0123", "it failed")
    assert Home(home).refused == {"cd" * 32: "it failed"}
    assert pull(FolderPublisher(published.releases), home, published.trusted, again=True).release_id == release_id
