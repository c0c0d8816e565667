"""Checks on what goes into a release, the report on it, and what devices give back of it."""

from pcr_assets import layout
from pcr_assets.assets.feedback import field_feedback
from pcr_assets.assets.reference import card_embeddings
from pcr_assets.assets.report import recognition_report
from pcr_assets.checks.gate import Finding, Limits, Record, apart, gate


@gate(card_embeddings, layout.EMBEDDINGS)
def gallery_has_not_collapsed(record: Record, limits: Limits) -> Finding:
    """Different cards of the gallery lie apart, in every variant."""
    return apart(max(record["mean_cosine"].values()), limits)


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
    """Of the cards that it names, no model leaves surely more uncertain in the field than of test cards at the hardest camera."""
    from pcr_assets.measures import wilson

    worse = []
    for release, counts in record["answers"].items():
        judged = report.get("variants", {}).get(release.rpartition(" ")[2], {}).get("answers", {})
        named = counts["confirmed"] + counts["uncertain"]
        if judged and named:
            least, _ = wilson(counts["uncertain"], named)
            expected = max(_uncertain_of_named(found) for found in judged.values())
            if least > expected + limits["field_uncertain"]:
                worse.append(
                    f"{release} leaves {counts['uncertain']} of {named} uncertain, the report's worst is {expected:.1%}"
                )
    return not worse, "; ".join(worse) or "no model leaves surely more uncertain than the report"


def _uncertain_of_named(found: Record) -> float:
    """The share of test cards left uncertain, of those that were named: devices meet strangers too, which are none."""
    named = 1 - found["refused"]
    return float(found["one of these"] / named) if named > 0 else 1.0
