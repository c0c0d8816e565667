"""Checks on models: each compares what an asset recorded, and says in a sentence what it saw."""

import dagster as dg
import pytest

from pcr_assets import checks, layout
from pcr_assets.checks.gate import made_elsewhere
from pcr_assets.resources.project import Project


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


@pytest.mark.parametrize(("cosine", "passed"), [(0.9999, True), (0.9998, False)])
def test_a_graph_that_gives_other_embeddings_than_torch_is_refused(asked, cosine, passed):
    """Each of both graphs by its worst picture."""
    record = {"parity": {"fixed": {"minimum": 1.0}, "free": {"minimum": cosine}}}
    found = asked(checks.onnx_agrees_with_torch, ONNX=record)
    assert (found.passed, found.severity) == (passed, dg.AssetCheckSeverity.ERROR)
    assert f"least cosine to torch {cosine:.6f}" in found.description


@pytest.mark.parametrize(("cosine", "passed"), [(0.97, True), (0.96, False)])
def test_a_model_that_eight_bits_have_spoilt_is_refused(asked, cosine, passed):
    found = asked(checks.int8_agrees_with_fp32, INT8={"fidelity": {"mean": cosine, "minimum": 0.5}})
    assert (found.passed, found.severity) == (passed, dg.AssetCheckSeverity.ERROR)
    assert f"mean cosine to FP32 {cosine:.4f}" in found.description


@pytest.mark.parametrize(("cosine", "passed"), [(0.2, True), (0.998, False), (0.5, False)])
def test_a_student_that_calls_all_cards_alike_is_refused_once_it_is_trained_and_warned_of_before(asked, cosine, passed):
    record = {"different_cards": {"mean_cosine": cosine}}
    first, last = (
        asked(checks.stage1_has_not_collapsed, STAGE1=record),
        asked(checks.stage2_has_not_collapsed, STAGE2=record),
    )
    assert (first.passed, last.passed) == (passed, passed)
    assert (first.severity, last.severity) == (dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR)
    assert f"mean cosine between different cards is {cosine:.3f}" in last.description


@pytest.mark.parametrize(
    ("record", "passed", "said"),
    [
        ({"built": True}, True, "compiled"),
        ({"built": False, "reason": "there is no compiler"}, False, "there is no compiler"),
    ],
)
def test_without_a_hef_it_is_said_why_and_a_release_is_made_all_the_same(asked, record, passed, said):
    found = asked(checks.hef_is_built, HEF=record)
    assert (found.passed, found.description, found.severity) == (passed, said, dg.AssetCheckSeverity.WARN)


def test_a_model_that_was_made_elsewhere_is_warned_of_and_blocks_nothing(asked):
    adopted = {"adopted": {"from": "models/dinov3-teacher/v1.0"}}
    found = asked(checks.teacher_beats_hashing, TEACHER=adopted)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "models/dinov3-teacher/v1.0 was made elsewhere" in found.description
    assert asked(checks.stage2_beats_stage1, STAGE1=adopted, STAGE2=recall(0.9)).passed


def test_an_adopted_model_that_was_measured_here_is_judged_as_any_other():
    assert made_elsewhere({"adopted": {"from": "a bucket"}})
    assert not made_elsewhere({"adopted": {"from": "a bucket"}, "recall": {}})


def test_these_checks_stop_a_release_and_no_others_do():
    blocking = {spec.name for check in checks.CHECKS for spec in check.check_specs if spec.blocking}
    assert blocking == {
        "teacher_beats_hashing",
        "stage2_has_not_collapsed",
        "onnx_agrees_with_torch",
        "int8_agrees_with_fp32",
        "gallery_has_not_collapsed",
        "most_scans_are_still_there",
        "report_permits_release",
        "int8_keeps_recall",
        "confidence_means_what_it_says",
        "not_worse_than_the_last_release",
    }


@pytest.mark.parametrize(("ours", "lead", "passed"), [(0.9, 0.0, True), (0.9, 0.1, False), (0.8, 0.0, False)])
def test_a_check_that_holds_something_back_says_what_to_do_and_by_which_limit(asked, monkeypatch, ours, lead, passed):
    judged = {which: {"medium": {"art_recall_at_1": share}} for which, share in (("recall", ours), ("hashing", 0.85))}
    limits = {"teacher_lead": lead}
    monkeypatch.setattr("pcr_assets.settings.Settings.section", lambda _, name: limits if name == "gates" else {})
    found = asked(checks.teacher_beats_hashing, TEACHER=judged)
    assert found.passed is passed
    assert (f"ahead by more than {100 * lead:g} points" in found.description) is not passed
    told = found.metadata.get("what now")
    assert (told is None) is passed
    if told:
        assert "the last release stays in service" in told.value
        assert "`gates`" in told.value


def test_a_check_that_only_warns_says_that_nothing_waits_for_it(asked):
    found = asked(checks.stage2_beats_stage1, STAGE1=recall(0.9), STAGE2=recall(0.8))
    assert "nothing is held back" in found.metadata["what now"].value
