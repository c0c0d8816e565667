"""Cards that lie half under a known one, as in a fan: found by a corner, and named by what is seen of them alone."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from drawn import DIM, MODEL_SIZE, block_average_model, lay
from printed_cards import archive, textured

from edge_runtime.embedder import OnnxEmbedder, embedded
from edge_runtime.finding.beneath import beneath, lies_half_under, orders, sticks_out
from edge_runtime.finding.coplanar import corners_around
from edge_runtime.gallery import Card, Gallery
from edge_runtime.geometry import full_frame, overlap, rectify, turned
from edge_runtime.judging.decide import Calibration, Status
from edge_runtime.judging.judge import Judge
from edge_runtime.judging.likeness import ARTWORK
from edge_runtime.judging.references import SIZE, References
from edge_runtime.judging.second_look import SecondLook
from edge_runtime.reading import half_hidden as half_hidden_module
from edge_runtime.reading.effort import Effort
from edge_runtime.reading.half_hidden import HalfHidden, seen_of
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.release import open_release

PHOTO = (640, 480)
TOP = full_frame(252, 352) + np.float32([330, 70])
UNDER = full_frame(252, 352) + np.float32([190, 60])
"""So much to the left of the card on top that half of it is seen."""
CALIBRATION = Calibration(
    glance=(-4.0, 8.0, 0.0), look=(-8.0, 0.0, 0.0, 3.0, 1.0), accept=0.5, sure=0.99, twin_margin=0.02, twin_lead=0.05
)


def rimmed(seed):
    """A card with something to hold on to within a light rim, uint8 RGB of the size of a reference picture."""
    return cv2.rectangle(textured(seed), (0, 0), (SIZE[0] - 1, SIZE[1] - 1), (235, 235, 235), 12)


def numbered(card, text, left, down=300):
    """The card with a number printed near its lower edge, from so many pixels off its left side."""
    printed = card.copy()
    cv2.rectangle(printed, (left, down), (left + 70, down + 26), (235, 235, 235), -1)
    cv2.putText(printed, text, (left + 4, down + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (10, 10, 10), 2)
    return printed


def with_artwork(card, other):
    """The card with the artwork of another."""
    made, (rows, columns) = card.copy(), (slice(4 * each.start, 4 * each.stop) for each in ARTWORK)
    made[rows, columns] = other[rows, columns]
    return made


FOX, HERON = rimmed(1), rimmed(2)
ART = {1: "fox", 2: "heron", 3: "twins-left", 4: "twins-left", 5: "twins-right", 6: "twins-right"}
SCANS = {
    1: FOX,
    2: HERON,
    **{key: numbered(rimmed(3), text, 20) for key, text in ((3, "12/99"), (4, "87/54"))},
    **{key: numbered(rimmed(5), text, 160) for key, text in ((5, "12/99"), (6, "87/54"))},
}


CATALOGUE = {key: Card(f"demo-{key}", f"N{key}", "demo", str(key), ART[key]) for key in SCANS}


@pytest.fixture
def reading(tmp_path):
    """Makes what reads half hidden cards with a gallery of scans, each with its picture, without an outline filter."""
    from usearch.index import Index, MetricKind

    embedder = OnnxEmbedder(block_average_model(tmp_path / "model.onnx"), threads=1)

    def make(scans, catalogue, pictured):
        path = archive(tmp_path / f"references-{len(scans)}.zip", {key: scans[key] for key in pictured})
        index = Index(ndim=DIM, metric=MetricKind.Cos)
        cards = np.stack([rectify(scan, full_frame(*SIZE), MODEL_SIZE) for scan in scans.values()])
        index.add(np.array(list(scans), np.uint64), embedded(embedder, cards))
        look = SecondLook(References([path]))
        return HalfHidden(embedder, Gallery(index, catalogue), Judge(CALIBRATION, look), look)

    yield make
    embedder.close()


@pytest.fixture
def half_hidden(reading):
    return reading(SCANS, CATALOGUE, SCANS)


def fan(under, top=HERON, place=UNDER, ground=70):
    """A photo of a card half under another one, with a little grain."""
    photo = np.full((*PHOTO[::-1], 3), ground, np.uint8)
    photo = lay(top, TOP, lay(under, place, photo))
    grain = np.random.default_rng(0).normal(0, 3, photo.shape)
    return np.clip(photo + grain, 0, 255).astype(np.uint8)


def of_any_turn(place):
    return [place, turned(place)]


def test_a_corner_beside_a_known_card_says_where_all_of_the_other_lies():
    places = beneath([TOP], corners_around([TOP], fan(FOX)))
    assert max(overlap(place, UNDER) for place in places) > 0.95


def test_on_a_bare_table_no_card_lies_under_another():
    bare = lay(HERON, TOP, np.full((*PHOTO[::-1], 3), 70, np.uint8))
    assert not len(beneath([TOP], corners_around([TOP], bare)))


def test_it_is_looked_for_only_where_an_outline_sticks_out_from_under_a_card():
    assert sticks_out([UNDER], [TOP])
    assert not sticks_out([full_frame(100, 140)], [TOP]), "it lies beside the card"
    assert not sticks_out([TOP + np.float32([1, 1])], [TOP]), "it is the card's own"
    assert not sticks_out([], [TOP])


@pytest.mark.parametrize(
    ("place", "lies"),
    [
        pytest.param(UNDER, True, id="half under it"),
        pytest.param(turned(UNDER), True, id="on its head"),
        pytest.param(TOP + np.float32([10, 0]), False, id="all under it"),
        pytest.param(TOP - np.float32([260, 0]), False, id="beside it"),
        pytest.param(full_frame(200, 280) + np.float32([190, 60]), False, id="smaller"),
        pytest.param(full_frame(352, 252) + np.float32([100, 60]), False, id="of another shape"),
        pytest.param(UNDER - np.float32([0, 120]), False, id="out of the picture by a third"),
    ],
)
def test_a_place_is_that_of_a_card_half_under_another(place, lies):
    assert lies_half_under(place, [TOP], PHOTO) is lies


def test_of_two_known_cards_either_may_be_the_one_that_lies_on_top():
    below = UNDER - np.float32([120, 0])
    assert [len(order) for order in orders(UNDER, [TOP, below])] == [2, 1, 1]
    assert [len(order) for order in orders(UNDER, [TOP])] == [1]


def test_what_others_cover_and_what_the_picture_leaves_out_is_not_seen():
    seen = seen_of(UNDER, [TOP], PHOTO)
    assert seen[:, :130].all() and not seen[20:, 145:].any()
    assert not seen_of(UNDER - np.float32([0, 160]), [], PHOTO)[:90].any()


def test_a_card_is_named_by_the_half_that_is_seen_and_where_its_picture_agrees(half_hidden):
    for way in of_any_turn(UNDER):
        found = half_hidden.read(fan(FOX), way + np.float32([4, -3]), [TOP])
        assert found.card.card_id == "demo-1" and found.status is Status.CONFIRMED
        assert overlap(found.corners, UNDER) > 0.97


def test_a_card_with_another_scan_of_which_there_is_no_picture_is_named_as_itself(reading):
    half_hidden = reading({**SCANS, 7: FOX}, {7: CATALOGUE[1], **CATALOGUE}, SCANS)
    found = half_hidden.read(fan(FOX), UNDER, [TOP])
    assert (found.card.card_id, found.status) == ("demo-1", Status.CONFIRMED)


def test_what_lies_on_top_makes_no_difference_to_what_is_embedded(half_hidden):
    embedder, seen = half_hidden.embedder, []
    noting = SimpleNamespace(
        input_size=embedder.input_size,
        dim=embedder.dim,
        embed=lambda cards: seen.append(cards) or embedder.embed(cards),
    )
    firsts = []
    for top in (HERON, rimmed(42)):
        seen.clear()
        replace(half_hidden, embedder=noting).read(fan(FOX, top), UNDER, [TOP])
        firsts.append(seen[0])
    assert np.array_equal(*firsts)


def test_all_of_a_fan_is_found_from_its_top_card(half_hidden):
    (found,) = half_hidden.found(fan(FOX), [TOP], [UNDER])
    assert found.card.card_id == "demo-1"


def test_nothing_is_looked_for_where_no_outline_sticks_out(half_hidden):
    assert half_hidden.found(fan(FOX), [TOP], [TOP]) == []


@pytest.mark.parametrize(
    "under",
    [
        pytest.param(rimmed(99), id="of a card that the gallery lacks"),
        pytest.param(np.full_like(FOX, 200), id="of a blank one"),
        pytest.param(
            np.where(np.arange(SIZE[1])[:, None, None] < 260, FOX, rimmed(99)), id="of which a quarter is another's"
        ),
        pytest.param(
            with_artwork(FOX, cv2.addWeighted(FOX, 0.65, rimmed(99), 0.35, 0)),
            id="of which the artwork is only much alike",
        ),
    ],
)
def test_what_does_not_agree_all_over_is_not_named(half_hidden, under):
    assert half_hidden.read(fan(under), UNDER, [TOP]) is None


def test_what_all_evidence_together_leaves_in_doubt_is_not_named(half_hidden):
    judge = Judge(replace(CALIBRATION, look=(-40.0, 0.0, 0.0, 3.0, 1.0)), half_hidden.second_look)
    assert replace(half_hidden, judge=judge).read(fan(FOX), UNDER, [TOP]) is None


def test_twins_that_differ_in_what_is_seen_are_told_apart(half_hidden):
    for key in (3, 4):
        found = half_hidden.read(fan(SCANS[key]), UNDER, [TOP])
        assert (found.card.card_id, found.status) == (f"demo-{key}", Status.CONFIRMED)


def test_twins_that_differ_only_in_what_is_covered_are_one_of_these(half_hidden):
    for key in (5, 6):
        found = half_hidden.read(fan(SCANS[key]), UNDER, [TOP])
        assert found.status is Status.UNCERTAIN
        assert {match.card.card_id for match in found.candidates} == {"demo-5", "demo-6"}


def test_a_card_whose_points_say_that_it_lies_beside_the_known_one_is_left_to_others(half_hidden):
    beside = UNDER - np.float32([115, 0])
    assert half_hidden.read(fan(FOX, place=beside), beside + np.float32([8, 0]), [TOP]) is None


def test_a_card_in_the_middle_of_a_fan_is_named_between_two_known_ones(half_hidden):
    below = UNDER - np.float32([120, 0])
    photo = lay(HERON, TOP, lay(FOX, UNDER, lay(rimmed(3), below, np.full((*PHOTO[::-1], 3), 70, np.uint8))))
    found = half_hidden.read(photo, UNDER, [TOP, below])
    assert (found.card.card_id, found.status) == ("demo-1", Status.CONFIRMED)


def test_a_half_that_is_the_same_on_two_cards_names_neither(reading):
    """They differ in what is covered alone, and are no prints of one art."""
    other = np.where(np.arange(SIZE[0])[:, None] < 160, FOX, rimmed(98))
    scans, catalogue = {**SCANS, 7: other}, {**CATALOGUE, 7: Card("demo-7", "N7", "demo", "7", "another fox")}
    assert reading(scans, catalogue, scans).read(fan(FOX), UNDER, [TOP]) is None


@pytest.mark.parametrize(("turns", "named"), [(0, False), (2, True)], ids=["its text", "its artwork"])
def test_a_card_of_which_hardly_any_artwork_is_seen_is_not_named(half_hidden, turns, named):
    """What is written under it may be the same on another card."""
    top = full_frame(180, 252) + np.float32([200, 20])
    under = top + np.float32([0, 140])
    table = np.full((*PHOTO[::-1], 3), 70, np.uint8)
    found = half_hidden.read(lay(HERON, top, lay(FOX, turned(under, turns), table)), under, [top])
    assert (found is not None) is named


@pytest.mark.parametrize(("likely", "named"), [(0.6, True), (0.4, False)])
def test_another_printing_is_not_named_by_what_is_seen_of_it(half_hidden, likely, named):
    verifier = SimpleNamespace(least=lambda width: 0.5, probability=lambda card, picture: likely)
    judge = Judge(CALIBRATION, half_hidden.second_look, verifier)
    found = replace(half_hidden, judge=judge).read(fan(FOX), UNDER, [TOP])
    assert (found is not None) is named


def test_with_a_filter_only_the_likely_places_are_read_and_the_likeliest_first(half_hidden, monkeypatch):
    places, read = [UNDER + np.float32([0, down]) for down in (-20, 0, 20)], []
    monkeypatch.setattr(half_hidden_module, "half_under", lambda *_: places)
    monkeypatch.setattr(HalfHidden, "read", lambda _, image, place, known: read.append(place))
    chosen = SimpleNamespace(likeliest=lambda image, found, least: [2, 1])
    assert replace(half_hidden, outline_filter=chosen).found(fan(FOX), [TOP], [UNDER]) == []
    assert np.array_equal(read, [places[2], places[1]])


def test_a_card_that_two_places_lead_to_is_found_once(half_hidden, monkeypatch):
    card = half_hidden.read(fan(FOX), UNDER, [TOP])
    monkeypatch.setattr(half_hidden_module, "half_under", lambda *_: [UNDER, UNDER - np.float32([200, 0])])
    monkeypatch.setattr(HalfHidden, "read", lambda *_: card)
    assert half_hidden.found(fan(FOX), [TOP], [UNDER]) == [card]


def test_what_is_printed_on_the_card_on_top_tells_no_twins_apart(half_hidden):
    """It has the number of one of them just where theirs lies, covered."""
    found = half_hidden.read(fan(SCANS[6], numbered(HERON, "12/99", 20, 290)), UNDER, [TOP])
    assert found.status is Status.UNCERTAIN


def test_no_frame_that_is_followed_is_searched_for_them(publisher, scans, table, monkeypatch):
    recognizer = Recognizer.open(open_release(publisher.releases, publisher.trusted), threads=1)
    photo, asked = lay(scans["demo-1"], TOP, table), []
    monkeypatch.setattr(HalfHidden, "found", lambda *_: asked.append(1) or [])
    for effort in Effort:
        recognizer.recognize(photo, effort=effort)
        assert bool(asked) is (effort is Effort.THOROUGH)


def test_without_pictures_no_card_is_looked_for_under_another(publisher, scans, table, monkeypatch):
    recognizer = Recognizer.open(open_release(publisher.releases, publisher.trusted), threads=1)
    blind = Recognizer(recognizer.embedder, recognizer.gallery, Judge(CALIBRATION))
    monkeypatch.setattr(HalfHidden, "found", lambda *_: pytest.fail("it was"))
    assert blind.recognize(lay(scans["demo-1"], TOP, table)).cards
