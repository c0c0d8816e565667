"""The outcome for people: tables on the terminal, a plot of recall against time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    f"{'':26} {'recall@1':>8} {'95 % interval':>15} {'art':>6} {'@5':>6} {'strangers':>10} {'strict':>7} "
    f"{'ms':>7} {'ms, add':>8} {'bytes':>7}"
)
LEGEND = (
    "recall@1: the card itself; art: its art; @5: among the first five cards; strangers: share named at the threshold that "
    "accepts 95 % of right answers;\nstrict: recall@1 at the threshold that names at most 0.5 % of strangers; ms: CPU "
    "milliseconds a query on one core (median); ms, add and bytes: for each card of the gallery."
)


def _percent(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{100 * value:>{width}.1f}"


def simulated(results: Sequence[Mapping[str, Any]], strengths: Sequence[str]) -> str:
    """A table for each strength."""
    lines = []
    for strength in strengths:
        asked = results[0]["strengths"][strength]
        lines += [f"\nstrength {strength}, {asked['queries']} queries, {asked['strangers']} strangers (%)", COLUMNS]
        lines += [_line(result, result["strengths"][strength]) for result in results]
    return "\n".join([*lines, LEGEND])


def _line(result: Mapping[str, Any], judged: Mapping[str, Any]) -> str:
    interval = f"{100 * judged['low']:.1f} – {100 * judged['high']:.1f}"
    return (
        f"{result['name']:26.26} {_percent(judged['recall_at_1'], 8)} {interval:>15} "
        f"{_percent(judged['art_recall_at_1'], 6)} {_percent(judged['recall_at_5'], 6)} "
        f"{_percent(judged['false_accepts'], 10)} {_percent(judged['recall_strict'], 7)} "
        f"{judged['ms']:>7.1f} {result['ms_to_add']:>8.1f} {result['bytes_per_card']:>7.0f}"
    )


def photos(results: Sequence[Mapping[str, Any]]) -> str:
    """Crops along labelled corners, then whole photos."""
    crops = results[0]["photo_crops"]
    lines = [
        f"\nreal photos, cut out along labelled corners: {crops['cards']} cards of the gallery, {crops['strangers']} others",
        f"{'':26} {'right':>6} {'and sure':>9} {'others named':>13}",
    ]
    for result in results:
        found = result["photo_crops"]
        lines.append(
            f"{result['name']:26.26} {found['right']:>6} {found['right_and_sure']:>9} {found['strangers_named']:>13}"
        )
    whole = [result for result in results if result.get("whole_photos")]
    if whole:
        verdicts = sorted({name for result in whole for name in result["whole_photos"]["outcomes"]})
        lines.append(f"\n{whole[0]['whole_photos']['photos']} whole photos, cards found by edge_runtime.finding.locate")
        lines.append(f"{'':26} {'  '.join(verdicts)}  ms a photo")
        lines += [_outcomes(result, verdicts) for result in whole]
    return "\n".join(lines)


def _outcomes(result: Mapping[str, Any], verdicts: Sequence[str]) -> str:
    counted = result["whole_photos"]["outcomes"]
    cells = "  ".join(f"{counted.get(verdict, 0):>{len(verdict)}}" for verdict in verdicts)
    return f"{result['name']:26.26} {cells}  {result['whole_photos']['ms']:>10.0f}"


def plot(results: Sequence[Mapping[str, Any]], strength: str, path: Path) -> None:
    """recall@1 with its interval against CPU milliseconds a query, as PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    families = list(dict.fromkeys(result["family"] for result in results))
    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    for number, family in enumerate(families):
        drawn = [(result["name"], result["strengths"][strength]) for result in results if result["family"] == family]
        recalls = [100 * judged["recall_at_1"] for _, judged in drawn]
        below = [100 * (judged["recall_at_1"] - judged["low"]) for _, judged in drawn]
        above = [100 * (judged["high"] - judged["recall_at_1"]) for _, judged in drawn]
        times = [judged["ms"] for _, judged in drawn]
        axes.errorbar(times, recalls, yerr=[below, above], fmt="o", color=f"C{number}", capsize=2, label=family)
        # Points of one family often meet in pairs: the faster one's name stands to the left, the slower one's to the right,
        # where the slowest of all has its own. To the left of a second pair, the first one's names lie below.
        for row, (name, judged) in enumerate(sorted(drawn, key=lambda pair: pair[1]["ms"])):
            place = (judged["ms"], 100 * judged["recall_at_1"])
            left = (-6, 7) if row else (-6, -10)
            offset, side = ((6, 4), "left") if row % 2 or row == len(drawn) - 1 else (left, "right")
            axes.annotate(name, place, offset, textcoords="offset points", fontsize=7, ha=side)
    times = [result["strengths"][strength]["ms"] for result in results]
    axes.set(xscale="log", xlabel="CPU milliseconds a query, one core", ylabel=f"recall@1 at strength {strength}, %")
    axes.set_xlim(min(times) / 2.5, 4 * max(times))  # room for the names of the fastest and the slowest
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=130)
    plt.close(figure)
