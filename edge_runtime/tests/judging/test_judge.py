"""Which candidate a second look ends with, and how sure it is."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from given_looks import CALIBRATION, PICTURE, VERIFIER, WHOLE, Counted, matches, shifted

from edge_runtime.geometry import turned
from edge_runtime.judging.decide import Evidence, Status
from edge_runtime.judging.judge import Judge


def judged(points, calibration=CALIBRATION, candidates=(), **similarities):
    return Judge(calibration, Counted(points)).judge(PICTURE, WHOLE, [*candidates, *matches(**similarities)])


def test_a_few_points_do_not_outweigh_a_clear_lead():
    answer = judged({"alike": 4, "right": 3}, right=0.62, alike=0.34)
    assert answer.matches[0].card.card_id == "right"
    assert answer.evidence.points == 3
    assert answer.evidence.rival == 4


def test_many_points_outweigh_a_small_lead():
    answer = judged({"right": 38, "alike": 5}, alike=0.55, right=0.52)
    assert answer.matches[0].card.card_id == "right"
    assert answer.status is Status.CONFIRMED


def test_the_artwork_decides_where_hardly_any_points_agree():
    calibration = replace(CALIBRATION, look=(*CALIBRATION.look, 4.0, 8.0))
    look = Counted({"alike": 5, "right": 4}, likeness={"right": 0.7, "alike": 0.1})
    answer = Judge(calibration, look).judge(PICTURE, WHOLE, matches(alike=0.52, right=0.5))
    assert answer.matches[0].card.card_id == "right"
    assert (answer.evidence.alike, answer.evidence.rival_alike) == (0.7, 0.1)
    without = Judge(calibration, Counted({"alike": 5, "right": 4})).judge(
        PICTURE, WHOLE, matches(alike=0.52, right=0.5)
    )
    assert without.matches[0].card.card_id == "alike"
    assert without.confidence < answer.confidence


def test_a_card_is_weighed_against_the_best_of_all_others_in_each_kind_of_evidence():
    look = Counted({"right": 38, "b": 5, "c": 9, "d": 2}, likeness={"right": 0.9, "b": 0.4, "c": 0.2})
    found = Judge(CALIBRATION, look).judge(PICTURE, WHOLE, matches(b=0.55, right=0.52, c=0.4, d=0.3)).evidence
    assert found == Evidence(0.52, pytest.approx(-0.03), 38, 9, 0.9, 0.4)


def test_a_card_with_several_prints_counts_as_the_best_of_them():
    twins = [replace(match, card=replace(match.card, art_group="fox")) for match in matches(one=0.6, two=0.58)]
    found = judged({"two": 50, "one": 30}, other=0.4, candidates=twins).evidence
    assert (found.similarity, found.lead, found.points, found.rival) == (0.6, pytest.approx(0.2), 50, 0)


def test_a_candidate_without_a_rival_leads_by_all_there_is():
    assert judged({"right": 50}, right=0.0).evidence == Evidence(0.0, 1.0, 50, 0, 1.0, 0.0)


class Unseen(Counted):
    """A second look that has a picture of no candidate."""

    def supports(self, card, matches):
        return []


def said(answer):
    return answer.status, answer.confidence, answer.matches, answer.evidence


def test_where_there_are_pictures_of_no_candidate_a_glance_has_the_last_word():
    judge = Judge(CALIBRATION, Unseen({}))
    for found in (matches(right=0.5, alike=0.45), []):
        assert said(judge.judge(PICTURE, WHOLE, found)) == said(judge.glance(WHOLE, found))
    sure = matches(right=0.9, alike=0.1)
    verified = Judge(CALIBRATION, Unseen({}), VERIFIER).judge(PICTURE, WHOLE, sure)
    assert said(verified) == said(judge.glance(WHOLE, sure))


def test_a_candidates_picture_lies_where_its_points_say_or_where_the_outline_does():
    (right,) = matches(right=0.5)
    moved, unseen = (
        Judge(CALIBRATION, look({"right": 50}, homography=shifted(5, 3))).place_of(PICTURE, WHOLE * 2, right)
        for look in (Counted, Unseen)
    )
    np.testing.assert_allclose(moved, 2 * (WHOLE + np.float32((5, 3))), atol=0.01)
    np.testing.assert_array_equal(unseen, WHOLE * 2)


def test_an_art_is_denied_whose_picture_lies_exactly_on_the_card_and_shows_something_else():
    look = Counted({"a": 60, "b": 50, "c": 5}, likeness={"a": 0.1, "b": 0.8, "c": 0.1})
    assert Judge(CALIBRATION, look).judge(PICTURE, WHOLE, matches(a=0.6, b=0.58, c=0.5)).denied == {"a": 60}


def test_only_those_with_the_most_points_and_the_most_similar_may_be_the_answer():
    """A curve knows only what it was fitted to, the likeliest; far from those it may say anything."""
    backward = replace(CALIBRATION, look=(0.0, 0.0, -50.0, 0.0, 0.0, 0.0))
    many = {name: 30 - at for at, name in enumerate("abcdefgh")}
    answer = judged(many, backward, **{name: 0.9 - at / 100 for at, name in enumerate("abcdefgh")})
    assert answer.matches[0].card.card_id == "c"


def test_before_there_is_a_calibration_points_decide():
    open_to_all = replace(CALIBRATION, glance=(0.0,) * 3, look=(0.0,) * 6, accept=0.0, sure=2.0)
    assert judged({"alike": 4, "right": 3}, open_to_all, right=0.62, alike=0.34).matches[0].card.card_id == "alike"


def test_a_candidate_that_stands_out_ends_the_comparison():
    look = Counted({"a": 60})
    many = matches(**{name: 0.5 - at / 100 for at, name in enumerate("abcdefgh")})
    Judge(CALIBRATION, look).judge(PICTURE, WHOLE, many)
    assert look.compared == list("abcd")
    doubtful = Counted({"a": 60, "b": 25, "c": 1})
    Judge(CALIBRATION, doubtful).judge(PICTURE, WHOLE, many)
    assert doubtful.compared == list("abcdefgh"), "it has not three times as many as the next best"


def test_candidates_with_which_nothing_agrees_end_the_comparison():
    many = matches(**{name: 0.5 - at / 100 for at, name in enumerate("abcdefghijklmnop")})
    nothing, little = Counted({}), Counted({"h": 3, "p": 60})
    Judge(CALIBRATION, nothing).judge(PICTURE, WHOLE, many)
    Judge(CALIBRATION, little).judge(PICTURE, WHOLE, many)
    assert nothing.compared == list("abcdefgh")
    assert little.compared == list("abcdefghijklmnop")


def test_a_card_that_is_sure_at_a_glance_is_not_looked_at_again():
    look = Counted({})
    Judge(CALIBRATION, look).judge(PICTURE, WHOLE, matches(right=0.9, alike=0.1))
    assert look.compared == []


@pytest.mark.parametrize(("sharpness", "status"), [(1200.0, Status.CONFIRMED), (3000.0, Status.UNKNOWN)])
def test_what_a_glance_is_sure_of_is_not_named_where_a_sharp_picture_shows_another_artwork(sharpness, status):
    look = Counted({"klang": 40}, likeness={"klang": 0.5, "other": 0.1}, printing={"klang": 0.9}, sharpness=sharpness)
    calibration = replace(CALIBRATION, glance=(-14.0, 14.0, 30.0))
    answer = Judge(calibration, look, VERIFIER).judge(PICTURE, WHOLE, matches(klang=0.8, other=0.4))
    assert answer.status is status


@pytest.mark.parametrize(("alike", "status"), [(0.44, Status.UNKNOWN), (0.46, Status.CONFIRMED)])
def test_what_a_glance_is_sure_of_needs_more_that_speaks_for_it_where_the_artwork_is_not_alike(alike, status):
    """As a Mox in poor light, whose gallery has another one of them: it leads far over all other cards."""
    look = Counted({"mox": 7, "other": 8}, likeness={"mox": alike, "other": 0.1}, printing={"mox": 0.9})
    calibration = replace(CALIBRATION, glance=(-14.0, 14.0, 30.0), look=(-16.0, 12.0, 16.0, 0.3, 0.6, 1.0))
    answer = Judge(calibration, look, VERIFIER).judge(PICTURE, WHOLE, matches(mox=0.7, other=0.25))
    assert answer.status is status
    assert answer.evidence.points == (7 if status is Status.UNKNOWN else None)


class OnItsHead(Counted):
    """A second look at a card that lies the other way up than its outline says."""

    def seen(self, image, corners):
        return SimpleNamespace(corners=corners, sharpness=0.0)

    def upside_down(self, card, support):
        return np.array_equal(card.corners, WHOLE)


@pytest.mark.parametrize("similarity", [0.5, 0.9])
def test_a_card_that_lies_on_its_head_is_turned(similarity):
    """Whether a glance was sure of it or not."""
    judge = Judge(
        CALIBRATION,
        OnItsHead({"energy": 60}, homography=np.eye(3), printing={"energy": 0.9}),
        SimpleNamespace(least=lambda width: 0.5),
    )
    answer = judge.judge(PICTURE, WHOLE, matches(energy=similarity, other=0.1))
    assert answer.status is Status.CONFIRMED
    assert np.array_equal(answer.corners, turned(WHOLE))


@pytest.mark.parametrize(
    ("points", "homography", "moved"),
    [
        (30, shifted(5, 3), (5, 3)),
        (30, shifted(60, 0), (60, 0)),
        (14, shifted(5, 3), (0, 0)),
        (30, shifted(200, 0), (0, 0)),
        (30, np.zeros((3, 3)), (0, 0)),
    ],
    ids=["many agree", "far", "few agree", "too far", "no homography"],
)
def test_the_corners_are_those_of_the_picture_where_enough_points_agree(points, homography, moved):
    look = Counted({"right": points}, homography=homography)
    answer = Judge(CALIBRATION, look).judge(PICTURE, WHOLE * 2, matches(right=0.5, alike=0.45))
    np.testing.assert_allclose(answer.corners, 2 * (WHOLE + np.float32(moved)), atol=0.01)


def test_where_the_picture_lies_far_from_the_outline_is_said_beside():
    look = Counted({"right": 30}, homography=shifted(200, 0))
    answer = Judge(CALIBRATION, look).judge(PICTURE, WHOLE, matches(right=0.5, alike=0.45))
    np.testing.assert_allclose(answer.elsewhere, WHOLE + np.float32([200, 0]), atol=0.01)


@pytest.mark.parametrize("similarity", [0.3, 0.5])
def test_what_agrees_with_nothing_stays_unknown(similarity):
    answer = judged({"a": 4, "b": 4}, a=similarity, b=similarity - 0.02)
    assert answer.status is Status.UNKNOWN
