"""What the history tells of one event, as JSON and as a table."""

import csv
import io

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
