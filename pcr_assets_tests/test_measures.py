"""Recall, its interval and the gauges of collapse."""

import numpy as np
import pytest

from pcr_assets import measures


@pytest.mark.parametrize(("total", "most", "rows"), [(9, 3, [0, 4, 8]), (2, 3, [0, 1]), (3, 0, []), (0, 3, [])])
def test_an_even_sample_has_the_first_and_the_last_and_no_more_than_there_are(total, most, rows):
    assert measures.even_sample(total, most).tolist() == rows


def test_a_rank_counts_the_wrong_cards_above_the_best_right_one():
    gallery = np.eye(4, dtype=np.float32)
    queries = np.array([[1, 0, 0, 0], [0.1, 0.9, 0.2, 0], [0.6, 0, 0.5, 0.4]], np.float32)
    assert measures.ranks(queries, gallery, ["a", "c", "d"], ["a", "b", "c", "d"]).tolist() == [0, 1, 2]


def test_the_best_of_several_scans_of_a_card_counts():
    gallery = np.eye(3, dtype=np.float32)
    assert measures.ranks(np.array([[0.1, 0.2, 0.9]], np.float32), gallery, ["a"], ["a", "b", "a"]).tolist() == [0]


def test_a_card_that_is_not_in_the_gallery_is_never_found():
    assert measures.ranks(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), ["x", "a"], ["a", "b"])[0] == 2


def test_equal_embeddings_do_not_count_as_found():
    same = np.ones((3, 1), np.float32)
    assert measures.recall_at(measures.ranks(same, same, ["a", "b", "c"], ["a", "b", "c"]), 1)["recall"] == 0


def test_a_card_that_is_no_more_alike_than_a_stranger_is_found_and_not_counted():
    cards, gallery = list("abcd"), np.eye(4)
    photos = np.diag([1.0, 1.0, 1.0, 0.1])
    photos[0, 1] = 0.5  # without a in the gallery, this photo of it would be like b
    assert measures.recall_at(measures.ranks(photos, gallery, cards, cards), 1)["recall"] == 1
    assert measures.recall_beyond_strangers(photos, gallery, cards, cards) == 0.75
    assert measures.recall_beyond_strangers(photos, gallery, cards, cards, named=0.3) == 1
    assert measures.recall_beyond_strangers(photos[:0], gallery, [], cards) == 0


def test_recall_comes_with_an_interval_that_stays_honest_at_all_right():
    found = measures.recall_at(np.zeros(46, int), 1)
    assert found["recall"] == 1.0
    assert found["low"] == pytest.approx(0.923, abs=0.001)
    assert found["high"] == 1.0


def test_collapse_is_seen_in_the_cosines_between_cards():
    rng = np.random.default_rng(0)
    spread = rng.standard_normal((50, 64)).astype(np.float32)
    collapsed = 20 + spread
    gauges = [
        measures.collapse(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.arange(50))
        for vectors in (spread, collapsed)
    ]
    assert abs(gauges[0]["mean_cosine"]) < 0.05
    assert gauges[0]["pairs_below_half"] == 1.0
    assert gauges[1]["mean_cosine"] > 0.99


def test_scans_of_one_class_do_not_look_like_collapse():
    twins = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
    assert measures.collapse(twins, np.arange(8) // 2)["nearest_cosine"] == 0


def test_a_card_that_is_asked_for_twice_makes_no_interval_narrower():
    ranking = np.array([0, 0, 0, 1])
    twice = measures.recall_at(np.repeat(ranking, 2), 1, cards=4)
    assert twice == {**measures.recall_at(ranking, 1), "queries": 8}


def test_of_no_queries_nothing_is_known():
    assert measures.wilson(0, 0) == (0.0, 1.0)
    assert measures.recall_at(np.empty(0), 1) == {"recall": 0.0, "low": 0.0, "high": 1.0, "queries": 0}


def test_the_interval_of_a_paired_difference_is_that_of_half_a_case_more_of_each_kind():
    half = measures.Z * 76**0.5 / 400  # of 400 cases 100.5 are lost and 0.5 gained: 101 less 100 by 100 by 400
    assert measures.paired(100, 0, 398) == pytest.approx((0.25 - half, 0.25 + half))


@pytest.mark.parametrize(("lost", "gained"), [(0.005, 0.0025), (0.01, 0.005), (0.02, 0.01)])
def test_the_interval_of_a_paired_difference_holds_the_truth_as_often_as_it_says_where_few_cases_differ(lost, gained):
    drawn = np.random.default_rng(0).multinomial(400, [lost, gained, 1 - lost - gained], 4000)
    ends = np.array([measures.paired(int(only_first), int(only_second), 400) for only_first, only_second, _ in drawn])
    held = (ends[:, 0] <= lost - gained) & (lost - gained <= ends[:, 1])
    assert held.mean() >= 0.945


def test_two_models_that_answer_alike_are_not_said_to_be_the_same():
    low, high = measures.paired(0, 0, 400)
    assert low == -high < -0.004
    assert measures.paired(0, 0, 0) == (pytest.approx(-0.98), pytest.approx(0.98))


def test_the_chance_of_no_more_hits_is_exact_and_counts_half_a_hit_as_one():
    assert measures.no_more_than(2, 4, 0.5) == pytest.approx(11 / 16)
    assert measures.no_more_than(1.5, 4, 0.5) == pytest.approx(11 / 16)
    assert 7 / 25 * 25 > 7  # by the last bit, which is no half a hit
    assert measures.no_more_than(7 / 25 * 25, 25, 0.3) == measures.no_more_than(7, 25, 0.3)
    assert measures.no_more_than(18, 20, 0.975) == pytest.approx(1 - 0.975**20 - 20 * 0.025 * 0.975**19)
    assert (measures.no_more_than(4, 4, 0.5), measures.no_more_than(3, 4, 1.0), measures.no_more_than(0, 4, 0.0)) == (
        1,
        0,
        1,
    )
    assert 0 < measures.no_more_than(1500, 1600, 0.97) < 1e-9
