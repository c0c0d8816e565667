"""What was read of a picture, told to a feedback box."""

import numpy as np

from edge_runtime.gallery import Card, Match
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading, Recognition

DAY = 1_800_000_000.0
DATE = "2027-01-15"
CORNERS = np.array([[250, 90], [420, 130], [360, 400], [170, 350]], np.float32)


def reading(status=Status.UNCERTAIN, card_id="demo-1", similarity=0.71, confidence=0.6):
    matches = (Match(Card(card_id, "Amber Fox", "demo", "1", card_id), similarity, 1),)
    return Reading(status, confidence, CORNERS, matches, 0.9)


def notice(box, photo, *readings):
    box.notice(photo, Recognition(tuple(readings)))
