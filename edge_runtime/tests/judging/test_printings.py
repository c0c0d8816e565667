"""Which of several printings with one art is named, and what is said where nothing tells them apart."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from given_looks import CALIBRATION, PICTURE, VERIFIER, WHOLE, Counted, matches, shifted

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.judging.judge import MOST_TWINS, Judge
from edge_runtime.judging.printing_verifier import SMALL


def prints(count, other=0.1):
    """So many cards that share their art, all as near, and one with other art."""
    twins = [Match(Card(f"print-{at}", "Fox", "demo", str(at), "fox"), 0.9, at) for at in range(count)]
    return [*twins, Match(Card("other", "Heron", "demo", "99", "heron"), other, 99)]


def test_the_twin_that_agrees_best_where_they_differ_is_named():
    look = Counted({"print-0": 50, "print-1": 48, "print-2": 45}, agrees={"print-1": 0.6, "print-2": 0.5})
    answer = Judge(CALIBRATION, look).judge(PICTURE, WHOLE, prints(3))
    assert (answer.matches[0].card.card_id, answer.status) == ("print-1", Status.CONFIRMED)
    assert answer.twin_lead == pytest.approx(0.1)


@pytest.mark.parametrize("count", [2, 12])
def test_twins_that_nothing_tells_apart_are_uncertain_and_all_of_them_candidates(count):
    *twins, other = prints(count)
    for found in [*twins, other], [replace(other, similarity=0.95), *twins]:
        answer = Judge(CALIBRATION, Counted({"print-0": 50})).judge(PICTURE, WHOLE, found)
        assert answer.status is Status.UNCERTAIN
        assert {match.card.card_id for match in answer.matches[:count]} == {f"print-{at}" for at in range(count)}
        assert [match.card.card_id for match in answer.matches[count:]] == ["other"]


@pytest.mark.parametrize(("count", "said"), [(MOST_TWINS, Status.CONFIRMED), (MOST_TWINS + 1, Status.UNCERTAIN)])
def test_a_twin_is_named_only_where_every_twin_was_compared(count, said):
    look = Counted({f"print-{at}": 50 for at in range(count)}, agrees={"print-1": 0.6})
    answer = Judge(CALIBRATION, look).judge(PICTURE, WHOLE, prints(count))
    assert (answer.matches[0].card.card_id, answer.status) == ("print-1", said)


def test_an_art_that_was_sure_at_a_glance_stays_sure_where_no_points_agree():
    by_points_alone = replace(CALIBRATION, look=(-3.0, *[0.0] * 7))
    answer = Judge(by_points_alone, Counted({})).judge(PICTURE, WHOLE, prints(2))
    assert answer.evidence.points == 0
    assert (answer.status, answer.confidence > CALIBRATION.sure) == (Status.UNCERTAIN, True)


def test_what_a_glance_was_not_sure_of_or_not_of_this_art_makes_no_answer_surer():
    by_points_alone = replace(CALIBRATION, look=(-6.0, 0.0, 0.0, 2.0, *[0.0] * 4))
    likely = matches(right=0.8, alike=0.35)
    glance, looked = (Judge(by_points_alone, look).judge(PICTURE, WHOLE, likely) for look in (None, Counted({})))
    assert CALIBRATION.accept < glance.confidence < CALIBRATION.sure
    assert (glance.status, looked.status) == (Status.CONFIRMED, Status.UNKNOWN)
    answer = Judge(by_points_alone, Counted({"other": 20})).judge(PICTURE, WHOLE, prints(2))
    assert (answer.matches[0].card.card_id, answer.status) == ("other", Status.UNKNOWN)


def looked_over(printing, found, agrees=None, corners=WHOLE):
    """The answer where a verifier says how likely the card is each printing. All but the last candidate agree in many points."""
    look = Counted({match.card.card_id: 50 for match in found[:-1]}, agrees, printing=printing)
    return Judge(CALIBRATION, look, VERIFIER).judge(PICTURE, corners, found)


@pytest.mark.parametrize(("likely", "named"), [(0.9, True), (0.2, True), (0.1, False), (None, True)])
def test_a_card_that_is_sure_at_a_glance_is_named_unless_it_is_another_printing(likely, named):
    answer = looked_over({"right": likely}, matches(right=0.9, alike=0.1))
    assert (answer.status is Status.CONFIRMED, answer.other_printing) == (named, not named)
    assert answer.confidence > CALIBRATION.sure if named else answer.confidence == likely


@pytest.mark.parametrize(("likely", "moved"), [(0.9, (5, 3)), (0.1, (0, 0))], ids=["this printing", "another"])
def test_a_card_that_is_sure_at_a_glance_lies_where_its_picture_does_unless_it_is_another_printing(likely, moved):
    look = Counted({"right": 50}, homography=shifted(5, 3), printing={"right": likely})
    answer = Judge(CALIBRATION, look, VERIFIER).judge(PICTURE, WHOLE * 2, matches(right=0.9, alike=0.1))
    np.testing.assert_allclose(answer.corners, 2 * (WHOLE + np.float32(moved)), atol=0.01)


@pytest.mark.parametrize(
    ("wide", "likely", "named"), [(SMALL - 1, 0.5, False), (SMALL - 1, 0.7, True), (SMALL + 1, 0.5, True)]
)
def test_a_small_card_has_to_be_likelier_the_printing(wide, likely, named):
    answer = looked_over({"right": likely}, matches(right=0.9, alike=0.1), corners=full_frame(wide, 240))
    assert (answer.status is Status.CONFIRMED, answer.other_printing) == (named, not named)


def test_a_small_card_that_lies_over_no_picture_is_uncertain():
    small, found = full_frame(SMALL - 1, 240), matches(right=0.9, alike=0.1)
    answer = looked_over({}, found, corners=small)
    assert (answer.status, answer.matches[0].card.card_id, answer.other_printing) == (Status.UNCERTAIN, "right", False)
    trusting = Judge(CALIBRATION, Counted({"right": 50}, printing={}), SimpleNamespace(least=lambda width: 0.0))
    assert trusting.judge(PICTURE, small, found).status is Status.CONFIRMED, (
        "a verifier that refuses nothing doubts nothing"
    )


def test_of_twins_that_nothing_else_tells_apart_those_stay_that_may_be_the_printing():
    answer = looked_over({"print-0": 0.9, "print-1": 0.1, "print-2": 0.8}, prints(3))
    assert answer.status is Status.UNCERTAIN
    assert [match.card.card_id for match in answer.matches] == ["print-0", "print-2", "other"]
    assert looked_over({"print-0": 0.1, "print-1": 0.1, "print-2": 0.8}, prints(3)).status is Status.CONFIRMED


@pytest.mark.parametrize(("behind", "status"), [(0.01, Status.UNCERTAIN), (0.03, Status.CONFIRMED)])
def test_at_a_glance_a_twin_is_named_that_is_the_nearer_by_a_margin(behind, status):
    first, second, other = prints(2)
    seen = Judge(CALIBRATION).judge(PICTURE, WHOLE, [first, replace(second, similarity=0.9 - behind), other])
    assert (seen.matches[0].card.card_id, seen.status) == ("print-0", status)


def test_a_twin_that_a_glance_is_sure_of_and_that_is_another_printing_gives_way_to_the_one_that_it_is():
    first, second, other = prints(2)
    answer = looked_over({"print-0": 0.05, "print-1": 0.9}, [first, replace(second, similarity=0.85), other])
    assert (answer.matches[0].card.card_id, answer.status) == ("print-1", Status.CONFIRMED)


def test_a_twin_without_a_picture_stays_a_candidate():
    class Partly(Counted):
        def supports(self, card, matches):
            return [support for support in super().supports(card, matches) if support.match.key != 2]

    look = Partly({"print-0": 50, "print-1": 50}, printing={"print-0": 0.9, "print-1": 0.1})
    answer = Judge(CALIBRATION, look, VERIFIER).judge(PICTURE, WHOLE, prints(3))
    assert answer.status is Status.UNCERTAIN
    assert [match.card.card_id for match in answer.matches] == ["print-0", "print-2", "other"]


def test_further_twins_than_are_compared_leave_a_doubt():
    same = {f"print-{at}": 0.1 for at in range(MOST_TWINS)} | {"print-3": 0.9}
    answer = looked_over(same, prints(MOST_TWINS + 2))
    assert (answer.status, answer.matches[0].card.card_id) == (Status.UNCERTAIN, "print-3")


def test_twins_that_lie_over_no_picture_stay_uncertain():
    answer = looked_over({}, prints(2))
    assert (answer.status, answer.other_printing) == (Status.UNCERTAIN, False)


@pytest.mark.parametrize("printing", [{"print-0": 0.01, "print-1": 0.1}, {"print-0": 0.1}])
def test_a_card_that_is_none_of_the_twins_is_another_printing(printing):
    answer = looked_over(printing, prints(2))
    assert (answer.status, answer.other_printing, answer.confidence) == (Status.UNKNOWN, True, 0.1)


def test_a_card_that_is_not_known_is_no_other_printing_of_what_it_is_nearest_to():
    look = Counted({"a": 4, "b": 4}, printing={"a": 0.1})
    answer = Judge(CALIBRATION, look, VERIFIER).judge(PICTURE, WHOLE, matches(a=0.3, b=0.28))
    assert (answer.status, answer.other_printing) == (Status.UNKNOWN, False)


def test_a_twin_that_is_told_apart_is_verified_alone():
    assert looked_over({"print-0": 0.01, "print-1": 0.9}, prints(2), {"print-0": 0.6}).other_printing
    assert looked_over({"print-0": 0.9, "print-1": 0.01}, prints(2), {"print-0": 0.6}).status is Status.CONFIRMED
