"""Work in several threads: order, how far ahead, and what an error stops."""

import time
from threading import Lock

import pytest

from pcr_assets.resources.side_by_side import side_by_side


def test_results_come_in_order_whatever_takes_longest():
    assert list(side_by_side(lambda n: time.sleep(0.02 * (n % 3)) or n, range(12), 4)) == list(range(12))


def test_several_are_under_way_at_once_and_no_more_than_asked_for():
    busy, most, lock = 0, 0, Lock()

    def work(_):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.02)
        with lock:
            busy -= 1

    list(side_by_side(work, range(20), 4))
    assert 2 <= most <= 4


def test_an_error_comes_out_in_its_place_and_little_is_begun_after_it():
    begun = []

    def work(number):
        begun.append(number)
        if number == 3:
            raise ValueError("the third")
        return number

    results = side_by_side(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(results)
    assert len(begun) <= 3 + 2 * 2


def test_who_stops_taking_stops_the_work():
    begun = []
    results = side_by_side(begun.append, iter(range(10**9)), 2)
    next(results)
    results.close()
    assert len(begun) <= 4
