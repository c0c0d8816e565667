"""Checks on what goes into a release and on the report: what they refuse, and what is refused where one is made alone."""

import dagster as dg
import pytest

from pcr_assets import checks, layout
from pcr_assets.gallery import permits
from pcr_assets.gallery.report import loss
from pcr_assets.measures import wilson
from pcr_assets.resources.artifacts import NEEDS, needed

ANSWERS = {"medium": {"recall_at_1": 0.95, "high": 0.97, "answered": 0.98, "answered_high": 0.99}}


@pytest.mark.parametrize(("int8", "passed"), [(0.3, True), (0.998, False)])
def test_a_gallery_of_which_one_variant_calls_all_cards_alike_is_refused(asked, int8, passed):
    found = asked(checks.gallery_has_not_collapsed, EMBEDDINGS={"mean_cosine": {"fp32": 0.2, "int8": int8}})
    assert (found.passed, found.severity) == (passed, dg.AssetCheckSeverity.ERROR)


@pytest.mark.parametrize(
    ("objections", "said"),
    [([], "int8 finds 96.0%"), (["int8 finds 40.0%", "fp32 finds 41.0%"], "int8 finds 40.0%; fp32 finds 41.0%")],
)
def test_a_report_that_objects_permits_no_release(asked, objections, said):
    found = asked(checks.report_permits_release, REPORT={"objections": objections, "reached": ["int8 finds 96.0%"]})
    assert (found.passed, found.description) == (not objections, said)


def test_the_first_release_has_no_last_one_to_be_worse_than(asked):
    assert asked(checks.not_worse_than_the_last_release, REPORT={"variants": {"int8": {"answers": ANSWERS}}}).passed


@pytest.mark.parametrize(("high", "passed"), [(0.96, True), (0.94, False)])
def test_a_release_that_is_surely_worse_than_the_last_is_refused(asked, high, passed):
    now = {"medium": {**ANSWERS["medium"], "recall_at_1": 0.92, "high": high}}
    found = asked(
        checks.not_worse_than_the_last_release,
        RELEASES={"answers": {"int8": ANSWERS}},
        REPORT={"variants": {"int8": {"answers": now}}},
    )
    assert found.passed is passed
    assert passed or "int8 finds 92.0% at medium, the last release 95.0%" in found.description


def test_a_release_that_lost_a_part_is_still_the_one_to_be_compared_with(asked):
    """It counted as none, and the gate stood open for any other."""
    now = {"medium": {**ANSWERS["medium"], "recall_at_1": 0.92, "high": 0.94}}
    found = asked(
        checks.not_worse_than_the_last_release,
        RELEASES={"answers": {"int8": ANSWERS}, NEEDS: needed(layout.PARTS, [64 * "a"])},
        REPORT={"variants": {"int8": {"answers": now}}},
    )
    assert not found.passed


@pytest.mark.parametrize(("right", "passed"), [(199, True), (194, False)])
def test_after_a_release_that_missed_nothing_one_miss_refuses_none(asked, right, passed):
    def answers(right):
        _, high = wilson(right, 200)
        return {"medium": {**ANSWERS["medium"], "answered": right / 200, "answered_high": high, "queries": 200}}

    found = asked(
        checks.not_worse_than_the_last_release,
        RELEASES={"answers": {"int8": answers(200)}},
        REPORT={"variants": {"int8": {"answers": answers(right)}}},
    )
    assert found.passed is passed


def test_a_release_that_finds_as_much_and_says_so_less_often_is_refused(asked):
    mute = {"medium": {**ANSWERS["medium"], "answered": 0.11, "answered_high": 0.16}}
    found = asked(
        checks.not_worse_than_the_last_release,
        RELEASES={"answers": {"int8": ANSWERS}},
        REPORT={"variants": {"int8": {"answers": mute}}},
    )
    assert not found.passed
    assert "int8 answers 11.0% at medium, the last release 98.0%" in found.description


def test_a_release_that_is_made_alone_is_asked_all_that_the_checks_on_its_report_ask():
    report = {
        "objections": ["int8 finds too few"],
        "int8_loss": {"points": 4.0, "low": 3.0, "high": 5.0},
        "variants": {
            "int8": {
                "calibration_error": 0.3,
                "answers": {"medium": {**ANSWERS["medium"], "high": 0.5, "answered_high": 0.99}},
            }
        },
    }
    limits = {"int8_loss": 0.01, "calibration_error": 0.1}
    found = permits.refusals(report, limits, {"answers": {"int8": ANSWERS}})
    for said in ("too few", "recall@1 of INT8 is -4.0", "misses the truth by 30.0", "the last release 95.0%"):
        assert any(said in sentence for sentence in found), said


def judged(wrong, of=1000):
    return {"right_at_1": {"medium": [index >= wrong for index in range(of)]}}


def test_new_sets_that_are_recognised_worse_are_warned_of_with_what_follows(asked):
    worse = {"sets": ["new1"], "said": "int8 answers 60.0% of 20 new cards of new1"}
    found = asked(checks.new_cards_are_recognised, REPORT={"cards": 30, "recognised worse": worse})
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description.startswith("int8 answers 60.0% of 20 new cards of new1: the training snapshot moves")
    assert "snapshot.generation" in found.description


def test_without_new_cards_that_is_said(asked):
    none = {"sets": [], "said": "no card came after the training snapshot"}
    found = asked(checks.new_cards_are_recognised, REPORT={"cards": 30, "recognised worse": none})
    assert (found.passed, found.description) == (True, "no card came after the training snapshot")


def test_of_cards_that_came_after_a_report_that_holds_nothing_is_said(asked):
    """30 had come, and it was said that none had."""
    none = {"sets": [], "said": "no card came after the training snapshot"}
    found = asked(
        checks.new_cards_are_recognised, INDEX={"cards": 1060}, REPORT={"cards": 1030, "recognised worse": none}
    )
    assert found.description == f"{none['said']}; this was found with 1,030 cards, and there are 1,060 now"


def test_eight_bits_may_lose_what_lies_within_chance_and_no_more(asked):
    assert asked(checks.int8_keeps_recall, REPORT={"int8_loss": loss(judged(20), judged(25))}).passed
    refused = asked(checks.int8_keeps_recall, REPORT={"int8_loss": loss(judged(20), judged(60))})
    assert not refused.passed
    assert "recall@1 of INT8 is -4.0 points beside FP32's" in refused.description


def test_a_confidence_that_does_not_mean_what_it_says_holds_the_release_back(asked):
    def variants(chance=0.01, **errors):
        judged = {"calibration_error_by_chance": chance}
        return {"variants": {name: {**judged, "calibration_error": error} for name, error in errors.items()}}

    assert asked(checks.confidence_means_what_it_says, REPORT=variants(int8=0.011, fp32=0.009)).passed
    assert asked(checks.confidence_means_what_it_says, REPORT=variants(int8=0.055, fp32=0.086, chance=0.08)).passed
    refused = asked(checks.confidence_means_what_it_says, REPORT=variants(int8=0.011, fp32=0.281))
    assert not refused.passed
    assert "a confidence of fp32 misses the truth by 28.1 points on average" in refused.description


@pytest.mark.parametrize(("low", "permitted"), [(0.5, True), (1.2, False)])
def test_a_loss_by_eight_bits_is_refused_where_it_is_sure_and_not_where_it_may_be_chance(low, permitted):
    report = {"int8_loss": {"points": 1.5, "low": low, "high": 2.5}}
    assert permits.int8_keeps_recall(report, {"int8_loss": 0.01})[0] is permitted
