"""Cards that lie in rows: a gap between them may hold one whose own outline isn't seen."""

import cv2
import numpy as np
import pytest
from drawn import lay

from edge_runtime import recognizer as recognizer_module
from edge_runtime.finding.rows import gaps
from edge_runtime.geometry import full_frame, overlap, scaled, turned
from edge_runtime.reading.effort import Effort

SIZE = (640, 480)


def at(column: float, row: float) -> np.ndarray:
    """A place on a page with cards of 120 × 168 in columns of 150 and rows of 200."""
    return full_frame(120, 168) + np.float32([40 + 150 * column, 40 + 200 * row])


def same(found, expected):
    return len(found) == len(expected) and all(max(overlap(place, each) for each in found) > 0.95 for place in expected)


def test_a_missing_corner_of_a_page_lies_where_its_row_and_its_column_meet():
    assert same(gaps([at(0, 0), at(1, 0), at(0, 1)], (360, 450)), [at(1, 1)])


def test_a_row_goes_on_at_both_of_its_ends_as_far_as_the_picture_does():
    assert same(gaps([at(1, 0), at(2, 0)], SIZE), [at(0, 0), at(3, 0)])


def test_a_column_goes_on_as_a_row_does():
    assert same(gaps([at(0, 0), at(0, 1)], (200, 650)), [at(0, 2)])


def test_each_row_goes_on_in_its_own_steps():
    near, far = at(0, 0), at(0, 1.25)
    narrow, wide = np.float32([130, 0]), np.float32([150, 0])
    assert same(gaps([near, near + wide, far, far + narrow], (640, 470)), [near + 2 * wide, far + 2 * narrow])


def test_a_card_passed_over_lies_between_its_neighbours():
    assert same(gaps([at(0, 0), at(2, 0)], (480, 240)), [at(1, 0)])


def test_a_card_that_lies_upside_down_in_its_row_is_as_good_a_neighbour():
    assert same(gaps([at(1, 0), turned(at(2, 0))], SIZE), [at(0, 0), at(3, 0)])


def aslant(place: np.ndarray, degrees: float) -> np.ndarray:
    """The place turned about its middle."""
    turn = cv2.getRotationMatrix2D(place.mean(axis=0).tolist(), degrees, 1.0)
    return cv2.transform(place[None], turn)[0].astype(np.float32)


def test_a_slanting_row_goes_on_as_it_slants():
    slant = cv2.getRotationMatrix2D((320, 240), 12, 1.0)
    first, second, third = (cv2.transform(at(column, 0.5)[None], slant)[0] for column in (0, 1, 2))
    assert any(overlap(third, place) > 0.95 for place in gaps([first, second], SIZE))


@pytest.mark.parametrize(
    "cards",
    [
        pytest.param([], id="no card"),
        pytest.param([at(1, 0)], id="one card"),
        pytest.param([at(0, 0), scaled(at(1, 0), 1.3)], id="of two sizes"),
        pytest.param([at(0, 0), at(1.4, 0.6)], id="not in one row"),
        pytest.param([at(0, 0), aslant(at(1, 0), 30)], id="one of them aslant"),
        pytest.param([at(0, 0), turned(full_frame(168, 120) + np.float32([200, 60]), 1)], id="one of them across"),
    ],
)
def test_cards_that_make_no_row_say_nothing(cards):
    assert gaps(cards, SIZE) == []


@pytest.fixture
def page(scans):
    """Five cards on a page, and a sixth that a round glare leaves no side of."""
    photo = np.full((480, 640, 3), 205, np.uint8)
    for number, column, row in ((1, 0, 0), (2, 1, 0), (3, 2, 0), (4, 0, 1), (5, 1, 1), (6, 2, 1)):
        photo = lay(scans[f"demo-{number}"], at(column, row), photo)
    lit = np.zeros(SIZE[::-1], np.float32)
    cv2.ellipse(lit, (tuple(map(float, at(1, 1).mean(axis=0))), (90, 130), 0), 1, -1)
    share = cv2.GaussianBlur(lit, (0, 0), 12)[..., None]
    own = np.zeros(SIZE[::-1], bool)
    x, y = at(1, 1)[0].astype(int)
    own[y - 10 : y + 178, x - 10 : x + 130] = True
    return np.where(own[..., None], photo * share + 205 * (1 - share), photo).astype(np.uint8)


def test_a_card_whose_sides_can_not_be_seen_is_named_where_its_neighbours_leave_a_gap(recognizer, page, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(recognizer_module, "gaps", lambda *_: [])
        patch.setattr(recognizer_module, "beside_known", lambda *_: [])
        assert len(recognizer.recognize(page).cards) == 5
    found = {card.card.card_id: card.corners for card in recognizer.recognize(page).cards}
    assert sorted(found) == [f"demo-{number}" for number in range(1, 7)]
    assert overlap(found["demo-5"], at(1, 1)) > 0.8


def test_a_frame_of_a_stream_is_not_searched_for_gaps(recognizer, page):
    found = recognizer.recognize(page, effort=Effort.QUICK).cards
    assert sorted(card.card.card_id for card in found) == ["demo-1", "demo-2", "demo-3", "demo-4", "demo-6"]
