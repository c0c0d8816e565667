"""A service takes up a release that hasn't proved itself: what is counted, what is rolled back, who is to blame."""

import json
import os
import signal
from functools import partial

import pytest

from edge_runtime.embedder import EmbedderError
from edge_runtime.gallery import GalleryError
from edge_runtime.hailo.faults import HailoFault
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.home import Home
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import RefusedBefore, SelfTestFailed
from edge_runtime.releases.trial import STARTS
from edge_runtime.server import opening
from edge_runtime.server.opening import RolledBack


@pytest.fixture
def home(published, tmp_path, monkeypatch):
    """The home of a device that served the first release well, and has pulled a second."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    release = open_newest(published.releases, published.trusted)
    home = Home.of_release(release.folder)
    home.served_well(home.served.manifest_sha256)
    published.change_a_row()
    open_newest(published.releases, published.trusted)
    return home


@pytest.fixture
def start(published, opener, home):
    """Starts a service whose releases are loaded by ``load``, at what the publisher has or at ``place``."""

    def start(load=None, place=None, **named):
        return opener(load, place or published.releases, published.trusted, **named).first()

    return start


def counted(home):
    """Starts that are held against a release."""
    file = home.folder / "trial.json"
    return json.loads(file.read_text())["starts"] if file.exists() else 0


def killed(start):
    """A start in a process of its own, which is killed while the release is being loaded."""
    child = os.fork()
    if child == 0:
        try:
            start(lambda release: os.kill(os.getpid(), signal.SIGKILL))
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def test_a_release_that_kills_its_service_while_it_is_opened_is_rolled_back(start, home, published):
    second = home.served.release_id
    for number in range(STARTS):
        assert home.served.release_id == second
        killed(start)
        assert counted(home) == number + 1
    served = start()
    assert served.release_id != second
    served.close()
    with pytest.raises(RefusedBefore, match="it ended the service 2 times"):
        pull(published.releases, home.folder, published.trusted)


def test_a_start_after_one_that_was_killed_serves_and_forgets_it(start, home):
    second = home.served.release_id
    killed(start)
    served = start()
    served.served_well()
    served.close()
    assert (served.release_id, counted(home), home.served.good) == (second, 0, True)
    killed(start)
    killed(start)
    assert start().release_id == second, "a release that has served well is on trial no more"


def test_a_home_that_is_only_opened_counts_and_rolls_back_too(start, home):
    """The service's unit names the home: another unit pulls."""
    second = home.served.release_id
    for _ in range(STARTS):
        killed(partial(start, place=home.folder))
    served = start(place=home.folder)
    assert served.release_id != second
    served.close()


def test_what_only_the_test_needed_is_given_back_before_the_release_is_handed_over(start, home, monkeypatch):
    said = []
    monkeypatch.setattr(opening, "settle", lambda: said.append("given back"))
    start(test=lambda recognizer: said.append("tried")).close()
    assert said == ["tried", "given back"]


def no_package(release):
    raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")


def no_chip(release):
    raise HailoFault("no Hailo chip is found: check that it sits firmly")


def no_memory(release):
    try:
        raise MemoryError
    except MemoryError as error:
        raise EmbedderError("int8.onnx is no model that ONNX Runtime can run") from error


def another_variant(release):
    return Recognizer.open(release, "int4")


def is_stopped(release):
    raise KeyboardInterrupt


@pytest.mark.parametrize("load", [another_variant, no_chip, no_package, no_memory, is_stopped])
def test_what_the_device_lacks_or_asks_for_is_never_held_against_a_release(start, home, load):
    second = home.served.release_id
    for _ in range(STARTS + 1):
        with pytest.raises((Exception, KeyboardInterrupt)):
            start(load)
        assert counted(home) == 0
    assert home.refused == {}
    served = start()
    assert served.release_id == second
    served.close()


def bad_model(release):
    raise EmbedderError("int8.onnx is no model that ONNX Runtime can run: pull the release again")


def bad_index(release):
    raise GalleryError("int8.usearch is no index that uSearch can read: pull the release again")


def damaged_hef(release):
    raise HailoFault("the HEF is damaged", 91)


def anything(release):
    raise RuntimeError("nobody thought of this")


@pytest.mark.parametrize("load", [bad_model, bad_index, damaged_hef, anything])
def test_what_the_release_lacks_is_held_against_it(start, home, load):
    second = home.served.release_id
    for _ in range(STARTS):
        with pytest.raises((RuntimeError, EmbedderError)):
            start(load)
    served = start()
    assert served.release_id != second
    served.close()


def test_one_that_answers_otherwise_with_what_this_service_uses_is_rolled_back_at_once(start, home, caplog):
    second, closed = home.served.release_id, []

    def wrong_once(recognizer):
        if recognizer.release.release_id == second:
            recognizer.close = lambda: closed.append(True)
            raise SelfTestFailed("self-test: hailo8l takes demo-1 for demo-2")

    served = start(test=wrong_once)
    assert served.release_id != second
    assert closed == [True]
    assert "takes demo-1 for demo-2; rolled back to" in caplog.text
    served.close()


def test_the_only_release_is_not_served_where_it_answers_otherwise(opener, publisher):
    def wrong(recognizer):
        raise SelfTestFailed("self-test: hailo8l takes demo-1 for demo-2")

    with pytest.raises(SelfTestFailed) as caught:
        opener(test=wrong).first()
    assert not isinstance(caught.value, RolledBack)


def test_known_queries_are_asked_until_a_release_has_served_well(start, home):
    asked = []
    for _ in range(2):
        served = start(test=asked.append)
        served.close()
    assert len(asked) == 2
    start(test=asked.append).served_well()
    start(test=asked.append).close()
    assert len(asked) == 3
