"""Cards followed from frame to frame: where they lie by now, and what is read there."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge_runtime import recognizer as recognizer_module
from edge_runtime.following.motion import Following, moved
from edge_runtime.geometry import area, full_frame, overlap, overview, turned
from edge_runtime.judging.decide import Status
from edge_runtime.reading import followed as followed_module
from edge_runtime.reading import reader as reader_module
from edge_runtime.reading.effort import Effort
from edge_runtime.stream import OTHERS, PLAINLY

TILTED = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)])


@pytest.fixture
def seen(recognizer, filming, photo_of, scans):
    """One that has followed the first card, and follows it on the next three frames."""
    assert [track.belief.art for track in filming(photo_of(scans["demo-1"]), 1 + OTHERS)] == ["demo-1"]
    return filming


def following(recognizer, photo):
    made = Following()
    made.saw(recognizer.recognize(photo).cards, overview(photo))
    return made


@pytest.mark.parametrize("light", [0.5, 1.0, 1.1])
@pytest.mark.parametrize("corners", [TILTED, turned(TILTED)])
def test_a_card_that_moved_is_found_where_it_lies_by_now(recognizer, scans, photo_of, corners, light):
    moved = corners + np.float32([14, -9])
    photo = (photo_of(scans["demo-1"], moved) * light).clip(0, 255).astype(np.uint8)
    (card,) = following(recognizer, photo_of(scans["demo-1"], corners)).now(photo, overview(photo))
    assert overlap(card.corners, moved) > 0.93
    np.testing.assert_allclose(card.corners, moved, atol=8)


@pytest.mark.parametrize("shape", [(480, 640), (240, 320)])
def test_of_a_card_that_is_gone_or_on_a_frame_of_another_size_nothing_is_told(
    recognizer, scans, photo_of, table, shape
):
    empty = table[: shape[0], : shape[1]]
    assert following(recognizer, photo_of(scans["demo-1"])).now(empty, overview(empty)) == ()


def noise(seed):
    """A small grey picture on which each place looks like no other."""
    spots = np.random.default_rng(seed).normal(size=(180, 320)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(spots, (0, 0), 2.5), None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)


OUTLINE = full_frame(60, 84) + np.float32([130, 48])


@pytest.mark.parametrize(
    ("times", "told"), [(1.1, True), (1.2, True), (1.3, False), (0.9, True), (0.85, True), (0.75, False)]
)
def test_a_card_that_is_half_as_large_again_or_so_much_smaller_on_the_next_frame_is_looked_for_anew(times, told):
    before = noise(0)
    closer = np.float32([[times, 0, 160 * (1 - times)], [0, times, 90 * (1 - times)]])
    now = cv2.warpAffine(before, closer, (320, 180), borderMode=cv2.BORDER_REFLECT)
    (place,) = moved(before, now, [OUTLINE])
    assert (place is not None) is told
    if place is not None:
        assert area(place) / area(OUTLINE) == pytest.approx(times**2, rel=0.05)


@pytest.mark.parametrize(("covered", "told"), [(0.0, True), (0.3, True), (0.7, False)])
def test_where_a_card_went_is_told_by_half_of_its_points_at_least(covered, told):
    before, now = noise(0), np.roll(noise(0), (3, 5), (0, 1))
    top = 51 + round(covered * 84)
    now[51:top] = noise(1)[51:top]
    (place,) = moved(before, now, [OUTLINE])
    assert (place is not None) is told
    if place is not None:
        np.testing.assert_allclose(place, OUTLINE + np.float32([5, 3]), atol=1)


def test_a_followed_card_is_read_once_where_it_lies(seen, asked, scans, photo_of):
    (card,) = seen(photo_of(scans["demo-1"], TILTED + np.float32([6, 4])))
    assert asked == [[Effort.SETTLED, 1]]
    np.testing.assert_allclose(card.corners, TILTED + np.float32([6, 4]), atol=8)


def test_a_followed_card_that_lies_on_its_head_is_read_once_too(filming, asked, scans, photo_of):
    corners = turned(TILTED)
    (card,) = filming(photo_of(scans["demo-1"], corners), 4)
    assert asked[-1] == [Effort.SETTLED, 1]
    np.testing.assert_allclose(card.corners, corners, atol=8)


def test_another_card_in_its_place_is_seen_in_the_very_frame(seen, scans, photo_of):
    (card,) = seen(photo_of(scans["demo-2"]))
    assert (card.votes[-1].art, card.votes[-1].named) == ("demo-2", True)


def test_a_stranger_in_its_place_is_seen_in_the_very_frame(seen, stranger, photo_of):
    assert not any(track.votes[-1].named for track in seen(photo_of(stranger)))


def test_a_card_that_was_taken_away_is_missed_in_the_very_frame(seen, table):
    assert seen(table) == []


def test_a_card_that_was_turned_on_its_head_is_read_so_in_the_very_frame(seen, scans, photo_of):
    (card,) = seen(photo_of(scans["demo-1"], turned(TILTED)))
    assert (card.votes[-1].art, card.votes[-1].named) == ("demo-1", True)
    np.testing.assert_allclose(card.corners, turned(TILTED), atol=8)


@pytest.mark.parametrize(("lies_there", "looked_for"), [("demo-1", 0), ("demo-2", 1)])
def test_what_is_not_read_as_what_it_was_is_looked_for_anew(
    recognizer, scans, photo_of, monkeypatch, lies_there, looked_for
):
    (card,) = recognizer.recognize(photo_of(scans["demo-1"])).cards
    asked, at_hand = [], recognizer_module.at_hand
    monkeypatch.setattr(recognizer_module, "at_hand", lambda image: asked.append(1) or at_hand(image))
    (now,) = recognizer.recognize(photo_of(scans[lies_there]), effort=Effort.FOLLOWED, followed=[card]).cards
    assert (now.card.card_id, len(asked)) == (lies_there, looked_for)


@pytest.fixture
def looked_at(recognizer, monkeypatch):
    """The cards that got a second look; every card needs one, as if all had twins."""
    looked_at, judge = [], recognizer.judge.judge
    monkeypatch.setattr(recognizer.judge, "settles", lambda *_: False)
    monkeypatch.setattr(recognizer.judge, "judge", lambda *given: looked_at.append(1) or judge(*given))
    return looked_at


@pytest.mark.parametrize(("effort", "looks"), [(Effort.FOLLOWED, 1), (Effort.SETTLED, 0)])
def test_a_settled_card_is_taken_for_the_twin_that_it_was(recognizer, looked_at, scans, photo_of, effort, looks):
    (card,) = recognizer.recognize(photo_of(scans["demo-1"])).cards
    looked_at.clear()
    (now,) = recognizer.recognize(photo_of(scans["demo-1"]), effort=effort, followed=[card]).cards
    assert (now.card, now.status, now.carried, len(looked_at)) == (card.card, card.status, not looks, looks)


def test_another_card_in_the_place_of_a_settled_one_is_looked_at(recognizer, looked_at, scans, photo_of):
    (card,) = recognizer.recognize(photo_of(scans["demo-1"])).cards
    looked_at.clear()
    (now,) = recognizer.recognize(photo_of(scans["demo-2"]), effort=Effort.SETTLED, followed=[card]).cards
    assert (now.card.card_id, now.carried, bool(looked_at)) == ("demo-2", False, True)


@pytest.mark.parametrize("headlong", [False, True])
def test_a_doubt_has_a_followed_card_read_the_other_way_up(recognizer, scans, photo_of, headlong, monkeypatch):
    """As when it is followed by what it looks like from afar, and lies on its head: a glance may know it even so."""
    monkeypatch.setattr(followed_module, "CLEAR", 0.0)
    (card,) = recognizer.recognize(photo_of(scans["demo-1"])).cards
    photo = photo_of(scans["demo-1"], turned(TILTED) if headlong else TILTED)
    (now,) = recognizer.recognize(photo, effort=Effort.FOLLOWED, followed=[card]).cards
    np.testing.assert_allclose(now.corners, turned(TILTED) if headlong else TILTED, atol=8)


def test_a_followed_card_that_must_be_found_anew_is_read_the_way_up_that_it_is_more_similar(
    recognizer, scans, photo_of, monkeypatch
):
    """Of a gallery of one card any glance is sure, headlong too."""
    (card,) = recognizer.recognize(photo_of(scans["demo-1"])).cards
    search = recognizer.gallery.search
    monkeypatch.setattr(
        recognizer.gallery,
        "search",
        lambda vectors, count: [[match for match in found if match.key == 1] for found in search(vectors, count)],
    )
    for module in (followed_module, reader_module):
        monkeypatch.setattr(module, "CLEAR", 0.0)
    (now,) = recognizer.recognize(
        photo_of(scans["demo-1"], turned(TILTED)),
        effort=Effort.ONE,
        followed=[replace(card, corners=card.corners + 300)],
    ).cards
    np.testing.assert_allclose(now.corners, turned(TILTED), atol=12)


def test_a_card_that_is_laid_beside_is_found_a_few_frames_later(seen, beside, scans, photo_of):
    both = beside(photo_of(scans["demo-1"]))
    seen(both, OTHERS)
    arts = {track.votes[-1].art for track in seen.follower.tracker.tracks}
    assert arts == {"demo-1", "demo-2"}


def test_while_something_moves_beside_it_one_of_eight_frames_is_looked_at_plainly_and_one_for_others(
    filming, asked, scans, photo_of
):
    for frame in range(1 + OTHERS + PLAINLY):
        filming(cv2.circle(photo_of(scans["demo-1"]), (480 + 10 * frame, 200), 50, (250, 80, 40), -1))
    follow = [Effort.SETTLED] * (OTHERS - 1)
    assert [effort for effort, _ in asked[OTHERS:]] == [Effort.ONE, *follow, Effort.PLAIN, *follow, Effort.ONE]


def test_cards_beside_each_other_are_followed_together(filming, asked, beside, scans, photo_of):
    both = beside(photo_of(scans["demo-1"]))
    filming(both, 4)
    assert asked[-1] == [Effort.SETTLED, 2]
    tracks = filming(beside(photo_of(scans["demo-1"]), "demo-3"))
    assert {track.votes[-1].art for track in tracks} == {"demo-1", "demo-3"}


def test_another_release_follows_nothing_of_the_one_before(seen, recognizer, asked, scans, photo_of):
    seen.follower.use(recognizer)
    seen(photo_of(scans["demo-1"]), 4)
    assert [effort for effort, _ in asked] == [Effort.THOROUGH, Effort.PLAIN, Effort.PLAIN, Effort.SETTLED]


def test_what_is_followed_makes_no_difference_to_a_thorough_look(recognizer, scans, photo_of):
    (card,) = recognizer.recognize(photo_of(scans["demo-1"])).cards
    found = recognizer.recognize(photo_of(scans["demo-2"]), followed=[card]).cards
    assert [(each.card.card_id, each.status) for each in found] == [("demo-2", Status.CONFIRMED)]
