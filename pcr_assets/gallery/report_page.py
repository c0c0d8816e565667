"""The recognition report as a page that a person reads: one HTML file, pictures inside it, no script."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pcr_assets import measures
from pcr_assets.gallery import report_photos, report_summary, report_tables
from pcr_assets.gallery.report import Confusion
from pcr_assets.gallery.report_photos import jpeg
from pcr_assets.imaging import charts

STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--ground:#fff;--line:#d1d9e0;--good:#1a7f37;--bad:#cf222e;--between:#8a5a00}
@media (prefers-color-scheme:dark){
:root{--ink:#e6edf3;--ground:#12161b;--line:#3d444d;--good:#57d18f;--bad:#ff8f8f;--between:#f0b35a}
}
body{font:15px/1.5 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--ground)}
.table{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse;white-space:nowrap}
td,th{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right}
td:first-child,th:first-child{text-align:left;position:sticky;left:0;background:var(--ground)}
figure{display:inline-block;margin:.5rem 1rem .5rem 0;vertical-align:top;max-width:min(460px,100%)}
figcaption{font-size:13px;overflow-wrap:anywhere}img{max-width:100%;height:auto}.bad{color:var(--bad)}.good{color:var(--good)}
.between{color:var(--between)}
"""
WORDS = (
    "recall@1: the first answer is the very card; recall@5: it is among the first five. art@1: the first answer shows the same "
    "picture, be it another printing. Same card: the mean cosine of a card through the camera and its own scan. Right, wrong: one "
    "card is named. One of these: several that look alike are named, the right one among them. Refused: none is named. In brackets "
    "the 95 % interval, in which a card that was asked more than once counts once."
)
VARIANTS = (
    "fp32 is the ONNX model, int8 the same in 8 bits, which devices use unless told otherwise. A HEF answers on its chip alone, "
    "and is not asked here."
)


def page(
    report: Mapping[str, Any],
    models: Mapping[str, Mapping[str, Any]],
    photos: Mapping[str, Path],
    confusions: Sequence[Confusion] = (),
    before: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    chosen: str = "",
    refused: Sequence[str] = (),
) -> str:
    """The page. ``models``: what assessing recorded of each trained model; ``photos``: the file of each photo by name;
    ``before``: the whole answers of the last release, by variant and strength, if there was one; ``chosen``: the variant that
    devices use, else the first one; ``refused``: why gates refuse a release now, a sentence each. Their limits may be others
    tomorrow, and the page stays."""
    verdict = f"not to be released: {'; '.join(refused)}" if refused else "no gate refused a release."
    return "\n".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>",
            f"<title>Recognition report</title><style>{STYLE}</style><main>",
            "<h1>Recognition report</h1>",
            f"<p>{report['cards']:,} cards. When this was measured, <b class={'bad' if refused else 'good'}>"
            f"{html.escape(verdict)}</b></p>",
            *report_summary.in_short(
                report["variants"][chosen or next(iter(report["variants"]))], report["photos"]["outcomes"]
            ),
            "<h2>Test cards through the simulated camera</h2>",
            f"<p>Art of test cards is in no training card. {_asked_where(models)}</p>",
            f"<p>{WORDS}</p><p>{VARIANTS}</p>",
            report_tables.recall(report, models),
            "<p>Whole answers: the search, then a second look at the candidates' pictures where it leaves a doubt.</p>",
            report_tables.whole_answers(
                (name, strength, found)
                for name, judged in report["variants"].items()
                for strength, found in judged["answers"].items()
            ),
            *report_tables.new_cards(report),
            "<h2>Beside the last release</h2>",
            report_tables.drift(report, before or {}),
            "<h2>Which effect of the camera hurts</h2>",
            report_tables.effects_alone(report.get("effects", {})),
            "<h2>Which sets are recognised worse</h2>",
            *(
                report_tables.of_sets(name, judged["sets"], report["set_names"])
                for name, judged in report["variants"].items()
            ),
            "<h2>Confusions</h2>",
            _confusion_figures(confusions),
            "<h2>Known from unknown</h2>",
            *(_refusals(name, judged) for name, judged in report["variants"].items()),
            "<h2 id=photos>Photos</h2>",
            _outcomes(report["photos"]["outcomes"]),
            "<p>Outlined as they were answered: <b class=good>confirmed</b>, <b class=between>uncertain</b>, "
            "<b class=bad>unknown</b>, with the number of the answer below. Not every card is labelled. Photos with a labelled "
            "card that was not answered right come first, if there are any.</p>",
            *report_photos.figures(report["photos"], photos),
            "</main></html>",
        ]
    )


def _asked_where(models: Mapping[str, Mapping[str, Any]]) -> str:
    if not models:
        return "The variants of the release are asked in the whole gallery."
    size = max(int(record["gallery"]) for record in models.values())
    return f"The trained models are asked in a gallery of {size:,} scans, the variants of the release in the whole gallery."


def _confusion_figures(confusions: Sequence[Confusion]) -> str:
    if not confusions:
        return "<p>No test card was taken for a card with other art.</p>"
    return "<p>Left what was asked, right what was found; the most confident first.</p>" + "".join(
        "<figure><img alt='The card that was asked, and the scan that was found' "
        f"src='data:image/jpeg;base64,{_side_by_side(each)}'>"
        f"<figcaption>{html.escape(each.caption)}</figcaption></figure>"
        for each in confusions
    )


def confusions_of(page: str) -> list[tuple[bytes, str]]:
    """The confusions that a page shows: each pair as a JPEG, and its caption."""
    section = page.partition("<h2>Confusions</h2>")[2].partition("<h2>")[0]
    found = re.findall(r"base64,([^']+)'><figcaption>([^<]*)</figcaption>", section)
    return [(base64.b64decode(picture), html.unescape(caption)) for picture, caption in found]


def _side_by_side(confusion: Confusion) -> str:
    pair = Image.fromarray(np.hstack([confusion.asked, confusion.found]))
    return base64.b64encode(jpeg(pair.resize((pair.width // 2, pair.height // 2)))).decode()


def _refusals(name: str, judged: Mapping[str, Any]) -> str:
    calibration, named = judged["calibration"], judged["named"]
    times = len(judged["answers"])
    text = (
        f"{name}: named are {_named(named, 'unknown cards', times)} test cards whose art and name are taken out of the gallery, "
        f"{_named(named, 'strangers')} strangers, and {_named(named, 'other printings', times)} made-up printings with the artwork "
        "of a test card; cards are asked once at each strength. "
        f"Its confidence misses the truth by {100 * judged['calibration_error']:.1f} points on average; of so many answers up to "
        f"{100 * judged['calibration_error_by_chance']:.1f} by chance."
    )
    seen = {label: values for label, values in judged["confidences"].items() if values}
    lines = {f"accept {calibration['accept']:.2f}": calibration["accept"]}
    plots = (
        charts.histogram(seen, title=f"confidence, {name}", x_label="probability", lines=lines),
        charts.reliability(judged["reliability"]),
        charts.refusals(judged["confidences"]),
    )
    return f"<p>{html.escape(text)}</p>{''.join(_plot(name, plot) for plot in plots)}"


def _named(named: Mapping[str, Any], kind: str, times: int = 1) -> str:
    """How many of those that must be refused were named, with the interval; each was asked so many ``times``."""
    share, asked = named[kind], named[f"{kind} asked"]
    low, high = measures.wilson(share * asked / times, asked // times)
    return f"{round(share * asked)} of {asked:,} ({share:.2%}, {100 * low:.2f}–{100 * high:.2f})"


def _plot(name: str, markdown: str) -> str:
    """A chart, which is given as Markdown, as HTML."""
    title, source = markdown.removeprefix("![").removesuffix(")").split("](", 1)
    title = title if name in title else f"{title}, {name}"
    return f"<img alt='{html.escape(title)}' src='{source}'>"


def _outcomes(outcomes: Mapping[str, int]) -> str:
    if not outcomes:
        return "<p>No labelled photos were given.</p>"
    return report_tables.table(("outcome", "cards"), ((name, str(count)) for name, count in outcomes.items()))
