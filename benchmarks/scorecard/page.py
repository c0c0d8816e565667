"""The report as Markdown and as one HTML file, its plot inside it."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from markdown_it import MarkdownIt
from matplotlib.figure import Figure

from scorecard.plan import Benchmark
from scorecard.ratio import Spread

STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--ground:#fff;--line:#d1d9e0}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--ground:#12161b;--line:#3d444d}}
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--ground)}
.frame{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse}li,p{overflow-wrap:anywhere}
td,th{padding:.3rem .8rem;border-bottom:1px solid var(--line);text-align:left}
td:nth-child(-n+2){min-width:9rem}td:nth-child(n+3){white-space:nowrap}
svg{width:100%;min-width:42rem;height:auto}
"""
FRAME = "<div class=frame role=group tabindex=0 aria-label={}>"
"""What is wider than a phone scrolls in its own frame."""
NOT_RUN = "not run again"
Section = tuple[str, list[tuple[Spread, str]]]
"""A benchmark's title, and its ratios with how each stands beside the last report."""


def read(path: Path) -> dict[str, Any]:
    """The last report, or nothing."""
    try:
        said: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return said


def same_processor(about: Mapping[str, object], before: Mapping[str, Any]) -> bool:
    """Whether the last report is of such a machine as this one."""
    there = before.get("machine", {})
    return all(about[what] == there.get(what) for what in ("processor", "cores"))


def write(
    stem: Path, report: Mapping[str, Any], parts: Sequence[Section], rows: Mapping[str, Sequence[Spread]]
) -> None:
    """The report as STEM.json, .md and .html, each there as a whole or not at all."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    kept = {**report, "benchmarks": {name: [spread.as_json() for spread in spreads] for name, spreads in rows.items()}}
    said = {
        "json": json.dumps(kept, indent=1, ensure_ascii=False) + "\n",
        "md": markdown(report, parts),
        "html": html(report, parts),
    }
    for ending, text in said.items():
        aside = stem.with_suffix(f".{ending}.new")
        aside.write_text(text)
        aside.replace(stem.with_suffix(f".{ending}"))


def sections(
    benchmarks: Sequence[Benchmark],
    rows: Mapping[str, Sequence[Spread]],
    last: Mapping[str, Sequence[Spread]],
    kept: Mapping[str, Sequence[Spread]] = MappingProxyType({}),
) -> list[Section]:
    """The ratios of the benchmarks that ran, in their order, each compared with the same one of the last report; and those
    that are ``kept`` from it."""
    found = []
    for benchmark in benchmarks:
        known = {(spread.what, spread.against): spread for spread in last.get(benchmark.name, ())}
        if benchmark.name in rows:
            ran = rows[benchmark.name]
            spreads = [(spread, spread.beside(known.get((spread.what, spread.against)))) for spread in ran]
        else:
            spreads = [(spread, NOT_RUN) for spread in kept.get(benchmark.name, ())]
        if spreads:
            found.append((benchmark.title, spreads))
    return found


def markdown(report: Mapping[str, Any], parts: Sequence[Section]) -> str:
    """The report as Markdown: the machine, a table for each benchmark, and what failed."""
    about = report["machine"]
    lines = [
        "# Benchmarks",
        "",
        f"{about['processor']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}, Python {about['python']}; "
        f"load {about['load']} before; {report['runs']} runs each, on {report['on']}. "
        + ", ".join(f"{name} {version}" for name, version in about["packages"].items())
        + ".",
        "",
        "Each figure is ours divided by the peer or limit beside it, measured in the same run: the median and range of all runs.",
    ]
    if report.get("last_machine") not in (None, about["processor"]):
        lines += [
            "",
            f"The last report is of another processor, {report['last_machine']}: ratios move less than times do.",
        ]
    for title, spreads in parts:
        lines += ["", f"## {title}", "", "| ours | beside | ratio | range | better | asked | since the last report |"]
        lines += ["|---|---|--:|---|---|---|---|"]
        for spread, since in spreads:
            lines.append(
                f"| {spread.what} | {spread.against} | **{spread.median:.3g}** | {min(spread.values):.3g}–{max(spread.values):.3g} "
                f"| {spread.better} | {_asked(spread)} | {since} |"
            )
    if report["failed"]:
        lines += ["", "## Failed", "", *(f"- {name}: {why}" for name, why in report["failed"].items())]
    return "\n".join(lines) + "\n"


def html(report: Mapping[str, Any], parts: Sequence[Section]) -> str:
    """The same as one HTML file, with a plot of all ratios."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown(report, parts))
    body = body.replace("<table>", f"{FRAME.format('ratios')}<table>").replace("</table>", "</table></div>")
    head = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>"
    plot = f"{FRAME.format('plot')}{_plot(parts)}</div>" if parts else ""
    return f"{head}<title>Benchmarks</title><style>{STYLE}</style><main>{body}{plot}</main></html>\n"


def _asked(spread: Spread) -> str:
    if spread.asked is None:
        return ""
    return f"{'≤' if spread.better == 'lower' else '≥'} {spread.asked:g}{'' if spread.reached else ': **no**'}"


def _plot(parts: Sequence[Section]) -> str:
    """The median and the range of every ratio on a logarithmic axis, as SVG."""
    rows = [
        (f"{title}: {spread.what}\n÷ {spread.against}", spread) for title, spreads in parts for spread, _ in spreads
    ]
    figure = Figure(figsize=(10, 1 + 0.5 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for at, (_, spread) in enumerate(rows):
        axes.plot([min(spread.values), max(spread.values)], [at, at], color="#57606a", linewidth=2)
        axes.plot(spread.median, at, "o", color="#0969da" if spread.reached is not False else "#cf222e")
        if spread.asked is not None:
            axes.plot(spread.asked, at, "|", color="black", markersize=14)
    axes.axvline(1, color="#d1d9e0", zorder=0)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("ratio (dot: median, line: range, bar: asked; red: not reached)")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    picture = buffer.getvalue()
    return picture[picture.index("<svg") :].replace("<svg", "<svg role='img' aria-label='All ratios on one axis'", 1)
