"""What the history tells of one event, as JSON and as a table."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.following.belief import State
from edge_runtime.following.tracks import Event, Kind
from edge_runtime.gallery import Card
from edge_runtime.server.history import History

FOX = Card("demo-1", "Amber Fox", "demo", "1", "fox", "Demo Days")
CORNERS = np.float32([[10, 10], [73, 10], [73, 98], [10, 98]])


@pytest.mark.parametrize(("state", "flag"), [(State.CONFIRMED, False), (State.UNKNOWN, True)])
def test_whoever_counts_cards_is_told_which_row_is_of_another_printing_than_the_card_in_it(state, flag):
    history = History(10)
    entry = history.add(Event(Kind.CHANGED, 1.0, 1, state, 0.9, (FOX,), CORNERS), np.zeros((120, 90, 3), np.uint8), "r")
    assert entry.value["other_printing"] is flag
    (row,) = csv.DictReader(io.StringIO(history.table()))
    assert (row["card_id"], row["other_printing"]) == ("demo-1", str(flag).lower())
    assert (row["set"], row["set_name"]) == ("demo", "Demo Days")


def event(kind, stay=1, card=FOX):
    return Event(kind, 1.0, stay, State.CONFIRMED, 0.9, (card,), CORNERS)


def grey(level):
    return np.full((120, 90, 3), level, np.uint8)


def test_the_last_events_are_kept_and_no_more():
    history = History(2)
    for _ in range(3):
        history.add(event(Kind.CHANGED), grey(0), "r")
    assert history.entry(1) is None
    assert [value["number"] for value in history.before(None, 10)] == [3, 2]


def test_a_card_that_left_is_shown_as_it_was_seen_last_and_not_as_another_one():
    history = History(10)
    own = history.add(event(Kind.CONFIRMED, stay=1), grey(40), "r")
    other = history.add(event(Kind.CONFIRMED, stay=2), grey(200), "r")
    left = history.add(event(Kind.LEFT, stay=1), grey(120), "r")
    assert left.thumbnail == own.thumbnail != other.thumbnail
    assert history.add(event(Kind.LEFT, stay=3), grey(120), "r").thumbnail == b""


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "＠A"])
def test_no_name_is_a_formula_to_a_spreadsheet(name):
    history = History(10)
    history.add(event(Kind.CONFIRMED, card=replace(FOX, name=name)), grey(0), "r")
    (row,) = csv.DictReader(io.StringIO(history.table(), newline=""))
    assert row["name"] == f"'{name}"
