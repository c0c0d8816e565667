"""Which frames of a stream are read: none of a scene that stands still, the newest where reading takes long."""

import threading
import time

import pytest
from cameras import Pictures

from edge_runtime.following.stillness import Stillness
from edge_runtime.reading.effort import Effort
from edge_runtime.sources import Frame
from edge_runtime.sources.live import LiveSource
from edge_runtime.stream import Stream


class Counting:
    """A recogniser that counts, and may be slow."""

    def __init__(self, recognizer, seconds=0.0):
        self.recognizer, self.seconds, self.calls = recognizer, seconds, 0

    def recognize(self, image, *, effort=Effort.THOROUGH, followed=()):
        self.calls += 1
        time.sleep(self.seconds)
        return self.recognizer.recognize(image, effort=effort, followed=followed)


class Given(list):
    """A source that gives these pictures, ten a second."""

    live, damaged, name = False, 0, "given"

    def __iter__(self):
        return (Frame(image, number / 10, number) for number, image in enumerate(list.__iter__(self)))

    def close(self):
        pass

    __enter__ = __exit__ = lambda self, *error: self


def test_a_still_scene_costs_no_network_and_its_card_is_confirmed_all_the_same(recognizer, scans, photo_of):
    counting = Counting(recognizer)
    stream = Stream(Given([photo_of(scans["demo-1"])] * 40), counting)
    assert [event.kind.value for event in stream.events()] == ["appeared", "confirmed"]
    assert counting.calls == stream.read == 3
    assert stream.spared == 37


def test_a_card_that_is_laid_on_a_still_table_is_not_missed(recognizer, table, scans, photo_of):
    counting = Counting(recognizer)
    stream = Stream(Given([table] * 20 + [photo_of(scans["demo-1"])] * 20), counting)
    (appeared, confirmed) = stream.events()
    assert (appeared.time, confirmed.time) == pytest.approx((2.1, 2.2))
    assert confirmed.cards[0].card_id == "demo-1"
    assert counting.calls < 10


def test_a_card_that_is_taken_away_leaves_though_nothing_moves_afterwards(recognizer, table, scans, photo_of):
    stream = Stream(Given([photo_of(scans["demo-1"])] * 10 + [table] * 40), recognizer)
    left = list(stream.events())[-1]
    assert (left.kind.value, left.time) == ("left", pytest.approx(3.0))


def test_every_frame_is_read_where_sparing_is_turned_off(recognizer, scans, photo_of):
    counting = Counting(recognizer)
    list(Stream(Given([photo_of(scans["demo-1"])] * 5), counting, stillness=Stillness(0)).events())
    assert counting.calls == 5


def test_a_recogniser_slower_than_the_camera_gets_the_newest_frame(recognizer, scans, table, photo_of):
    """The camera shows the fox for a moment and then the heron: the fox is gone before it could be read three times."""
    camera = Pictures(*[photo_of(scans["demo-1"])] * 10, photo_of(scans["demo-2"]), pace=0.01)
    source = LiveSource("camera", lambda: camera, print)
    give_up = threading.Timer(60, source.close)
    give_up.start()
    with source:
        stream = Stream(source, Counting(recognizer, seconds=0.2))
        confirmed = next(event for event in stream.events() if event.kind == "confirmed")
    give_up.cancel()
    assert confirmed.cards[0].card_id == "demo-2"
    assert stream.read < stream.frames / 3
