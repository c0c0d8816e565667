"""A release that takes its service down is rolled back; one that serves well is the last good one."""

import errno
import json
import os
import shutil
import signal
import threading

import pytest

from edge_runtime.gallery import GalleryError
from edge_runtime.hailo.faults import HailoFault
from edge_runtime.releases.home import Home
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import RefusedBefore
from edge_runtime.releases.trial import STARTS, Trial


@pytest.fixture
def device(published, monkeypatch, tmp_path):
    """A device that served the first release well, and has pulled a second."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Device(published)


class Device:
    def __init__(self, published):
        self.published, self.said = published, []
        with Trial.of(self.open()) as trial:
            trial.served_well()
        self.first = self.home.served.release_id
        published.change_a_row()
        self.second = published.folder.name

    @property
    def home(self):
        return Home.of_release(self.open().folder)

    def open(self):
        return open_newest(self.published.releases, self.published.trusted, say=self.said.append)

    def start(self, ending):
        """A start of the service in a process of its own, which ends as ``ending`` does. Gives the release that it served."""
        release = self.open()
        child = os.fork()
        if child == 0:
            try:
                with Trial.of(release) as trial:
                    ending(trial)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        return release.release_id


def crashes(trial):
    os.kill(os.getpid(), signal.SIGKILL)


def fails(trial):
    raise RuntimeError("the first frame can't be read")


def serves_then_crashes(trial):
    trial.served_well()
    os.kill(os.getpid(), signal.SIGKILL)


def is_stopped(trial):
    raise KeyboardInterrupt


def waits_for_its_camera_until_the_power_is_cut(trial):
    trial.excuse()
    trial.excuse()
    os.kill(os.getpid(), signal.SIGKILL)


def finds_no_chip(trial):
    raise HailoFault("no Hailo chip is found: check that it sits firmly")


def reads_from_a_memory_card_that_fails(trial):
    raise GalleryError("references-demo.zip can't be read") from OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.faults
@pytest.mark.parametrize("ending", [crashes, fails])
def test_a_release_that_crashes_twice_before_it_has_served_well_is_rolled_back_and_remembered(device, ending):
    assert [device.start(ending) for _ in range(STARTS)] == [device.second] * STARTS
    assert device.open().release_id == device.first
    assert "rolled back to" in device.said[0]
    with pytest.raises(RefusedBefore, match="it ended the service 2 times"):
        pull(device.published.releases, device.home.folder, device.published.trusted)
    assert device.open().release_id == device.first


@pytest.mark.parametrize(
    "ending",
    [
        serves_then_crashes,
        is_stopped,
        finds_no_chip,
        reads_from_a_memory_card_that_fails,
        waits_for_its_camera_until_the_power_is_cut,
    ],
)
def test_a_release_that_served_well_was_stopped_in_peace_or_met_a_fault_of_the_device_is_not_rolled_back(
    device, ending
):
    assert [device.start(ending) for _ in range(2 * STARTS)] == [device.second] * 2 * STARTS
    assert device.said == []


def test_a_release_that_was_excused_may_still_serve_well(device):
    with Trial.of(device.open()) as trial:
        trial.excuse()
        trial.served_well()
    assert device.home.served.good


def test_a_success_between_crashes_starts_the_count_anew(device):
    endings = (crashes, serves_then_crashes, crashes, serves_then_crashes)
    assert [device.start(ending) for ending in endings] == [device.second] * 4


def test_a_start_that_is_under_way_is_not_held_against_the_release(device):
    """A service looks for what is new while it is in its last chance itself."""
    device.start(crashes)
    with Trial.of(device.open()) as trial:
        assert device.open().release_id == device.second
        trial.served_well()
    assert device.open().release_id == device.second


def test_of_two_trials_at_once_the_second_says_so(device, caplog):
    caplog.set_level("INFO", "edge_runtime")
    with Trial.of(device.open()):
        assert "another trial" not in caplog.text
        with Trial.of(device.open()):
            assert "another trial of this home is under way" in caplog.text


def test_two_services_that_one_power_cut_ends_count_as_one_start(device):
    services = []
    for _ in range(2):
        trial, (begun, says) = Trial.of(device.open()), os.pipe()
        services.append(os.fork())
        if services[-1] == 0:
            try:
                trial.begin()
                os.write(says, b"1")
                signal.pause()
            finally:
                os._exit(1)
        os.close(says)
        assert os.read(begun, 1)
    for service in services:
        os.kill(service, signal.SIGKILL)
        os.waitpid(service, 0)
    assert device.start(crashes) == device.second
    assert device.open().release_id == device.first


def test_a_release_that_ends_takes_no_start_from_the_one_that_follows(device):
    before, following = Trial(device.home, "ab"), Trial(device.home, "cd")
    before.begin()
    following.begin()
    before.take_back()
    assert json.loads((device.home.folder / "trial.json").read_text()) == {"manifest_sha256": "cd", "starts": 1}


@pytest.mark.parametrize("followed", ["canary", "stable"])
def test_a_release_that_is_rolled_back_leaves_the_home_in_its_channel(device, followed):
    """The release to go back to may have come by the other channel."""
    came_by = "canary" if followed == "stable" else "stable"
    source, home = device.published.releases, device.home

    def pulled(channel=None):
        return pull(source, home.folder, device.published.trusted, channel=channel, check=lambda folder: None)

    device.published.publish(came_by, note="tried there")
    pulled(came_by)
    home.served_well(home.served.manifest_sha256)
    device.published.publish(followed, note="bad")
    pulled(followed)
    home.roll_back("it crashed")
    device.published.publish(came_by, note="of the other channel")
    device.published.publish(followed, note="mended")
    mended = device.published.folder.name
    assert (pulled().release_id, home.served.channel) == (mended, followed)


def test_a_release_that_was_rolled_back_to_is_what_the_publisher_hears_of(device):
    for _ in range(STARTS):
        device.start(crashes)
    device.open()
    (note,) = (device.published.releases / "in_use").iterdir()
    assert json.loads(note.read_bytes()) == {"release_id": device.first}


def test_a_newer_release_is_taken_after_a_bad_one(device):
    for _ in range(STARTS):
        device.start(crashes)
    device.open()
    device.published.publish(note="third")
    assert device.open().release_id == device.published.folder.name


def test_a_bad_one_is_refused_also_where_a_newer_one_has_come_by_then(device):
    home = device.home
    bad = home.served.manifest_sha256
    for _ in range(STARTS):
        device.start(crashes)
    device.published.publish(note="third")
    assert device.open().release_id == device.published.folder.name
    assert list(home.refused) == [bad]


def test_the_one_that_served_well_is_kept_though_two_untried_ones_came_after_it(device):
    device.open()
    device.published.publish(note="third")
    device.open()
    assert device.home.before.release_id == device.first
    for _ in range(STARTS):
        device.start(crashes)
    assert device.open().release_id == device.first


def test_one_that_is_refused_by_now_is_none_to_go_back_to(device):
    before = device.home.before
    device.home.refuse(before.manifest_sha256, before.release_id, "it answers otherwise by now")
    device.published.publish(note="third")
    device.open()
    assert device.home.before.release_id == device.second


def test_one_whose_folder_is_gone_is_none_to_go_back_to(device):
    shutil.rmtree(device.home.releases / device.first)
    assert [device.start(crashes) for _ in range(STARTS + 1)] == [device.second] * (STARTS + 1)


def test_one_that_served_well_is_not_on_trial_again_when_its_files_were_mended(device):
    with Trial.of(device.open()) as trial:
        trial.served_well()
    (device.home.releases / device.second / "catalogue.csv").write_bytes(b"rot")
    device.open()
    assert (device.home.served.release_id, device.home.served.good) == (device.second, True)


def test_the_only_release_is_never_rolled_back(published, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    release = open_newest(published.releases, published.trusted)
    for _ in range(STARTS + 1):
        with pytest.raises(RuntimeError), Trial.of(release) as trial:
            fails(trial)
    assert open_newest(published.releases, published.trusted).release_id == release.release_id


def test_a_pull_that_tidies_up_takes_nothing_from_a_service_that_moves_the_pointer(device, monkeypatch):
    home, flushed = device.home, os.fsync

    def tidies(file):
        tidying = threading.Thread(target=home.tidy, args=(set(),))
        tidying.start()
        tidying.join(0.2)
        flushed(file)

    manifest = home.served.manifest_sha256
    monkeypatch.setattr(os, "fsync", tidies)
    home.served_well(manifest)
    monkeypatch.undo()
    assert home.served.good


def test_a_release_that_lies_in_no_home_is_served_without_being_counted(publisher):
    release = open_newest(publisher.releases, publisher.trusted)
    with Trial.of(release) as trial:
        trial.served_well()
    assert not (publisher.releases.parent / "trial.json").exists()
