"""Checks on models: whether each learned what it was trained for, and kept it through export and quantisation."""

from collections.abc import Mapping

from pcr_assets import layout
from pcr_assets.assets.edge_networks import outline_filter, printing_verifier
from pcr_assets.assets.exports import student_hef, student_int8, student_onnx
from pcr_assets.assets.models import student_stage1, student_stage2, student_undistilled, teacher_weights
from pcr_assets.checks.gate import Finding, Limits, Record, apart, gate


@gate(teacher_weights, layout.TEACHER)
def teacher_beats_hashing(record: Record, limits: Limits) -> Finding:
    """A teacher that names cards worse than perceptual hashing has nothing to teach."""
    ours, hashing = (
        sum(found["art_recall_at_1"] for found in judged.values()) / len(judged)
        for judged in (record["recall"], record["hashing"])
    )
    said = f"recall@1 of the art, mean over {' and '.join(record['recall'])} camera: teacher {ours:.1%}, hashing {hashing:.1%}"
    lead = limits["teacher_lead"]
    better = ours - hashing > lead
    return better, said if better else f"{said}; it must be ahead by more than {100 * lead:g} points"


@gate(student_stage1, layout.STAGE1, blocking=False)
def stage1_has_not_collapsed(record: Record, limits: Limits) -> Finding:
    """Different cards lie apart."""
    return apart(record["different_cards"]["mean_cosine"], limits)


@gate(student_stage2, layout.STAGE2)
def stage2_has_not_collapsed(record: Record, limits: Limits) -> Finding:
    """Different cards lie apart."""
    return apart(record["different_cards"]["mean_cosine"], limits)


@gate(student_stage2, layout.STAGE2, blocking=False, beside=layout.STAGE1)
def stage2_beats_stage1(record: Record, limits: Limits, stage1: Record) -> Finding:
    """Fine-tuning finds more test cards than distillation alone did."""
    return _beats({"stage 2": record, "stage 1": stage1})


@gate(student_stage1, layout.STAGE1, blocking=False, beside=layout.UNDISTILLED)
def stage1_beats_undistilled(record: Record, limits: Limits, undistilled: Record) -> Finding:
    """Distillation finds more test cards than as many steps without a teacher."""
    return _beats({"stage 1": record, "the undistilled student": undistilled})


@gate(student_undistilled, layout.UNDISTILLED, blocking=False, beside=layout.STAGE1)
def undistilled_loses_to_stage1(record: Record, limits: Limits, stage1: Record) -> Finding:
    """As many steps without a teacher find fewer test cards than distillation: asked here when this student is the newer one."""
    return _beats({"stage 1": stage1, "the undistilled student": record})


def _beats(models: Mapping[str, Record]) -> Finding:
    """Whether the first of two models finds more test cards than the second; passed where one of them was not measured."""
    for name, record in models.items():
        if "recall" not in record:
            why = record.get("off", "not trained, or made elsewhere")
            return True, f"nothing to compare: {name} was not measured here ({why})"
    recall = {name: _mean_recall(record) for name, record in models.items()}
    better, other = recall.values()
    said = ", ".join(f"{name} {share:.1%}" for name, share in recall.items())
    return better > other, f"recall@1 of test cards, mean over strengths: {said}"


def _mean_recall(record: Record) -> float:
    recall = [found["recall_at_1"] for found in record["recall"].values()]
    return float(sum(recall) / len(recall))


@gate(outline_filter, layout.OUTLINE_FILTER, blocking=False)
def outline_filter_spares_reading(record: Record, limits: Limits) -> Finding:
    """The filter drops outlines, and hardly a card."""
    from pcr_assets.measures import wilson

    if not record["threshold"]:
        return (
            False,
            "it drops nothing, so every outline is read: it lost too many test cards, or was asked about too few",
        )
    found, lost = (sum(row[f"cards {what}"] for row in record["test"].values()) for what in ("found", "lost"))
    least, _ = wilson(lost, found)
    return least <= limits["filter_loss"], f"it loses {lost} of {found} cards on scenes with test cards"


@gate(printing_verifier, layout.PRINTING_VERIFIER, blocking=False)
def printing_verifier_spares_cards(record: Record, limits: Limits) -> Finding:
    """The verifier refuses other printings, and hardly a card."""
    from pcr_assets.measures import wilson

    if not record["threshold"]:
        return False, "it refuses nothing: it lost too many test cards, or was asked about too few"
    cards, lost, others, told = (
        sum(row[what] for row in record["test"].values())
        for what in ("cards", "cards refused", "other printings", "other printings refused")
    )
    said = f"it refuses {lost} of {cards} test cards, and {told} of {others} other printings"
    tells = wilson(told, others)[0] > wilson(lost, cards)[1]
    return tells and wilson(lost, cards)[0] <= limits["printing_loss"], said


@gate(student_onnx, layout.ONNX)
def onnx_agrees_with_torch(record: Record, limits: Limits) -> Finding:
    """Both graphs give the embeddings that torch gives."""
    least = min(found["minimum"] for found in record["parity"].values())
    return least >= limits["parity"], f"least cosine to torch {least:.6f}, it must be {limits['parity']} or more"


@gate(student_int8, layout.INT8)
def int8_agrees_with_fp32(record: Record, limits: Limits) -> Finding:
    """The integer model gives nearly the embeddings of the FP32 one."""
    mean = record["fidelity"]["mean"]
    return mean >= limits["int8_cosine"], f"mean cosine to FP32 {mean:.4f}, it must be {limits['int8_cosine']} or more"


@gate(student_hef, layout.HEF, blocking=False)
def hef_is_built(record: Record, limits: Limits) -> Finding:
    """A release without a HEF runs on the Pi's processor alone."""
    return record["built"], "compiled" if record["built"] else record["reason"]
