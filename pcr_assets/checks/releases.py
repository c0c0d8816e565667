"""Checks on what goes into a release, the report on it, and what devices give back of it."""

from pcr_assets import layout
from pcr_assets.assets.feedback import field_feedback
from pcr_assets.assets.reference import card_embeddings
from pcr_assets.assets.report import recognition_report
from pcr_assets.checks.gate import Finding, Limits, Record, apart, gate
from pcr_assets.gallery import permits


@gate(card_embeddings, layout.EMBEDDINGS)
def gallery_has_not_collapsed(record: Record, limits: Limits) -> Finding:
    """Different cards of the gallery lie apart, in every variant."""
    return apart(max(record["mean_cosine"].values()), limits)


report_permits_release = gate(recognition_report, layout.REPORT)(permits.report_permits_release)
int8_keeps_recall = gate(recognition_report, layout.REPORT)(permits.int8_keeps_recall)
confidence_means_what_it_says = gate(recognition_report, layout.REPORT)(permits.confidence_means_what_it_says)
not_worse_than_the_last_release = gate(recognition_report, layout.REPORT, beside=layout.RELEASES)(
    permits.not_worse_than_the_last_release
)


@gate(recognition_report, layout.REPORT, blocking=False, beside=layout.INDEX)
def new_cards_are_recognised(record: Record, limits: Limits, index: Record) -> Finding:
    """Sets that came after the training snapshot are answered as test cards are, which no model learned from either.

    A report holds while few cards come: of those it says nothing.
    """
    found = record["recognised worse"]
    judged, now = record["cards"], index.get("cards", record["cards"])
    of = "" if now == judged else f"; this was found with {judged:,} cards, and there are {now:,} now"
    cure = "the training snapshot moves and models learn from them, or, with snapshot.move_for_new_sets off, when you raise"
    return not found["sets"], (f"{found['said']}: {cure} snapshot.generation" if found["sets"] else found["said"]) + of


@gate(field_feedback, layout.FIELD, blocking=False)
def answers_have_not_drifted(record: Record, limits: Limits) -> Finding:
    """What devices see now resembles what they saw when the release that they run was new."""
    running = {release: found for release, found in record["drift"].items() if release in record["running"]}
    moved = [
        f"{release}: stability index {found['psi']:.2f} between its first {found['first']} and its last {found['last']} answers"
        for release, found in running.items()
        if found["psi"] > max(limits["drift"], found["chance"])
    ]
    return not moved, "; ".join(moved) or f"{len(running)} releases were met often enough, none has drifted"


@gate(field_feedback, layout.FIELD, blocking=False, beside=layout.REPORT)
def devices_are_as_sure_as_the_report(record: Record, limits: Limits, report: Record) -> Finding:
    """Of the cards that it names, no model that devices run leaves surely more uncertain in the field than of test cards at the
    hardest camera."""
    from pcr_assets.measures import wilson

    worse = []
    for release, counts in ((release, record["answers"][release]) for release in record["running"]):
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
