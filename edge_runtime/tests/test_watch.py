"""Watching, from a video file or a camera to events, with everything real but the model and the camera."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from cameras import Pictures
from PIL import Image

from edge_runtime.answers import answer_for
from edge_runtime.cli import main
from edge_runtime.embedder import EmbedderError
from edge_runtime.reading.effort import Effort
from edge_runtime.reading.readings import Recognition
from edge_runtime.watch import add_options, event_json, in_words, run, stoppable


@pytest.fixture
def film(tmp_path, table, photo_of):
    """Writes a video, ten frames a second: each part shows a card, or nothing, for so many frames, in an unsteady hand."""

    def write(*parts, name="film.avi"):
        writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter.fourcc(*"MJPG"), 10, table.shape[1::-1])
        rng = np.random.default_rng(0)
        for card, count in parts:
            for _ in range(count):
                corners = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)]) + rng.uniform(-6, 6, (4, 2))
                picture = table if card is None else photo_of(card, corners.astype(np.float32))
                writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        writer.release()
        return str(tmp_path / name)

    return write


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_video_gives_a_line_for_each_event(device, film, scans, stranger, capsys):
    video = film((scans["demo-1"], 3), (None, 3), (stranger, 2), (None, 3), (scans["demo-2"], 3))
    assert main(["watch", "--json", "--leave", "0.15", "--releases", str(device.releases), video]) == 0
    events = lines(capsys)
    assert [(event["event"], *(card["card_id"] for card in event["cards"])) for event in events] == [
        ("appeared",),
        ("confirmed", "demo-1"),
        ("left", "demo-1"),
        ("appeared",),
        ("left",),
        ("appeared",),
        ("confirmed", "demo-2"),
    ]
    assert list(events[1]) == ["event", "time", "stay", "status", "confidence", "cards", "other_printing", "corners"]
    assert events[1]["cards"] == [
        {"card_id": "demo-1", "name": "Amber Fox", "set": "demo", "set_name": "Demo Days", "number": "1"}
    ]
    assert events[1]["time"] == pytest.approx(0.2)
    assert events[1]["corners"][0] == pytest.approx([250, 90], abs=15)


def test_a_person_gets_a_line_for_each_event_and_a_summary(device, film, scans, capsys):
    assert main(["watch", "--releases", str(device.releases), film((scans["demo-1"], 5))]) == 0
    output = capsys.readouterr()
    appeared, confirmed = output.out.splitlines()
    assert "appeared" in appeared
    assert all(word in confirmed for word in ("0.2 s", "confirmed", "Amber Fox", "Demo Days", "% sure"))
    assert "5 of 5 frames read" in output.err
    assert "1 card confirmed" in output.err


def test_of_n_frames_one_is_looked_at(device, film, scans, capsys):
    video = film((scans["demo-1"], 9))
    assert main(["watch", "--every", "3", "--releases", str(device.releases), video]) == 0
    assert "3 of 9 frames read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (["--every", "0"], "must be 1 or more, is 0"),
        (["--leave", "-1"], "must be 0 to 1,000,000,000, is -1"),
        (["--still", "nan"], "must be 0 to 1,000,000,000, is nan"),
        (["--still", "much"], "must be 0 to 1,000,000,000, is much"),
        (["--leave", "1e10"], "must be 0 to 1,000,000,000, is 1e10"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(device, capsys, option, why):
    with pytest.raises(SystemExit):
        main(["watch", *option, "--releases", str(device.releases), "0"])
    assert why in capsys.readouterr().err


def test_a_source_that_is_not_there_is_one_sentence_and_exit_code_1(device, capsys):
    assert main(["watch", "--releases", str(device.releases), "gone.mp4"]) == 1
    output = capsys.readouterr()
    assert (output.out, len(output.err.splitlines())) == ("", 1)
    assert "gone.mp4 is not there" in output.err


def test_a_release_that_is_refused_is_exit_code_2(publisher, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(tmp_path / "no-roots"))
    assert main(["watch", "--releases", str(publisher.releases), "0"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.fixture
def options():
    parser = argparse.ArgumentParser()
    add_options(parser)
    return lambda *arguments: parser.parse_args(arguments)


def test_a_recogniser_that_fails_ends_the_watch_with_one_sentence(film, scans, options, capsys):
    class Broken:
        def recognize(self, image, *, effort=Effort.THOROUGH, followed=()):
            raise EmbedderError("the model gave numbers that are none")

    assert run(Broken(), options(film((scans["demo-1"], 3)))) == 1
    assert "edge-runtime: the model gave numbers that are none" in capsys.readouterr().err


@pytest.fixture
def rotten(recognizer, publisher):
    """A recogniser whose pictures rotted on the disk after it was opened."""
    (archive,) = publisher.folder.glob("references-*.zip")
    with archive.open("r+b") as file:
        file.write(bytes(archive.stat().st_size))
    return recognizer


@pytest.fixture
def doubtful(scans, stranger):
    """A card that shines through another: it is looked at twice."""
    return cv2.addWeighted(scans["demo-1"], 0.6, stranger, 0.4, 0)


def test_pictures_that_rotted_end_the_watch_with_one_sentence(rotten, film, doubtful, options, capsys):
    assert run(rotten, options(film((doubtful, 3)))) == 1
    assert "holds no features: pull the release again" in capsys.readouterr().err


def test_pictures_that_rotted_are_an_error_of_the_photo(rotten, doubtful, photo_of, tmp_path):
    Image.fromarray(photo_of(doubtful)).save(tmp_path / "photo.png")
    answer = answer_for(rotten, str(tmp_path / "photo.png"))
    assert (answer["status"], "pull the release again" in answer["error"]) == ("error", True)


class Empty:
    def recognize(self, image, *, effort=Effort.THOROUGH, followed=()):
        return Recognition(())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_watch_with_a_summary_and_lets_go_of_the_camera(monkeypatch, options, table, capsys, how):
    closed = threading.Event()
    camera = Pictures(table, pace=0.01)
    camera.close = closed.set
    monkeypatch.setattr("edge_runtime.sources.UsbCamera", lambda device: camera)
    before = signal.getsignal(signal.SIGTERM)
    threading.Timer(0.3, os.kill, (os.getpid(), how)).start()
    assert run(Empty(), options("0", "--still", "0")) == 0
    assert closed.is_set()
    assert "0 cards confirmed" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_is_an_interrupt_only_while_watching():
    with pytest.raises(KeyboardInterrupt), stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)


def test_a_real_process_ends_cleanly_at_sigterm_and_at_a_closed_pipe(device, film, scans):
    video = film(*[(scans["demo-1"], 4), (scans["demo-2"], 4)] * 2)
    command = [sys.executable, "-m", "edge_runtime.cli", "watch", "--still", "0", "--releases", str(device.releases)]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, video], stdout=pipe, stderr=pipe, text=True) as process:
        assert "appeared" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "frames read" in said
    with subprocess.Popen([*command, video], stdout=pipe, stderr=pipe, text=True) as process:
        process.stdout.close()
        said = process.stderr.read()
        process.wait(timeout=60)
    assert (process.returncode, "Error" in said) == (0, False)


def test_candidates_are_listed_for_a_person():
    from edge_runtime.following.belief import State
    from edge_runtime.following.tracks import Event, Kind
    from edge_runtime.gallery import Card

    cards = tuple(Card(f"demo-{n}", "Amber Fox", "demo", str(n), "fox") for n in range(1, 6))
    corners = np.zeros((4, 2), np.float32)
    line = in_words(Event(Kind.CHANGED, 1.5, 3, State.UNCERTAIN, 0.999, cards, corners))
    assert line.endswith("uncertain, one of demo-1, demo-2, demo-3 and 2 more")
    assert in_words(Event(Kind.CHANGED, 1.5, 3, State.UNKNOWN, 0.1, (), corners)).endswith("changed   unknown")
    other = Event(Kind.CHANGED, 1.5, 3, State.UNKNOWN, 0.1, cards[:1], corners)
    assert event_json(other)["other_printing"] is True
    line = in_words(other)
    assert f"unknown card, another printing of {cards[0].name}" in line
