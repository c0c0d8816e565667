"""Cards that show the artwork of a known one and are another printing, and what becomes of a file that is no verifier."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
from drawn import block_average_model, correlation_verifier

from edge_runtime.answers import card_json, in_words
from edge_runtime.embedder import EmbedderError
from edge_runtime.finding.locate import in_steps
from edge_runtime.following.belief import State
from edge_runtime.following.tracks import Kind
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame, scaled
from edge_runtime.judging.decide import Status
from edge_runtime.judging.printing_verifier import SMALL, PrintingVerifier, evened
from edge_runtime.judging.references import HALF
from edge_runtime.reading.effort import Effort
from edge_runtime.reading.readings import Reading, named_first, of_one_size, one_each
from edge_runtime.reading.weighing import Weighing
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.release import open_release
from edge_runtime.stream import Follower


@pytest.fixture
def verifying(telling_printings_apart):
    """A recogniser whose release tells printings apart."""
    publisher = telling_printings_apart
    with Recognizer.open(open_release(publisher.releases, publisher.trusted), threads=1) as recognizer:
        yield recognizer


def test_the_very_printing_is_named(verifying, scans, photo_of):
    (card,) = verifying.recognize(photo_of(scans["demo-1"])).cards
    assert (card.status, card.card.card_id, card.other_printing) == (Status.CONFIRMED, "demo-1", False)


def test_another_printing_is_unknown_and_said_to_be_one(verifying, foreign, photo_of):
    (card,) = verifying.recognize(photo_of(foreign)).cards
    assert (card.status, card.card.card_id, card.other_printing) == (Status.UNKNOWN, "demo-1", True)
    assert card.confidence < verifying.judge.verifier.threshold
    answer = {"photo": "p.jpg", "status": "unknown", "ms": 1.0, "cards": [card_json(card)]}
    assert "unknown card: another printing of Amber Fox (Demo Days 1)" in in_words(answer)


def test_without_a_verifier_its_artwork_names_it(verifying, foreign, photo_of):
    verifying.judge.verifier = None
    (card,) = verifying.recognize(photo_of(foreign)).cards
    assert (card.status, card.card.card_id) == (Status.CONFIRMED, "demo-1")


def test_it_is_looked_at_no_other_way(verifying, foreign, photo_of, monkeypatch):
    monkeypatch.setattr(Weighing, "_better", lambda *_: pytest.fail("another way was tried"))
    verifying.recognize(photo_of(foreign))


def test_it_is_searched_for_no_longer_than_the_card_itself(verifying, scans, foreign, photo_of, monkeypatch):
    def steps(photo):
        taken = []
        monkeypatch.setattr(
            "edge_runtime.recognizer.in_steps",
            lambda *asked: (taken.append(found) or found for found in in_steps(*asked)),
        )
        assert verifying.recognize(photo).cards[0].card.card_id == "demo-1"
        return len(taken)

    assert steps(photo_of(foreign)) == steps(photo_of(scans["demo-1"]))


def test_it_may_be_seen_the_other_way_up_or_in_a_better_outline_only(verifying, foreign, photo_of, monkeypatch):
    """Its own confidence is less than that of what was seen before."""
    photo = photo_of(foreign)
    (card,) = verifying.recognize(photo).cards
    judge, asked = verifying.judge.judge, []

    def mistaken_at_first(*seen):
        asked.append(seen)
        return replace(judge(*seen), **({"other_printing": False, "confidence": 0.4} if len(asked) == 1 else {}))

    monkeypatch.setattr(verifying.judge, "judge", mistaken_at_first)
    monkeypatch.setattr("edge_runtime.reading.weighing.turned", lambda corners, turns=0: corners)
    assert verifying.read_at(photo, card.corners).other_printing
    assert len(asked) == 2


def test_no_larger_outline_that_matches_nothing_takes_its_place():
    corners, matches = full_frame(63, 88), (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9, 1),)
    refused = Reading(Status.UNKNOWN, 0.05, corners, matches, 0.8, judged=True, other_printing=True)
    around = replace(refused, corners=scaled(corners, 1.1), outline=0.95, confidence=0.3, other_printing=False)
    table = replace(around, corners=full_frame(63, 88) * 3 + 100)
    assert one_each([around, refused], named_first) == [refused]
    assert list(of_one_size([table, refused])) == [table, refused]


def test_a_stream_says_once_that_it_is_another_printing(verifying, foreign, photo_of):
    follower = Follower(verifying)
    told = [event for at in range(8) for event in follower.look(photo_of(foreign), at / 10)]
    assert [(event.kind, event.state) for event in told] == [
        (Kind.APPEARED, State.UNKNOWN),
        (Kind.CHANGED, State.UNKNOWN),
    ]
    assert [card.card_id for card in told[-1].cards] == ["demo-1"]


@pytest.mark.parametrize("known", ["demo-1", "demo-2"], ids=["its twin", "another card"])
def test_one_that_is_laid_upon_a_known_card_is_not_taken_for_its_twin(verifying, scans, foreign, photo_of, known):
    follower, told = Follower(verifying), []
    for at in range(20):
        photo = photo_of(scans[known] if at < 5 else foreign)
        told += follower.look(cv2.add(photo, (20 * (at % 2),) * 3), at / 10)
    names = [card.card_id for event in told if event.kind is Kind.CONFIRMED for card in event.cards]
    assert names == [known]
    assert (told[-1].state, [card.card_id for card in told[-1].cards]) == (State.UNKNOWN, ["demo-1"])


@pytest.mark.parametrize("now", ["the same", "a known card", "an unknown card"])
def test_another_printing_is_followed_as_long_as_it_is_read_as_one(verifying, scans, foreign, stranger, photo_of, now):
    (other,) = verifying.recognize(photo_of(foreign)).cards
    assert other.other_printing
    shown = {"the same": foreign, "a known card": scans["demo-1"], "an unknown card": stranger}[now]
    (card,) = verifying.recognize(photo_of(shown), effort=Effort.FOLLOWED, followed=[other]).cards
    assert card.carried is (now == "the same")
    assert (card.status is Status.CONFIRMED) is (now == "a known card")


@pytest.mark.parametrize("effort", [Effort.ONE, Effort.QUICK])
def test_cards_that_were_named_before_are_not_verified_again(verifying, foreign, photo_of, effort):
    (card,) = verifying.recognize(photo_of(foreign), effort=effort).cards
    assert card.status is Status.CONFIRMED


def test_a_card_that_too_few_points_lay_over_its_picture_is_not_judged_by_it(verifying, foreign, photo_of, monkeypatch):
    monkeypatch.setattr("edge_runtime.judging.second_look.FEWEST_TO_FIT", 1000)
    (card,) = verifying.recognize(photo_of(foreign)).cards
    assert card.status is Status.CONFIRMED


def test_light_and_contrast_make_no_difference(tmp_path):
    verifier = PrintingVerifier(correlation_verifier(tmp_path / "verifier.onnx"), threads=1)
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=HALF[::-1]).astype(np.float32), (0, 0), 2)
    picture = (128 + 50 * noise / noise.std()).clip(0, 255).astype(np.uint8)
    dim = (30 + 0.5 * picture).astype(np.uint8)
    assert verifier.probability(dim, picture) == pytest.approx(verifier.probability(picture, picture), abs=0.01)
    assert verifier.probability(np.flipud(picture), picture) < 0.1
    assert abs(evened(dim).mean()) < 0.05


def test_a_card_of_few_pixels_has_a_threshold_of_its_own(tmp_path):
    chosen = PrintingVerifier(correlation_verifier(tmp_path / "chosen.onnx", threshold_small="0.8"), threads=1)
    assert (chosen.least(SMALL), chosen.least(SMALL - 1)) == (0.5, 0.8)
    before = PrintingVerifier(correlation_verifier(tmp_path / "before.onnx"), threads=1)
    assert before.least(SMALL - 1) == 0.5, "earlier releases have none"


@pytest.mark.parametrize(
    "broken",
    [
        {"threshold": "none"},
        {"threshold": "1.5"},
        {"threshold": "nan"},
        {"threshold_small": "0.4"},
        {"threshold_small": "nan"},
    ],
)
def test_a_verifier_without_a_threshold_is_refused(tmp_path, broken):
    with pytest.raises(EmbedderError, match=r"verifier.onnx is no printing verifier of this product: pull the release"):
        PrintingVerifier(correlation_verifier(tmp_path / "verifier.onnx", **broken))


def test_another_model_is_refused(tmp_path):
    with pytest.raises(EmbedderError, match="no printing verifier"):
        PrintingVerifier(block_average_model(tmp_path / "verifier.onnx"))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "verifier.onnx").write_bytes(b"no model")
    with pytest.raises(EmbedderError, match="no printing verifier"):
        PrintingVerifier(tmp_path / "verifier.onnx")


def test_what_is_no_probability_is_an_error(tmp_path):
    path = correlation_verifier(tmp_path / "verifier.onnx")
    model = onnx.load(str(path))
    for constant in model.graph.initializer:
        if constant.name == "soft":
            constant.CopyFrom(onnx.numpy_helper.from_array(np.float32(np.nan), "soft"))
    onnx.save(model, str(path))
    with pytest.raises(EmbedderError, match="gave no probability"):
        PrintingVerifier(path, threads=1).probability(np.zeros(HALF[::-1], np.uint8), np.zeros(HALF[::-1], np.uint8))
