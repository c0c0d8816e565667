"""``edge-runtime serve`` is killed at random moments while its publisher brings out one release after the other."""

import os
import random
import time

import cv2
import pytest
import requests
from forked import COMMAND, Program, load

from edge_runtime.publishers import open_publisher
from edge_runtime.releases.home import home_of
from edge_runtime.releases.release import open_release

HERE = f"""
import edge_runtime.releases.pull as pull
from edge_runtime.releases.selftest import tried_here
pull.tried_apart = tried_here
{COMMAND}
"""
"""A release is tried by the service itself: in a process of its own that takes a second, each time."""
OPTIONS = ["--repeat", "--watch-releases", "0.2", "--prove", "0.5", "--port", "0"]
PATIENCE = 300
"""Seconds that a start, or a change of release, may take on a machine that is busy."""
MOST = 10
"""Seconds between two kills, at most twice."""


@pytest.fixture
def frames(tmp_path, scans, photo_of):
    """A folder with a frame that shows the first card."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), cv2.cvtColor(photo_of(scans["demo-1"]), cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture
def start(published, trusted, frames, tmp_path, monkeypatch):
    """Starts the service; gives the process, and the file with what it says."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load()
    command = ["serve", str(frames), "--releases", str(published.releases), *OPTIONS]
    running = []

    def start():
        log = tmp_path / f"{len(running)}.log"
        log.touch()
        running.append(Program(*command, program=HERE, log=log))
        return running[-1], log

    yield start
    for process in running:
        process.kill()
        process.wait()


def told_by(log):
    """The events that the service tells now; none before it is open, or where it is gone."""
    address = [line.split()[-1] for line in log.read_text().splitlines() if "open http" in line]
    try:
        return requests.get(f"{address[0]}api/v1/events?limit=1000", timeout=5).json()["events"] if address else []
    except requests.RequestException:
        return []


@pytest.mark.faults
def test_killed_at_random_moments_it_starts_again_with_a_whole_release_and_tells_nothing_wrong(published, start, until):
    """EDGE_RUNTIME_KILLS says how many times: 5, or more on a machine that has the time."""
    moments, name, names, wrong = random.Random(0), "Amber Fox", {}, []

    def publish(new):
        nonlocal name
        catalogue = published.whole / "catalogue.csv"
        catalogue.write_text(catalogue.read_text().replace(name, new))
        name = new
        published.publish()
        names[published.folder.name] = new

    def look(log):
        told = [(event["release_id"], event["cards"][0]["name"]) for event in told_by(log) if event["cards"]]
        wrong.extend(each for each in told if names.get(each[0]) != each[1])
        return told

    def watch(log, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            look(log)
            time.sleep(0.1)

    publish("Amber 0")
    began = time.monotonic()
    process, log = start()
    until(lambda: look(log), PATIENCE)
    usual = min(1.5 * (time.monotonic() - began), MOST)
    home = home_of(open_publisher(published.releases).name)
    for kill in range(1, 1 + int(os.environ.get("EDGE_RUNTIME_KILLS", "5"))):
        watch(log, moments.uniform(0, usual))
        publish(f"Amber {kill}")
        watch(log, moments.uniform(0, usual))
        process.kill()
        process.wait()
        assert open_release(home / "releases", published.trusted).release_id in names
        process, log = start()
    publish("Amber Last")
    until(lambda: (published.folder.name, "Amber Last") in look(log), PATIENCE)
    assert not wrong
