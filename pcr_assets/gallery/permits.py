"""Whether a report permits a release: what the blocking checks on it say, and what is asked once more where one is made.

Pure functions of what was recorded. A check stops what is built in its own run; *Materialize* on the release alone is another.
"""

from collections.abc import Mapping
from typing import Any

Report = Mapping[str, Any]
"""The record of a report, or of a release."""
Limits = Mapping[str, float]
"""The section ``gates`` of the settings."""
Verdict = tuple[bool, str]
"""Whether it is permitted, and in one sentence why."""


def report_permits_release(report: Report, limits: Limits) -> Verdict:
    """No variant surely finds fewer cards than the report's settings demand."""
    return not report["objections"], "; ".join(report["objections"] or report["reached"])


def int8_keeps_recall(report: Report, limits: Limits) -> Verdict:
    """Eight bits cost next to nothing: the same queries are answered by INT8 and by FP32."""
    lost = report["int8_loss"]
    most = 100 * limits["int8_loss"]
    said = f"recall@1 of INT8 is {_moved(lost['points'])} points beside FP32's ({_moved(lost['high'])} to {_moved(lost['low'])})"
    return lost["low"] <= most, f"{said}; a loss of surely more than {most:g} is refused"


def confidence_means_what_it_says(report: Report, limits: Limits) -> Verdict:
    """Of the answers with a confidence of 90 %, nine in ten are right, and so at every other, in every variant."""
    most = 100 * limits["calibration_error"]
    found = {  # reports before version 14 don't say what chance explains
        name: (100 * judged["calibration_error"], 100 * judged.get("calibration_error_by_chance", 0.0))
        for name, judged in report["variants"].items()
    }
    worst = max(found, key=lambda name: found[name][0] - found[name][1])
    off, chance = found[worst]
    said = f"a confidence of {worst} misses the truth by {off:.1f} points on average, of so few up to {chance:.1f} by chance"
    return off - chance <= most, f"{said}; surely more than {most:g} is refused"


def _moved(lost: float) -> str:
    """A loss as the change that it is; a change that rounds to nothing has no sign."""
    return f"{-lost:+.1f}" if round(lost, 1) else "0.0"


def not_worse_than_the_last_release(report: Report, limits: Limits, release: Report) -> Verdict:
    """No variant is surely worse than the one that is in service, whose own share is not sure either."""
    from pcr_assets.measures import likeliest

    worse = [
        f"{name} {word} {found[share]:.1%} at {strength}, the last release {before[share]:.1%}"
        for name, answers in release.get("answers", {}).items()
        for strength, before in answers.items()
        if (found := report["variants"].get(name, {}).get("answers", {}).get(strength))
        for share, upper, word in (("recall_at_1", "high", "finds"), ("answered", "answered_high", "answers"))
        if found[upper] < likeliest(before.get(share, 0.0), before.get("queries", 0))
    ]
    return not worse, "; ".join(worse) or "no variant is surely worse than in the last release"


def refusals(report: Report, limits: Limits, release: Report) -> list[str]:
    """What speaks against a release by this report, a sentence each. ``release``: the record of the last one, empty for none."""
    verdicts = [
        report_permits_release(report, limits),
        int8_keeps_recall(report, limits),
        confidence_means_what_it_says(report, limits),
        not_worse_than_the_last_release(report, limits, release),
    ]
    return [said for permitted, said in verdicts if not permitted]
