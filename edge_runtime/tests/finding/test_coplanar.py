"""Cards beside a known one: where both lie on one table, one corner says where all of a card lies."""

import cv2
import numpy as np
import pytest
from drawn import draw_card, lay

from edge_runtime.finding.coplanar import beside, corners_around
from edge_runtime.finding.locate import around, beside_known
from edge_runtime.geometry import full_frame, overlap

SIZE = (960, 540)
FLAT = full_frame(*SIZE)
SLANTED = np.float32([(180, 60), (820, 20), (940, 530), (40, 500)])
"""Where a table's corners lie that is seen at a slant."""
KNOWN = full_frame(126, 176) + np.float32([120, 180])
OTHER = cv2.boxPoints(((620.0, 260.0), (126.0, 176.0), 25.0))
"""Another card of the same size, turned, at the other end of the table; both flat on it."""


def seen(corners, table):
    """Corners on the flat table as they are seen."""
    return cv2.perspectiveTransform(corners[None], cv2.getPerspectiveTransform(FLAT, table))[0]


def photo_of(*cards, table=FLAT):
    photo = np.full((*SIZE[::-1], 3), 80, np.uint8)
    for number, corners in enumerate(cards):
        photo = lay(draw_card(number), seen(corners, table), photo)
    return photo


def places_beside(known, photo):
    return beside([known], corners_around([known], photo), photo.shape)


def best(places, corners):
    return max((overlap(place, corners) for place in places), default=0.0)


@pytest.mark.parametrize("table", [pytest.param(FLAT, id="from above"), pytest.param(SLANTED, id="at a slant")])
def test_a_card_at_the_other_end_of_the_table_is_found(table):
    known, other = seen(KNOWN, table), seen(OTHER, table)
    assert best(places_beside(known, photo_of(KNOWN, OTHER, table=table)), other) > 0.9


def test_one_corner_is_enough_where_the_others_are_covered():
    photo = photo_of(KNOWN, OTHER)
    hidden = OTHER[[1, 2, 3]].mean(axis=0)
    cv2.circle(photo, [round(float(at)) for at in hidden], 78, (80, 80, 80), -1)
    assert best(places_beside(KNOWN, photo), OTHER) > 0.9


def test_what_lies_on_a_known_card_or_is_of_another_size_is_no_card_beside_it():
    smaller = cv2.boxPoints(((620.0, 260.0), (80.0, 112.0), 25.0))
    photo = photo_of(KNOWN, smaller)
    assert best(places_beside(KNOWN, photo), KNOWN) < 0.1
    assert best(places_beside(KNOWN, photo), smaller) < 0.5


def test_a_card_on_a_bare_table_has_nothing_beside_it():
    assert not len(places_beside(KNOWN, photo_of(KNOWN)))
    assert not len(places_beside(KNOWN, np.full((*SIZE[::-1], 3), 80, np.uint8)))


def test_a_place_counts_where_the_sides_of_a_card_are_seen():
    photo = photo_of(KNOWN, OTHER)
    assert best(beside_known(around(photo, [KNOWN])), OTHER) > 0.9
    angle = np.full((*SIZE[::-1], 3), 80, np.uint8)
    cv2.polylines(
        angle,
        [np.int32([OTHER[0] + 0.3 * (OTHER[3] - OTHER[0]), OTHER[0], OTHER[0] + 0.4 * (OTHER[1] - OTHER[0])])],
        False,
        (220, 220, 220),
        2,
    )
    assert best(places_beside(KNOWN, angle), OTHER) > 0.9
    assert beside_known(around(angle, [KNOWN])) == []


def test_what_is_seen_around_cards_is_looked_for_once_as_long_as_they_are_the_same():
    photo, again = photo_of(KNOWN, OTHER), KNOWN.copy()
    there = around(photo, [KNOWN])
    assert around(photo, [KNOWN], there) is there
    for others in ([again], [KNOWN, again]):
        assert around(photo, others, there).known is others
