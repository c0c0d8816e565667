"""Which candidate a second look ends with, and how sure it is."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame, turned
from edge_runtime.judging.decide import Calibration, Status
from edge_runtime.judging.judge import MOST_TWINS, Judge
from edge_runtime.judging.printing_verifier import SMALL
from edge_runtime.judging.references import SIZE
from edge_runtime.judging.second_look import Support

WHOLE = full_frame(*SIZE)
PICTURE = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
CALIBRATION = Calibration(
    glance=(-14.0, 14.0, 14.0),
    look=(-11.0, 12.0, 16.0, 0.3, 0.6, 1.0),
    accept=0.95,
    sure=0.999,
    twin_margin=0.02,
    twin_lead=0.05,
)
VERIFIER = SimpleNamespace(least=lambda width: 0.6 if width < SMALL else 0.2)


class Counted:
    """A second look that finds so many agreeing points with each card, all of them moved by one homography, and of twins
    that one agrees so well where they differ. ``printing``: how likely the card is the very printing, by card;
    ``sharpness``: of the photo."""

    def __init__(self, points, agrees=None, homography=None, likeness=None, printing=None, sharpness=0.0):
        self.points = points
        self.like = likeness or {}
        self.agrees = agrees or {}
        self.homography = homography
        self.printing = printing or {}
        self.card = SimpleNamespace(sharpness=sharpness)
        self.compared = []

    def seen(self, image, corners):
        return self.card

    def supports(self, card, matches):
        self.compared += [match.card.card_id for match in matches]
        return [Support(match, self.points.get(match.card.card_id, 0), self.homography) for match in matches]

    def upside_down(self, card, support):
        return False

    def likeness(self, card, support):
        return self.like.get(support.match.card.card_id, 1.0)

    def same_printing(self, card, support, verifier):
        return self.printing.get(support.match.card.card_id)

    def tell_apart(self, image, corners, twins):
        return [self.agrees.get(twin.match.card.card_id, 0.0) for twin in twins]


def matches(**similarities):
    found = [
        Match(Card(name, name, "demo", "1", name), similarity, at)
        for at, (name, similarity) in enumerate(similarities.items())
    ]
    return sorted(found, key=lambda match: -match.similarity)


def judged(points, calibration=CALIBRATION, **similarities):
    return Judge(calibration, Counted(points)).judge(PICTURE, WHOLE, matches(**similarities))


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


def shifted(across, down):
    """The homography of a picture that lies so many pixels further to the right and down on the cut-out card."""
    return np.array([[1, 0, -across], [0, 1, -down], [0, 0, 1]], float)


@pytest.mark.parametrize(
    ("points", "homography", "moved"),
    [
        (30, shifted(5, 3), (5, 3)),
        (14, shifted(5, 3), (0, 0)),
        (30, shifted(200, 0), (0, 0)),
        (30, np.zeros((3, 3)), (0, 0)),
    ],
    ids=["many agree", "few agree", "too far", "no homography"],
)
def test_the_corners_are_those_of_the_picture_where_enough_points_agree(points, homography, moved):
    look = Counted({"right": points}, homography=homography)
    answer = Judge(CALIBRATION, look).judge(PICTURE, WHOLE * 2, matches(right=0.5, alike=0.45))
    np.testing.assert_allclose(answer.corners, 2 * (WHOLE + np.float32(moved)), atol=0.01)


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
    answer = Judge(CALIBRATION, Counted({"print-0": 50})).judge(PICTURE, WHOLE, prints(count))
    assert answer.status is Status.UNCERTAIN
    assert {match.card.card_id for match in answer.matches[:count]} == {f"print-{at}" for at in range(count)}
    assert [match.card.card_id for match in answer.matches[count:]] == ["other"]


@pytest.mark.parametrize(("count", "said"), [(MOST_TWINS, Status.CONFIRMED), (MOST_TWINS + 1, Status.UNCERTAIN)])
def test_a_twin_is_named_only_where_every_twin_was_compared(count, said):
    look = Counted({f"print-{at}": 50 for at in range(count)}, agrees={"print-1": 0.6})
    answer = Judge(CALIBRATION, look).judge(PICTURE, WHOLE, prints(count))
    assert (answer.matches[0].card.card_id, answer.status) == ("print-1", said)


def test_an_art_that_was_sure_at_a_glance_stays_sure_where_no_points_agree():
    answer = Judge(CALIBRATION, Counted({})).judge(PICTURE, WHOLE, prints(2))
    assert answer.evidence.points == 0
    assert (answer.status, answer.confidence > CALIBRATION.sure) == (Status.UNCERTAIN, True)


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


@pytest.mark.parametrize(("wide", "named"), [(SMALL - 1, False), (SMALL + 1, True)])
def test_a_small_card_has_to_be_likelier_the_printing(wide, named):
    answer = looked_over({"right": 0.5}, matches(right=0.9, alike=0.1), corners=full_frame(wide, 240))
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


def test_further_twins_than_are_compared_leave_a_doubt():
    same = {f"print-{at}": 0.1 for at in range(MOST_TWINS)} | {"print-3": 0.9}
    answer = looked_over(same, prints(MOST_TWINS + 2))
    assert (answer.status, answer.matches[0].card.card_id) == (Status.UNCERTAIN, "print-3")


@pytest.mark.parametrize("similarity", [0.3, 0.5])
def test_what_agrees_with_nothing_stays_unknown(similarity):
    answer = judged({"a": 4, "b": 4}, a=similarity, b=similarity - 0.02)
    assert answer.status is Status.UNKNOWN


def test_twins_that_lie_over_no_picture_stay_uncertain():
    answer = looked_over({}, prints(2))
    assert (answer.status, answer.other_printing) == (Status.UNCERTAIN, False)


@pytest.mark.parametrize("printing", [{"print-0": 0.01, "print-1": 0.1}, {"print-0": 0.1}])
def test_a_card_that_is_none_of_the_twins_is_another_printing(printing):
    answer = looked_over(printing, prints(2))
    assert (answer.status, answer.other_printing, answer.confidence) == (Status.UNKNOWN, True, 0.1)


def test_a_twin_that_is_told_apart_is_verified_alone():
    assert looked_over({"print-0": 0.01, "print-1": 0.9}, prints(2), {"print-0": 0.6}).other_printing
    assert looked_over({"print-0": 0.9, "print-1": 0.01}, prints(2), {"print-0": 0.6}).status is Status.CONFIRMED
