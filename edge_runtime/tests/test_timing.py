import time

import pytest

from edge_runtime.timing import Stopwatch, timed, timed_steps


@timed("inner")
def inner(seconds):
    time.sleep(seconds)
    return seconds


@timed("outer")
def outer():
    return inner(0.02)


def test_each_moment_counts_once_for_the_innermost_part():
    with Stopwatch() as watch:
        assert outer() == 0.02
        inner(0.01)
    assert set(watch.spent) == {"inner", "outer"}
    assert watch.spent["inner"] >= 0.03
    assert watch.spent["outer"] < 0.02


def test_without_a_stopwatch_nothing_is_counted():
    with Stopwatch() as watch:
        pass
    inner(0)
    assert watch.spent == {}


def test_time_counts_when_the_work_fails():
    @timed("broken")
    def broken():
        raise ValueError

    with Stopwatch() as watch, pytest.raises(ValueError):
        broken()
    assert list(watch.spent) == ["broken"]


def test_a_recognition_is_timed_part_by_part(publisher, photo_of, scans):
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import open_release

    recognizer = Recognizer.open(open_release(publisher.releases, publisher.trusted), threads=1)
    with Stopwatch() as watch:
        recognizer.recognize(photo_of(scans["demo-1"]))
    assert set(watch.spent) >= {"find", "rectify", "embed", "search", "judge"}


def test_steps_are_counted_and_what_is_done_between_them_is_not():
    @timed_steps("find")
    def steps():
        for number in range(3):
            time.sleep(0.002)
            yield number

    assert list(steps()) == [0, 1, 2], "without a stopwatch too"
    with Stopwatch() as watch:
        for number in steps():
            watch.time(f"look {number}", lambda: time.sleep(0.002))
    assert set(watch.spent) == {"find", "look 0", "look 1", "look 2"}
    assert watch.spent["find"] >= 0.006
