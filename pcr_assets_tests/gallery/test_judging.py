"""Calibrating a judge: from queries whose truth is known to a confidence, and what is measured with it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from types import SimpleNamespace

import numpy as np
import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.judging.judge import Judge
from edge_runtime.judging.references import SIZE
from edge_runtime.judging.second_look import SecondLook
from pcr_assets.gallery import judging
from pcr_assets_tests.gallery.drawn_queries import CARDS, COUNT, asked, clear, match, query, seen


@pytest.fixture
def calibrated(second_look):
    known = [*(asked(key) for key in range(1, 9)), *(clear(key) for key in range(1, 5))]
    return Judge(judging.calibrate(second_look, known, [], far=0.001, precision=0.99), second_look)


def test_a_stranger_is_a_query_whose_art_and_name_left_the_gallery():
    stranger = asked(1).as_stranger()
    assert (stranger.card_id, stranger.art_group) == ("", "")
    assert "demo-1" not in {found.card.card_id for found in stranger.matches}


def test_a_stranger_lost_its_reprints_however_their_name_is_written():
    basic, before = (
        Card(f"{set_id}-1", name, set_id, "1", f"{set_id}-1")
        for set_id, name in (("sv1", "Basic Fire Energy"), ("base1", "Fire Energy"))
    )
    matches = [Match(basic, 0.9, 0), Match(before, 0.8, 1), match(3, 0.3)]
    stranger = query(CARDS[1], matches, "sv1-1", "sv1-1", basic.name).as_stranger()
    assert [found.card.card_id for found in stranger.matches] == ["demo-3"]
    assert stranger.gallery.search(np.zeros((1, 1)), 5) == [stranger.matches]


def test_a_card_without_which_nothing_would_be_left_is_not_asked_as_a_stranger():
    assert judging.as_strangers([query(CARDS[1], [match(1, 0.9)], "demo-1", "demo-1", "Card 1")]) == []


def test_a_calibrated_judge_names_unseen_cards_that_the_search_missed_and_no_stranger(calibrated):
    fresh = [asked(key) for key in range(9, COUNT + 1)]
    answers = judging.answered(calibrated, fresh)
    assert [answer.matches[0].card.card_id for answer in answers] == [query.card_id for query in fresh]
    assert {answer.status for answer in answers} == {Status.CONFIRMED}
    assert judging.named_share(judging.answered(calibrated, judging.as_strangers(fresh))) == 0.0


def test_a_stranger_is_kept_out_in_every_look_that_the_edge_takes_at_it(second_look):
    """The edge looks again, the other way up, at what it does not know: only there the search finds what this one looks like."""
    known = [*(asked(key) for key in range(1, 9)), *(clear(key) for key in range(1, 5))]
    unlike, alike = [match(10, 0.1), match(11, 0.1)], [match(12, 0.5), match(11, 0.1)]
    once, again = (
        judging.calibrate(second_look, known, [query(seen(12), unlike, later=later)], far=0.001, precision=0.99)
        for later in (None, alike)
    )
    assert again.accept > once.accept


def test_a_stranger_that_shows_art_of_the_gallery_teaches_nothing_about_strangers(second_look):
    known = [*(asked(key) for key in range(1, 9)), *(clear(key) for key in range(1, 5))]
    printed_elsewhere = query(asked(12).picture(), asked(12).matches)
    alone, with_it = (
        judging.calibrate(second_look, known, strange, far=0.001, precision=0.99)
        for strange in ([], [printed_elsewhere])
    )
    assert with_it == alone


def test_one_picture_seen_by_several_threads_at_once_is_remembered_once(second_look, monkeypatch):
    """What is remembered of a picture goes by the object's identity: one that was thrown away would lend it to another picture."""
    together, cut_out = Barrier(3), SecondLook.seen

    def seen_together(self, image, corners):
        together.wait(10)
        return cut_out(self, image, corners)

    monkeypatch.setattr(SecondLook, "seen", seen_together)
    look = judging.RememberingLook(second_look.references)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: look.seen(CARDS[1], full_frame(*SIZE)), range(3)))
    assert found[0] is found[1] is found[2]


def test_measures_say_what_became_of_each_query(calibrated):
    fresh = [asked(key) for key in range(9, COUNT + 1)]
    found = judging.measured(fresh, judging.answered(calibrated, fresh))
    assert (found["recall_at_1"], found["right"], found["wrong"], found["refused"]) == (1.0, 1.0, 0.0, 0.0)
    assert found["low"] < 1.0 == found["high"]


def test_what_a_print_of_the_right_art_is_worth_depends_on_what_was_said():
    """Named it is another card; as one of several that look alike it is none that is wrong."""
    twin = Match(Card("echo-9", "Card 9", "echo", "9", "demo-9"), 0.9, 99)
    said = [
        (Status.CONFIRMED, [match(9, 0.9), twin]),
        (Status.UNCERTAIN, [twin, match(9, 0.9)]),
        (Status.CONFIRMED, [twin, match(9, 0.9)]),
        (Status.UNCERTAIN, [match(10, 0.9)]),
        (Status.UNKNOWN, [match(9, 0.9)]),
    ]
    answers = [SimpleNamespace(status=status, matches=matches) for status, matches in said]
    found = judging.measured([asked(9)] * 5, answers)
    outcomes = [found[name] for name in ("right", "one of these", "wrong", "refused")]
    assert outcomes == [0.2, 0.2, 0.4, 0.2]
    assert found["answered"] == pytest.approx(0.4)
    assert (found["recall_at_1"], found["recall_at_5"], found["art_recall_at_1"]) == pytest.approx((0.4, 0.8, 0.8))


def test_each_set_is_measured_by_itself(calibrated):
    """Cards whose picture is another's are found in no set: one bad set shows beside a good one."""
    good = [replace(asked(key), set_id="good") for key in (9, 10)]
    bad = [replace(clear(11), card_id="lost-1", art_group="lost-1", set_id="bad")]
    tested = [*good, *bad]
    found = judging.by_set(tested, judging.answered(calibrated, tested))
    assert list(found) == ["bad", "good"]
    assert (found["good"]["recall_at_1"], found["good"]["queries"]) == (1.0, 2)
    assert (found["bad"]["art_recall_at_1"], found["bad"]["queries"]) == (0.0, 1)
