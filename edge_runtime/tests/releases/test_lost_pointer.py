"""A home whose pointer is gone or damaged serves what lies there, and no release that it would not serve otherwise."""

import json
import os
import shutil

import pytest

from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.home import Home
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import Damaged, NoRelease, ReleaseError

LOST = {
    "empty": lambda pointer: pointer.write_bytes(b""),
    "zeros": lambda pointer: pointer.write_bytes(bytes(200)),
    "cut": lambda pointer: pointer.write_bytes(pointer.read_bytes()[:30]),
    "of another shape": lambda pointer: pointer.write_text('{"release_id": {}, "manifest_sha256": [1]}'),
    "of no shape": lambda pointer: pointer.write_text("[" * 100_000),
    "gone": lambda pointer: pointer.unlink(),
}


class Device:
    """One that has pulled two releases, and reaches its publisher no more."""

    def __init__(self, published, folder, channel="stable"):
        self.published, self.folder, self.said = published, folder, []
        published.publish(channel)
        self.first = self.pull(channel)
        published.change_a_row()
        published.publish(channel)
        self.second = self.pull()

    @property
    def home(self):
        return Home(self.folder)

    def pull(self, channel=None):
        source = FolderPublisher(self.published.releases)
        return pull(source, self.folder, self.published.trusted, channel=channel).release_id

    def opens(self):
        return open_newest(self.folder, self.published.trusted, say=self.said.append).release_id


@pytest.fixture
def device(published, home):
    return Device(published, home)


@pytest.mark.faults
@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_the_newest_that_lies_there_is_served_and_said_so_and_the_one_before_is_kept(device, lose):
    for folder in device.home.kept():  # files' dates say nothing: a device's clock may have been wrong
        os.utime(folder / "proof.json", (1e9, 1e9) if folder.name == device.second else None)
    lose(device.home.pointer)
    assert device.opens() == device.second
    assert "going on with release" in device.said[0]
    assert (device.home.served.release_id, device.home.before.release_id) == (device.second, device.first)
    assert device.opens() == device.second
    assert len(device.said) == 1, "the pointer is written anew"


@pytest.mark.faults
def test_where_the_newest_is_damaged_too_the_one_before_is_served(device):
    device.home.pointer.write_bytes(b"")
    (device.home.releases / device.second / "catalogue.csv").write_text("rot")
    assert device.opens() == device.first


@pytest.mark.faults
def test_on_a_disk_that_can_t_be_written_any_more_a_release_is_served_too(device, monkeypatch):
    device.home.pointer.write_bytes(b"")

    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("edge_runtime.releases.home.replace", read_only)
    assert device.opens() == device.second
    assert "can't be written anew (Read-only file system)" in device.said[0]


@pytest.mark.faults
def test_a_publisher_that_is_away_leaves_what_was_pulled_from_it(published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    newest = open_newest(published.releases, published.trusted)
    Home.of_release(newest.folder).pointer.write_bytes(b"")
    shutil.rmtree(published.releases)
    published.releases.mkdir()
    said = []
    assert open_newest(published.releases, published.trusted, say=said.append).release_id == newest.release_id
    assert "latest.json is damaged" in said[0]


@pytest.mark.faults
@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_a_pull_goes_on_in_the_channel_that_was_followed_and_loses_no_release(published, home, lose):
    device = Device(published, home, "canary")
    published.publish("stable", note="for everybody")
    lose(device.home.pointer)
    assert device.pull() == device.second
    assert (device.home.served.channel, device.home.before.release_id) == ("canary", device.first)


@pytest.mark.faults
def test_a_release_that_was_refused_here_is_not_served_for_want_of_a_pointer(device):
    device.home.roll_back("it ended the service")
    device.home.pointer.write_bytes(b"")
    assert device.opens() == device.first


@pytest.mark.faults
def test_without_a_pointer_nothing_is_served_that_is_not_signed_for_this_device(device, published):
    for folder in device.home.kept():
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "note": "of somebody else"}))
    device.home.pointer.write_bytes(b"")
    with pytest.raises(Damaged, match=r"latest\.json is damaged: pull the release again"):
        device.opens()
    device.home.pointer.unlink()
    with pytest.raises(NoRelease):
        device.opens()
    with pytest.raises(ReleaseError):
        open_newest(device.folder, [], say=device.said.append)
    assert device.said == []
