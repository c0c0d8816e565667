"""A service on loopback, with everything real but the camera, and clients that talk to it as others would."""

import contextlib
import json
import logging
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest
from drawn import listed
from forked import Program

from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.release import open_release
from edge_runtime.server.opening import Opener
from edge_runtime.server.served import Served
from edge_runtime.server.service import Service
from edge_runtime.server.settings import Limits, Settings
from edge_runtime.sources import Frame

from . import chromium
from .client import PATIENCE, Client


def until(what, seconds=PATIENCE):
    """Wait until something holds; gives what it gave."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)
    return found


@pytest.fixture(autouse=True)
def log_as_before():
    """The command sets up the log of its process, which here is that of all tests."""
    root, ours = logging.getLogger(), logging.getLogger("edge_runtime")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    command = chromium.find()
    if command is None:
        pytest.skip("there is no Chromium or Chrome here to look at the page with")
    with chromium.started(command, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser):
    """The tab, whose page must have thrown nothing in the end."""
    browser.offline(False)
    browser.send("Network.clearBrowserCookies")
    browser.errors.clear()
    yield browser
    assert not browser.errors
    browser.send("Page.navigate", url="about:blank")


@pytest.fixture
def frames(tmp_path, scans, photo_of):
    """A folder of frames that show the first card."""
    folder = tmp_path / "frames"
    folder.mkdir()
    picture = cv2.cvtColor(photo_of(scans["demo-1"]), cv2.COLOR_RGB2BGR)
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return str(folder)


@pytest.fixture
def served(device, frames):
    """Starts the command in a process of its own, or with ``interpreter`` in one of an own; gives it and its address."""
    running = []

    def start(*options, interpreter=False):
        command = ["serve", frames, "--releases", str(device.releases), "--port", "0", "--log", "json", *options]
        if interpreter:
            whole = [sys.executable, "-m", "edge_runtime.cli", *command]
            process = subprocess.Popen(whole, stderr=subprocess.PIPE, text=True)
        else:
            process = Program(*command)
        running.append(process)
        for line in process.stderr:
            message = json.loads(line)["message"]
            if message.startswith("open http"):
                return process, message.removeprefix("open ")
        raise AssertionError("it ended")

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(name="until", scope="session")
def until_fixture():
    return until


class Hand:
    """A camera in the hand of a test: it shows what it is told to, over and over, and can be lost."""

    live = True
    name = "the hand of a test"
    damaged = 0

    def __init__(self, picture, pace=0.02):
        self.picture, self.pace, self.lost, self.closed = picture, pace, False, threading.Event()
        self.shown = 0

    def __iter__(self):
        started = time.monotonic()
        while not self.closed.wait(self.pace):
            if not self.lost:
                noise = np.random.default_rng(self.shown).integers(0, 2, self.picture.shape, np.uint8)
                yield Frame(self.picture | noise, time.monotonic() - started, self.shown)
                self.shown += 1

    def close(self):
        self.closed.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture
def hand(table):
    """A camera that shows an empty table, until it is told otherwise."""
    return Hand(table)


@pytest.fixture
def opened(publisher):
    """Opens the publisher's newest release."""

    def open_it():
        release = open_release(publisher.releases, publisher.trusted)
        return Served.open(release, Recognizer.open(release, threads=1))

    return open_it


@pytest.fixture
def opener(publisher):
    """Makes what opens the publisher's newest release to be served; ``load`` in the place of loading a recogniser."""

    def make(load=None, place=None, trusted=publisher.trusted, **named):
        newest = partial(open_newest, place or publisher.releases, trusted)
        return Opener(newest, load or partial(Recognizer.open, threads=1), **named)

    return make


@pytest.fixture
def serve(opened, hand):
    """Starts a service and gives it and a client; all are stopped in the end."""
    with contextlib.ExitStack() as stack:

        def start(source=None, served=None, settings=None, limits=None, **named):
            settings = settings or Settings(port=0)
            settings = replace(settings, limits=limits or replace(settings.limits, rate=1000.0, burst=1000))
            service = stack.enter_context(Service(served or opened(), source or hand, settings, **named))
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=service.serve, args=(listening,), daemon=True)
            thread.start()
            stack.callback(thread.join, PATIENCE)
            stack.callback(service.stop)
            until(lambda: service._server.started)
            return service, Client(f"http://127.0.0.1:{listening.getsockname()[1]}")

        yield start


@pytest.fixture
def limits():
    """Limits of uploads, but for what a test says."""
    return lambda **given: Limits(**{"rate": 1000.0, "burst": 1000, **given})


@pytest.fixture
def jpeg():
    """A picture uint8 RGB as the bytes of a file."""

    def encode(picture, kind=".jpg"):
        return cv2.imencode(kind, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()

    return encode


@pytest.fixture
def another(publisher):
    """Publishes a further release in the place of the first: the same cards, one under another name."""

    def publish(name="Amber Fawn", release_id="fedcba9876543210"):
        manifest, folder = publisher.manifest, publisher.releases / release_id
        shutil.copytree(publisher.folder, folder)
        catalogue = folder / manifest["catalogue"]
        catalogue.write_text(catalogue.read_text().replace("Amber Fox", name))
        files = {**manifest["files"], catalogue.name: listed(catalogue)}
        publisher.publish(folder, {**manifest, "release_id": release_id, "files": files})
        return release_id

    return publish


@pytest.fixture
def told():
    """A queue of what somebody is told."""
    return queue.Queue()
