"""Cameras that come and go. The camera is a double; the thread, the slot and the waiting are real."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from edge_runtime.sources import SourceError
from edge_runtime.sources.live import MOST_LEFT_BEHIND, CameraLost, LiveSource, Newest, Patience, within

QUICK = Patience(first=0.01, longest=0.05, silence=0.2, closing=0.5)


class Script:
    """A camera that does what it is told, step by step: a number is a frame of that grey, an exception is raised,
    a function is called for its frame. Opened again after each failure; then it goes on giving its last grey."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.opened = self.closed = self.reads = 0
        self.thread = set()

    def open(self):
        self.opened += 1
        if self.steps and self.steps[0] == "not there":
            self.steps.pop(0)
            raise CameraLost("it is not there, or another program uses it")
        return self

    def read(self):
        self.thread.add(threading.get_ident())
        self.reads += 1
        time.sleep(0.002)
        step = self.steps.pop(0) if self.steps else 255
        if isinstance(step, Exception):
            raise step
        step = step() if callable(step) else step
        return np.full((24, 32, 3), step, np.uint8) if isinstance(step, int) else step

    def close(self):
        self.closed += 1


@pytest.fixture
def said():
    return []


@pytest.fixture
def live(said):
    """Makes sources of scripts, and closes them."""
    made = []

    def make(script, patience=QUICK):
        made.append(LiveSource("camera", script.open, said.append, patience))
        return made[-1]

    yield make
    for source in made:
        source.close()


def until_grey(source, grey=255):
    """The frames up to the first of that grey."""
    frames = []
    for frame in source:
        frames.append(frame)
        if frame.image[0, 0, 0] == grey:
            return frames
    return frames


def test_the_newest_frame_takes_the_place_of_the_one_before():
    slot = Newest()
    slot.put("old")
    slot.put("new")
    assert (slot.take(0), slot.take(0)) == ("new", None)


def test_whoever_waits_for_a_frame_is_woken_by_closing():
    slot = Newest()
    threading.Timer(0.05, slot.close).start()
    started = time.monotonic()
    assert slot.take(30) is None
    assert time.monotonic() - started < 10


def test_a_slow_reader_gets_the_newest_frame_and_the_gap_shows_what_it_missed(live):
    script = Script(*range(200))
    frames = []
    for frame in live(script):
        frames.append(frame)
        assert frame.number >= frame.image[0, 0, 0]
        time.sleep(0.05)
        if len(frames) == 4:
            break
    gaps = [after.number - before.number for before, after in pairwise(frames)]
    assert max(gaps) > 1
    assert [frame.time for frame in frames] == sorted(frame.time for frame in frames)


def test_a_camera_that_is_lost_is_waited_for_and_both_are_said_once(live, said):
    script = Script(1, 2, CameraLost("it gives no more frames"), "not there", "not there", "not there", 3)
    until_grey(live(script))
    assert said == ["camera: it gives no more frames; waiting for it", "camera: it is back"]
    assert script.opened == 5


def test_a_camera_that_is_busy_at_the_start_is_waited_for(live, said):
    until_grey(live(Script("not there", "not there", 1)))
    assert said == [
        "camera: it is not there, or another program uses it; waiting for it",
        "camera: it is back",
    ]


@pytest.mark.parametrize("error", [OSError("no such device"), RuntimeError("Camera in Configured state"), ValueError()])
def test_whatever_a_driver_raises_is_a_camera_lost(live, said, error):
    script = Script(1, error, 2)
    until_grey(live(script))
    assert said == [f"camera: {str(error) or 'ValueError'}; waiting for it", "camera: it is back"]
    assert script.closed == 1


def test_a_camera_that_stalls_is_said_to_be_silent_and_goes_on_when_it_wakes(live, said):
    wake = threading.Event()

    def stall():
        threading.Timer(3 * QUICK.silence, wake.set).start()
        wake.wait(10)
        return 7

    frames = until_grey(live(Script(1, stall, 7)), grey=7)
    assert said == ["camera: it gives no frames; waiting for it", "camera: it is back"]
    assert frames[-1].image[0, 0, 0] == 7


def test_frames_that_are_no_pictures_are_left_out_and_counted(live, said):
    broken = [np.zeros((24, 32, 3)), np.zeros((24, 32, 2), np.uint8), np.zeros(5, np.uint8)]
    source = live(Script(1, *[(lambda frame=frame: frame) for frame in broken], 2))
    until_grey(source)
    assert source.damaged == 3
    assert len(said) == 1
    assert "damaged frames are left out" in said[0]


def test_a_grey_frame_becomes_rgb(live):
    source = live(Script(lambda: np.full((24, 32), 255, np.uint8)))
    assert until_grey(source)[0].image.shape == (24, 32, 3)


def test_one_thread_alone_touches_the_camera_and_closing_ends_it(live):
    script = Script()
    source = live(script)
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []
    assert (script.closed, len(script.thread)) == (1, 1)
    reads = script.reads
    time.sleep(0.05)
    assert script.reads == reads
    source.close()


def test_an_interrupted_loop_lets_go_of_the_camera(live):
    script = Script()
    with pytest.raises(KeyboardInterrupt), live(script) as source:
        for _ in source:
            raise KeyboardInterrupt
    assert script.closed == 1


def test_a_driver_that_hangs_does_not_hang_the_program(live):
    never = threading.Event()
    script = Script(1, lambda: never.wait(60) and 0)
    source = live(script)
    assert next(iter(source)).number == 0
    started = time.monotonic()
    source.close()
    assert time.monotonic() - started < 20
    never.set()


def test_a_driver_that_hangs_while_it_closes_is_left_behind(live, said):
    script, never, ended = Script(1, CameraLost("gone"), 2), threading.Event(), []
    script.close = lambda: ended.append(never.wait(30))
    until_grey(live(script, Patience(0.01, 0.05, 10.0, 0.1)))
    assert said[-1] == "camera: it is back"
    assert ended == []
    never.set()


@pytest.mark.parametrize("hangs", ["open", "read"])
def test_a_driver_that_hangs_for_good_ends_the_reading_so_that_it_can_be_started_anew(live, said, hangs):
    never = threading.Event()
    script = Script(lambda: never.wait(30) and 0)
    if hangs == "open":
        script.open = lambda: never.wait(30) and script
    with pytest.raises(SourceError, match="its driver hangs: start this anew"):
        list(live(script, Patience(0.01, 0.05, 0.1, 0.1, hanging=0.3)))
    assert said == ["camera: it gives no frames; waiting for it"]
    never.set()


def test_a_driver_that_hangs_each_time_that_it_closes_does_not_use_up_the_threads(live):
    script, never = Script(*[CameraLost("gone")] * 1000), threading.Event()
    script.close = lambda: never.wait(30)
    with pytest.raises(SourceError, match="its driver hangs"):
        list(live(script, Patience(0.001, 0.001, 0.1, 0.001)))
    assert MOST_LEFT_BEHIND <= script.opened < 1000
    never.set()


def test_a_camera_that_is_away_for_long_is_no_driver_that_hangs(live, said):
    frames = until_grey(live(Script(*["not there"] * 30, 1, 255), Patience(0.02, 0.02, 0.05, 0.5, hanging=0.2)))
    assert frames[-1].image[0, 0, 0] == 255
    assert said[-1] == "camera: it is back"


def test_pauses_grow_with_each_failure_and_start_anew_after_a_frame(live):
    paused = []

    class Noted(Patience):
        def pause(self, failures):
            paused.append(failures)
            return 0.0

    until_grey(live(Script("not there", "not there", "not there", 1, CameraLost("gone"), "not there", 2), Noted()))
    assert paused == [0, 1, 2, 0, 1]


def test_work_that_is_not_done_in_time_or_that_fails_is_given_up():
    assert within(5, lambda: None)
    assert within(5, lambda: 1 / 0)
    assert not within(0.01, lambda: time.sleep(0.5))


def test_pauses_double_up_to_the_longest_and_are_never_all_the_same():
    patience = Patience(first=1.0, longest=8.0)
    pauses = [[patience.pause(failures) for _ in range(50)] for failures in range(1000)[::100]]
    for row, (least, most) in zip(pauses, [(0.5, 1.0), (4.0, 8.0), (4.0, 8.0)], strict=False):
        assert least <= min(row) < max(row) <= most
    assert max(patience.pause(2) for _ in range(50)) <= 4.0
