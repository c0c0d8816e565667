"""Asset checks. Each compares numbers that its asset measured and recorded; the blocking ones stand before the release.

A gate that refuses leaves the last release in service: nothing is built behind it until its asset changes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from pcr_assets import layout
from pcr_assets.assets.cards import processed_cards
from pcr_assets.assets.edge_networks import outline_filter, printing_verifier
from pcr_assets.assets.exports import student_hef, student_int8, student_onnx
from pcr_assets.assets.feedback import field_feedback
from pcr_assets.assets.models import student_stage1, student_stage2, student_undistilled, teacher_weights
from pcr_assets.assets.project import store_inventory
from pcr_assets.assets.reference import card_embeddings
from pcr_assets.assets.report import recognition_report
from pcr_assets.resources.project import Project

Record = Mapping[str, Any]
Limits = Mapping[str, float]
"""The section ``gates`` of the settings."""
Finding = tuple[bool, str]
Judge = Callable[..., Finding]


def made_elsewhere(record: Record) -> bool:
    """Whether an artifact was adopted without the numbers that gates compare."""
    return bool(record.get("adopted")) and "recall" not in record


def gate(
    asset: dg.AssetsDefinition, artifact: str, *, blocking: bool = True, beside: str | None = None
) -> Callable[[Judge], Any]:
    """A check on the record of an artifact: the function says whether it passes, and in one sentence why.

    ``beside`` names another artifact to compare with: its record is the third argument, empty where there is none yet.
    """

    def declare(judge: Judge) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset=asset, name=judge.__name__, blocking=blocking, description=judge.__doc__)
        def check(project: Project) -> dg.AssetCheckResult:
            artifacts, limits = project.artifacts, project.settings.section("gates")
            record = artifacts.current(artifact).record
            if made_elsewhere(record):
                said = f"{record['adopted']['from']} was made elsewhere: this was not measured on it"
                return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description=said)
            other = artifacts.find(beside) if beside else None
            others = [other.record if other and not made_elsewhere(other.record) else {}] if beside else []
            passed, said = judge(record, limits, *others)
            severity = dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN
            return dg.AssetCheckResult(passed=passed, severity=severity, description=said)

        return check

    return declare


@gate(processed_cards, layout.PROCESSED, blocking=False)
def few_scans_in_quarantine(record: Record, limits: Limits) -> Finding:
    """Few scans are in quarantine."""
    rejected, kept = record["rejected"], record["scans"]
    few = rejected <= limits["quarantine"] * (rejected + kept)
    return few, f"{rejected} of {rejected + kept} scans are in quarantine"


@gate(teacher_weights, layout.TEACHER)
def teacher_beats_hashing(record: Record, limits: Limits) -> Finding:
    """A teacher that names cards worse than perceptual hashing has nothing to teach."""
    ours, hashing = (
        sum(found["art_recall_at_1"] for found in judged.values()) / len(judged)
        for judged in (record["recall"], record["hashing"])
    )
    said = f"recall@1 of the art, mean over {' and '.join(record['recall'])} camera: teacher {ours:.1%}, hashing {hashing:.1%}"
    return ours - hashing > limits["teacher_lead"], said


@gate(student_stage1, layout.STAGE1, blocking=False)
def stage1_has_not_collapsed(record: Record, limits: Limits) -> Finding:
    """Different cards lie apart."""
    return _apart(record["different_cards"]["mean_cosine"], limits)


@gate(student_stage2, layout.STAGE2)
def stage2_has_not_collapsed(record: Record, limits: Limits) -> Finding:
    """Different cards lie apart."""
    return _apart(record["different_cards"]["mean_cosine"], limits)


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
    """The same, asked when the student without a teacher is the newer one."""
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


def _apart(mean: float, limits: Limits) -> Finding:
    most = limits["mean_cosine"]
    return mean < most, f"mean cosine between different cards is {mean:.3f}, it must be below {most}"


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


@gate(card_embeddings, layout.EMBEDDINGS)
def gallery_has_not_collapsed(record: Record, limits: Limits) -> Finding:
    """Different cards of the gallery lie apart, in every variant."""
    return _apart(max(record["mean_cosine"].values()), limits)


@gate(recognition_report, layout.REPORT)
def report_permits_release(record: Record, limits: Limits) -> Finding:
    """No variant surely finds fewer cards than the report's settings demand."""
    return not record["objections"], "; ".join(record["objections"] or record["reached"])


@gate(recognition_report, layout.REPORT)
def int8_keeps_recall(record: Record, limits: Limits) -> Finding:
    """Eight bits cost next to nothing: the same queries are answered by INT8 and by FP32."""
    lost = record["int8_loss"]
    most = 100 * limits["int8_loss"]
    said = f"recall@1 of INT8 is {_moved(lost['points'])} points beside FP32's ({_moved(lost['high'])} to {_moved(lost['low'])})"
    return lost["low"] <= most, f"{said}; a loss of surely more than {most:g} is refused"


@gate(recognition_report, layout.REPORT)
def confidence_means_what_it_says(record: Record, limits: Limits) -> Finding:
    """Of the answers with a confidence of 90 %, nine in ten are right, and so at every other, in every variant."""
    most = 100 * limits["calibration_error"]
    found = {  # reports before version 14 don't say what chance explains
        name: (100 * judged["calibration_error"], 100 * judged.get("calibration_error_by_chance", 0.0))
        for name, judged in record["variants"].items()
    }
    worst = max(found, key=lambda name: found[name][0] - found[name][1])
    off, chance = found[worst]
    said = f"a confidence of {worst} misses the truth by {off:.1f} points on average, of so few up to {chance:.1f} by chance"
    return off - chance <= most, f"{said}; surely more than {most:g} is refused"


def _moved(lost: float) -> str:
    """A loss as the change that it is; a change that rounds to nothing has no sign."""
    return f"{-lost:+.1f}" if round(lost, 1) else "0.0"


@gate(recognition_report, layout.REPORT, beside=layout.RELEASES)
def not_worse_than_the_last_release(record: Record, limits: Limits, release: Record) -> Finding:
    """No variant is surely worse than the one that is in service, whose own share is not sure either."""
    from pcr_assets.measures import likeliest

    worse = [
        f"{name} {word} {found[share]:.1%} at {strength}, the last release {before[share]:.1%}"
        for name, answers in release.get("answers", {}).items()
        for strength, before in answers.items()
        if (found := record["variants"].get(name, {}).get("answers", {}).get(strength))
        for share, upper, word in (("recall_at_1", "high", "finds"), ("answered", "answered_high", "answers"))
        if found[upper] < likeliest(before.get(share, 0.0), before.get("queries", 0))
    ]
    return not worse, "; ".join(worse) or "no variant is surely worse than in the last release"


@gate(recognition_report, layout.REPORT, blocking=False)
def new_cards_are_recognised(record: Record, limits: Limits) -> Finding:
    """Sets that came after the training snapshot are answered as test cards are, which no model learned from either."""
    found = record["recognised worse"]
    cure = "the training snapshot moves and models learn from them, or, with snapshot.move_for_new_sets off, when you raise"
    return not found["sets"], f"{found['said']}: {cure} snapshot.generation" if found["sets"] else found["said"]


@gate(field_feedback, layout.FIELD, blocking=False)
def answers_have_not_drifted(record: Record, limits: Limits) -> Finding:
    """What devices see now resembles what they saw when a release was new."""
    moved = [
        f"{release}: stability index {found['psi']:.2f} between its first {found['first']} and its last {found['last']} answers"
        for release, found in record["drift"].items()
        if found["psi"] > max(limits["drift"], found["chance"])
    ]
    return not moved, "; ".join(moved) or f"{len(record['drift'])} releases were met often enough, none has drifted"


@gate(field_feedback, layout.FIELD, blocking=False, beside=layout.REPORT)
def devices_are_as_sure_as_the_report(record: Record, limits: Limits, report: Record) -> Finding:
    """No model leaves surely more cards uncertain in the field than on its test cards at the hardest camera."""
    from pcr_assets.measures import wilson

    worse = []
    for release, counts in record["answers"].items():
        judged = report.get("variants", {}).get(release.rpartition(" ")[2], {}).get("answers", {})
        named = counts["confirmed"] + counts["uncertain"]
        if judged and named:
            least, _ = wilson(counts["uncertain"], named)
            expected = max(found["one of these"] for found in judged.values())
            if least > expected + limits["field_uncertain"]:
                worse.append(
                    f"{release} leaves {counts['uncertain']} of {named} uncertain, the report's worst is {expected:.1%}"
                )
    return not worse, "; ".join(worse) or "no model leaves surely more uncertain than the report"


@dg.asset_check(asset=store_inventory, name="lifecycle_rules_are_set", blocking=False)
def lifecycle_rules_are_set(project: Project) -> dg.AssetCheckResult:
    """The bucket's rules for old objects are those of `pcr_assets.cloud.lifecycle`. Asked where `records: {ask_bucket: true}`."""
    from pcr_assets.cloud import lifecycle
    from pcr_assets.resources.s3_store import S3Store

    store = project.root
    if not isinstance(store, S3Store) or not project.settings.section("records")["ask_bucket"]:
        return dg.AssetCheckResult(
            passed=True, description="not asked: the store is a folder, or records.ask_bucket is off"
        )
    passed, said = lifecycle.judged(store.client, store.bucket, store.prefix.removesuffix(layout.PROJECT).strip("/"))
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, description=said)


CHECKS = [
    few_scans_in_quarantine,
    teacher_beats_hashing,
    stage1_has_not_collapsed,
    stage2_has_not_collapsed,
    stage2_beats_stage1,
    stage1_beats_undistilled,
    undistilled_loses_to_stage1,
    outline_filter_spares_reading,
    printing_verifier_spares_cards,
    onnx_agrees_with_torch,
    int8_agrees_with_fp32,
    hef_is_built,
    gallery_has_not_collapsed,
    report_permits_release,
    int8_keeps_recall,
    confidence_means_what_it_says,
    not_worse_than_the_last_release,
    new_cards_are_recognised,
    answers_have_not_drifted,
    devices_are_as_sure_as_the_report,
    lifecycle_rules_are_set,
]
