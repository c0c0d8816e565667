"""Small charts for an asset's page: a PNG as markdown, light enough to stand in an event log for ever."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pcr_assets.imaging.markdown import as_markdown


def curves(series: Mapping[str, Sequence[float]], *, title: str, x_label: str) -> str:
    """Lines over steps as markdown with an embedded PNG. ``series`` maps a legend's name to its values.

    A long series is drawn pale, with its running mean over a twentieth of its length on top.
    """
    figure, axes = _figure()
    for name, values in series.items():
        width = len(values) // 20
        steps = range(1, len(values) + 1)
        (line,) = axes.plot(steps, values, label=name, linewidth=1.5, alpha=0.3 if width > 1 else 1.0)
        if width > 1:
            mean = np.convolve(values, np.ones(width) / width, mode="valid")
            axes.plot(steps[width - 1 :], mean, color=line.get_color(), label=f"{name}, running mean of {width}")
    axes.set(title=title, xlabel=x_label)
    axes.legend(frameon=False)
    return _markdown(figure, title)


def histogram(
    series: Mapping[str, Sequence[float]], *, title: str, x_label: str, lines: Mapping[str, float] | None = None
) -> str:
    """Overlaid histograms on common bins, as markdown with an embedded PNG; ``lines`` are marked values of x."""
    figure, axes = _figure()
    everything = np.concatenate([np.asarray(values, float) for values in series.values()] or [np.zeros(1)])
    bins = np.linspace(everything.min(), max(everything.max(), everything.min() + 1e-6), 41)
    for name, values in series.items():
        axes.hist(values, bins=bins, weights=np.full(len(values), 1 / len(values)), alpha=0.55, label=name)
    for name, x in (lines or {}).items():
        axes.axvline(x, color="black", linestyle="--", linewidth=1, label=name)
    axes.set(title=title, xlabel=x_label, ylabel="share")
    axes.legend(frameon=False)
    return _markdown(figure, title)


def bars(values: Mapping[str, float], *, title: str, x_label: str) -> str:
    """Horizontal bars as markdown with an embedded PNG."""
    figure, axes = _figure(height=0.8 + 0.28 * len(values))
    drawn = axes.barh(list(values), list(values.values()))
    axes.bar_label(
        drawn, [f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" for value in values.values()], padding=3
    )
    axes.invert_yaxis()
    axes.set(title=title, xlabel=x_label)
    return _markdown(figure, title)


def reliability(table: Sequence[Mapping[str, float]]) -> str:
    """How often answers of a confidence are right, as markdown with an embedded PNG: on the diagonal it means what it says.

    ``table``: rows of ``confidence``, ``right`` (both 0..1) and ``answers``, whose number is written at each point.
    """
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    axes.plot([row["confidence"] for row in table], [row["right"] for row in table], marker="o", linewidth=1.5)
    for row in table:
        axes.annotate(
            f"{row['answers']:.0f}", (row["confidence"], row["right"]), xytext=(4, -10), textcoords="offset points"
        )
    axes.set(title="reliability", xlabel="confidence", ylabel="share that is right", xlim=(0, 1.05), ylim=(0, 1.05))
    return _markdown(figure, "reliability")


def trade(curve: Mapping[str, Sequence[float]]) -> str:
    """Precision against recall, as markdown with an embedded PNG. ``curve``: both as ``precision`` and ``recall``, and
    ``kept``, the share of everything that is kept."""
    figure, axes = _figure()
    for name in ("precision", "kept"):
        axes.plot(curve["recall"], curve[name], label=name, linewidth=1.5)
    axes.set(title="precision and recall", xlabel="share of cards that stay (recall)", ylim=(0, 1.05))
    axes.legend(frameon=False)
    return _markdown(figure, "precision and recall")


def refusals(confidences: Mapping[str, Sequence[float]]) -> str:
    """The ROC of refusal, as markdown with an embedded PNG: of cards that were found, the share that is named, against that of
    others.

    ``confidences``: those of cards that were found first, then those of each kind that must be refused.
    """
    figure, axes = _figure()
    (known, *others), names = confidences.values(), list(confidences)[1:]
    thresholds = np.concatenate([[1.01], np.sort(np.asarray(known, float))[::-1], [0.0]])
    for name, values in zip(names, others, strict=True):
        if values:
            named = [[(np.asarray(kind) >= at).mean() for at in thresholds] for kind in (values, known)]
            axes.plot(*named, label=name, linewidth=1.5)
    axes.set(title="refusal", xlabel="share named that must be refused", ylabel="share named of cards found")
    axes.set_xscale("symlog", linthresh=0.001)
    axes.legend(frameon=False)
    return _markdown(figure, "refusal")


def _figure(height: float = 3.0) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, height), dpi=80, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _markdown(figure: Any, alt: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return as_markdown(buffer.getvalue(), alt)
