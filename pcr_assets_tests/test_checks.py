"""Checks compare what assets recorded; each says in a sentence what it saw."""

import dagster as dg
import pytest

from pcr_assets import checks, layout
from pcr_assets.checks.gate import made_elsewhere
from pcr_assets.cloud import lifecycle
from pcr_assets.gallery import permits
from pcr_assets.gallery.report import loss
from pcr_assets.measures import wilson
from pcr_assets.resources.artifacts import NEEDS, needed
from pcr_assets.resources.project import Project

ANSWERS = {"medium": {"recall_at_1": 0.95, "high": 0.97, "answered": 0.98, "answered_high": 0.99}}


@pytest.fixture
def asked(tmp_path):
    """Publish records under their artifacts' names, then ask a check."""
    project = Project(store=str(tmp_path))

    def ask(check: dg.AssetChecksDefinition, **records):
        for name, record in records.items():
            project.artifacts.publish(getattr(layout, name), {}, digest="0" * 64, record=record)
        return check(project=project)

    return ask


def recall(value):
    return {"recall": {"medium": {"recall_at_1": value}, "hard": {"recall_at_1": value - 0.2}}}


@pytest.mark.parametrize(("stage1", "stage2", "passed"), [(0.8, 0.9, True), (0.9, 0.8, False), (0.9, 0.9, False)])
def test_stage_2_has_to_beat_stage_1(asked, stage1, stage2, passed):
    found = asked(checks.stage2_beats_stage1, STAGE1=recall(stage1), STAGE2=recall(stage2))
    assert found.passed is passed
    assert f"stage 2 {stage2 - 0.1:.1%}" in found.description


@pytest.mark.parametrize(("stage1", "alone", "passed"), [(0.8, 0.7, True), (0.7, 0.8, False)])
def test_distillation_has_to_beat_the_same_training_without_a_teacher(asked, stage1, alone, passed):
    for check in (checks.stage1_beats_undistilled, checks.undistilled_loses_to_stage1):
        found = asked(check, STAGE1=recall(stage1), UNDISTILLED=recall(alone))
        assert found.passed is passed
        assert f"stage 1 {stage1 - 0.1:.1%}, the undistilled student {alone - 0.1:.1%}" in found.description


def test_without_an_undistilled_student_that_is_said(asked):
    off = {"off": "undistilled.trained is false"}
    for check in (checks.stage1_beats_undistilled, checks.undistilled_loses_to_stage1):
        found = asked(check, STAGE1=recall(0.8), UNDISTILLED=off)
        assert found.passed
        assert "the undistilled student was not measured here (undistilled.trained is false)" in found.description


def sets(**scans):
    return {"sets": {set_id: {"scans": count} for set_id, count in scans.items()}}


@pytest.mark.parametrize(
    ("now", "passed"),
    [
        ({"base1": 100, "neo1": 50, "new1": 40}, True),
        ({"base1": 75}, True),
        ({"base1": 74}, False),
        ({"base1": 10, "new1": 200}, False),
        ({"other1": 10}, True),
    ],
)
def test_most_scans_that_the_gallery_was_made_of_are_still_there_unless_it_is_another_gallery(asked, now, passed):
    found = asked(checks.most_scans_are_still_there, REFERENCES=sets(base1=100, neo1=50), PROCESSED=sets(**now))
    assert found.passed is passed
    assert ("raise gates.lost_scans" in found.description) is not passed


def test_a_first_gallery_has_lost_nothing(asked):
    assert asked(checks.most_scans_are_still_there, PROCESSED=sets(base1=1)).passed


def test_a_stage_1_that_nobody_measured_is_no_reason_to_refuse_stage_2(asked):
    found = asked(checks.stage2_beats_stage1, STAGE2=recall(0.8))
    assert found.passed
    assert "stage 1 was not measured here (not trained, or made elsewhere)" in found.description


@pytest.mark.parametrize(
    ("threshold", "lost", "passed", "said"),
    [
        (0.2, 1, True, "it loses 1 of 200 cards"),
        (0.2, 8, True, "it loses 8 of 200 cards"),  # not surely more than three of a hundred
        (0.2, 30, False, "it loses 30 of 200 cards"),
        (0.0, 0, False, "it drops nothing, so every outline is read"),
    ],
)
def test_an_outline_filter_has_to_drop_outlines_and_hardly_a_card(asked, threshold, lost, passed, said):
    row = {"cards found": 100, "cards lost": lost // 2}
    test = {"easy": row, "medium": {**row, "cards lost": lost - lost // 2}}
    found = asked(checks.outline_filter_spares_reading, OUTLINE_FILTER={"threshold": threshold, "test": test})
    assert found.passed is passed
    assert said in found.description


@pytest.mark.parametrize(
    ("threshold", "lost", "told", "passed", "said"),
    [
        (0.2, 2, 180, True, "it refuses 2 of 200 test cards, and 180 of 190 other printings"),
        (0.2, 20, 180, False, "it refuses 20 of 200 test cards"),
        (0.2, 2, 4, False, "4 of 190 other printings"),
        (0.0, 0, 0, False, "it refuses nothing"),
    ],
)
def test_a_printing_verifier_has_to_refuse_other_printings_and_hardly_a_card(
    asked, threshold, lost, told, passed, said
):
    row = {"cards": 100, "cards refused": lost // 2, "other printings": 95, "other printings refused": told // 2}
    record = {"threshold": threshold, "test": {"easy": row, "medium": row}}
    found = asked(checks.printing_verifier_spares_cards, PRINTING_VERIFIER=record)
    assert found.passed is passed
    assert said in found.description


@pytest.mark.parametrize(("teacher", "passed"), [(0.7, True), (0.5, False), (0.6, False)])
def test_a_teacher_has_to_find_more_art_than_hashing(asked, teacher, passed):
    record = {name: {"hard": {"art_recall_at_1": art}} for name, art in (("recall", teacher), ("hashing", 0.6))}
    found = asked(checks.teacher_beats_hashing, TEACHER=record)
    assert found.passed is passed
    assert f"teacher {teacher:.1%}, hashing 60.0%" in found.description


def test_by_how_much_a_teacher_has_to_lead_is_a_setting(tmp_path):
    profile = tmp_path / "strict.yaml"
    profile.write_text("extends: embedded\ngates: {teacher_lead: 0.2}\n")
    project = Project(store=str(tmp_path), profile=str(profile))
    record = {name: {"hard": {"art_recall_at_1": art}} for name, art in (("recall", 0.7), ("hashing", 0.6))}
    project.artifacts.publish(layout.TEACHER, {}, digest="0" * 64, record=record)
    assert not checks.teacher_beats_hashing(project=project).passed


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


def test_a_model_that_was_made_elsewhere_is_warned_of_and_blocks_nothing(asked):
    adopted = {"adopted": {"from": "models/dinov3-teacher/v1.0"}}
    found = asked(checks.teacher_beats_hashing, TEACHER=adopted)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "models/dinov3-teacher/v1.0 was made elsewhere" in found.description
    assert asked(checks.stage2_beats_stage1, STAGE1=adopted, STAGE2=recall(0.9)).passed


def test_a_bucket_is_asked_for_its_rules_where_the_profile_says_so(tmp_path, monkeypatch):
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    profile = tmp_path / "asking.yaml"
    profile.write_text("extends: embedded\nrecords: {ask_bucket: true}\n")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="rules-are-asked")
        quiet = checks.lifecycle_rules_are_set(project=Project(store="s3://rules-are-asked"))
        assert quiet.passed and quiet.description.startswith("not asked")
        asking = Project(store="s3://rules-are-asked", profile=str(profile))
        before = checks.lifecycle_rules_are_set(project=asking)
        assert (before.passed, before.severity) == (False, dg.AssetCheckSeverity.WARN)
        lifecycle.apply(asking.root.client, "rules-are-asked")
        assert checks.lifecycle_rules_are_set(project=asking).passed


@pytest.mark.parametrize(("low", "permitted"), [(0.5, True), (1.2, False)])
def test_a_loss_by_eight_bits_is_refused_where_it_is_sure_and_not_where_it_may_be_chance(low, permitted):
    report = {"int8_loss": {"points": 1.5, "low": low, "high": 2.5}}
    assert permits.int8_keeps_recall(report, {"int8_loss": 0.01})[0] is permitted


def test_an_adopted_model_that_was_measured_here_is_judged_as_any_other():
    assert made_elsewhere({"adopted": {"from": "a bucket"}})
    assert not made_elsewhere({"adopted": {"from": "a bucket"}, "recall": {}})
