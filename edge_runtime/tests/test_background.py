"""Feedback is kept without the recogniser waiting for a disk."""

import os
import threading
import time

import numpy as np

from edge_runtime.cli import _load_to_serve, _parser
from edge_runtime.feedback.background import WAITING, Background, _writer
from edge_runtime.feedback.box import FeedbackBox, kept
from edge_runtime.gallery import Card, Match
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading, Recognition
from edge_runtime.releases.release import open_release

CORNERS = np.array([[250, 90], [420, 130], [360, 400], [170, 350]], np.float32)
FOX = Match(Card("demo-1", "Amber Fox", "demo", "1", "demo-1"), 0.71, 1)
FOUND = Recognition((Reading(Status.UNCERTAIN, 0.6, CORNERS, (FOX,), 0.9),))


def all_written():
    _writer.submit(lambda: None).result(30)


def test_a_disk_that_takes_its_time_takes_none_of_the_recognisers(tmp_path, table, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: time.sleep(0.2))
    notice = Background(FeedbackBox(tmp_path, "0123", "int8").notice)
    started = time.monotonic()
    notice(table, FOUND)
    assert time.monotonic() - started < 0.2
    all_written()
    assert [said["card_id"] for said in kept(tmp_path)] == ["demo-1"]


def test_no_more_pictures_wait_than_there_is_room_for_and_what_comes_then_is_left_out(table):
    told, go = [], threading.Event()
    notice = Background(lambda image, found: (go.wait(30), told.append(found)))
    for _ in range(3 * WAITING):
        notice(table, FOUND)
    notice(table, Recognition(()))
    go.set()
    all_written()
    assert len(told) == WAITING
    notice(table, FOUND)
    all_written()
    assert len(told) == WAITING + 1


def test_what_goes_wrong_is_written_into_the_log_and_the_next_picture_may_fare_better(table, caplog):
    told = []

    def notice(image, found):
        told.append(found)
        if len(told) == 1:
            raise KeyError("answers")

    background = Background(notice)
    for _ in range(2):
        background(table, FOUND)
        all_written()
    assert len(told) == 2
    assert "feedback is not kept" in caplog.text


def test_a_service_keeps_feedback_in_the_background(device, tmp_path):
    given = ["serve", "0", "--releases", str(device.releases), "--feedback", str(tmp_path)]
    with _load_to_serve(_parser().parse_args(given), open_release(device.releases, device.trusted)) as recognizer:
        assert isinstance(recognizer.notice, Background)
