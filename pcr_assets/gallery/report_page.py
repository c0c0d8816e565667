"""The recognition report as a page that a person reads: one HTML file, pictures inside it, no script."""

import base64
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pcr_assets import measures
from pcr_assets.gallery import report_photos, report_summary
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
td:first-child,th:first-child{text-align:left}
figure{display:inline-block;margin:.5rem 1rem .5rem 0;vertical-align:top;max-width:min(460px,100%)}
figcaption{font-size:13px;overflow-wrap:anywhere}img{max-width:100%;height:auto}.bad{color:var(--bad)}.good{color:var(--good)}
.between{color:var(--between)}
"""
WORDS = (
    "recall@1: the first answer is the very card. art@1: it shows the same picture, be it another printing. Right, wrong: one card "
    "is named. One of these: several that look alike are named, the right one among them. Refused: none is named. In brackets the "
    "95 % interval, in which a card that was asked more than once counts once."
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
) -> str:
    """The page. ``models``: what assessing recorded of each trained model; ``photos``: the file of each photo by name;
    ``before``: the whole answers of the last release, by variant and strength, if there was one; ``chosen``: the variant that
    devices use, else the first one."""
    objections = report["objections"]
    verdict = "No gate refuses a release." if not objections else "Not to be released: " + "; ".join(objections)
    return "\n".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>",
            f"<title>Recognition report</title><style>{STYLE}</style><main>",
            "<h1>Recognition report</h1>",
            f"<p>{report['cards']:,} cards. <b class={'bad' if objections else 'good'}>{html.escape(verdict)}</b></p>",
            *report_summary.in_short(
                report["variants"][chosen or next(iter(report["variants"]))], report["photos"]["outcomes"]
            ),
            "<h2>Test cards through the simulated camera</h2>",
            f"<p>Art of test cards is in no training card. {_asked_where(models)}</p>",
            f"<p>{WORDS}</p><p>{VARIANTS}</p>",
            _recall_table(report, models),
            "<p>Whole answers: the search, then a second look at the candidates' pictures where it leaves a doubt.</p>",
            _answer_table(
                (name, strength, found)
                for name, judged in report["variants"].items()
                for strength, found in judged["answers"].items()
            ),
            *_new_cards(report),
            "<h2>Beside the last release</h2>",
            _drift_table(report, before or {}),
            "<h2>Which effect of the camera hurts</h2>",
            _effect_table(report.get("effects", {})),
            "<h2>Which sets are recognised worse</h2>",
            *(_set_table(name, judged["sets"]) for name, judged in report["variants"].items()),
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


def _recall_table(report: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [(name, strength, found) for name, record in models.items() for strength, found in record["recall"].items()]
    rows += [
        (f"{name}, search alone", strength, found)
        for name, judged in report["variants"].items()
        for strength, found in judged["recall"].items()
    ]
    heads = ("model", "strength", "asked", "recall@1", "recall@5", "art@1", "same card")
    body = (
        (
            name,
            strength,
            f"{found['queries']:,}",
            _share(found, 1),
            _share(found, 5),
            f"{found['art_recall_at_1']:.1%}",
            f"{found['same_card_cosine']:.2f}",
        )
        for name, strength, found in rows
    )
    return table(heads, body)


def _new_cards(report: Mapping[str, Any]) -> list[str]:
    asked = {name: judged for name, judged in report["variants"].items() if "new cards" in judged}
    if not asked:
        return []
    about = "<p>No model learned from these cards, nor from others with their art: they came after the training snapshot.</p>"
    said = f"<p>{html.escape(report['recognised worse']['said'])}.</p>"
    rows = ((name, next(iter(judged["answers"])), judged["new cards"]) for name, judged in asked.items())
    sets = (_answers_of(name, _worst_first(judged["new sets"])) for name, judged in asked.items())
    return ["<h2>New cards</h2>", about, said, _answer_table(rows), *sets]


def _answer_table(answers: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    """A row for each variant and strength."""
    heads = (
        "variant",
        "strength",
        "asked",
        "recall@1",
        "recall@5",
        "art@1",
        "right",
        "one of these",
        "wrong",
        "refused",
    )
    body = (
        (
            name,
            strength,
            f"{found['queries']:,}",
            _share(found, 1),
            _share(found, 5),
            f"{found['art_recall_at_1']:.1%}",
            *(f"{found[outcome]:.1%}" for outcome in ("right", "one of these", "wrong", "refused")),
        )
        for name, strength, found in answers
    )
    return table(heads, body)


def _drift_table(report: Mapping[str, Any], before: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """How whole answers moved since the last release; a gate refuses what is surely worse."""
    heads = ("variant", "strength", "recall@1 then", "now", "points")
    body = [
        (
            name,
            strength,
            f"{last['recall_at_1']:.1%}",
            _share(found, 1),
            _points(found["recall_at_1"] - last["recall_at_1"]),
        )
        for name, judged in report["variants"].items()
        for strength, found in judged["answers"].items()
        if (last := before.get(name, {}).get(strength))
    ]
    if not body:
        return "<p>There was no release to compare with.</p>"
    return (
        "<p>Whole answers of the release that was in service when this was measured. One that is surely worse is refused.</p>"
        + table(heads, body)
    )


def _points(change: float) -> str:
    """A change of a share in points; one that rounds to nothing has no sign."""
    return f"{100 * change:+.1f}" if round(100 * change, 1) else "0.0"


def _effect_table(effects: Mapping[str, Mapping[str, Any]]) -> str:
    if not effects:
        return "<p>No effect was asked about alone.</p>"
    worst_first = sorted(effects.items(), key=lambda item: (item[1]["art_recall_at_1"], -item[1]["refused"]))
    hurt = [item for item in worst_first if item[1]["art_recall_at_1"] < 1 or item[1]["refused"]]
    harmless = [name for name, _ in worst_first if name not in dict(hurt)]
    rest = (
        f"<p>{len(harmless)} of {len(effects)} cost no card: {html.escape('; '.join(harmless))}.</p>"
        if harmless
        else ""
    )
    return (
        "<p>The default variant, whole answers, each effect alone: half as strong as the camera draws it at worst, and at its "
        "worst. What hurts most comes first.</p>" + (_answers_of("effect alone", hurt) if hurt else "") + rest
    )


def _set_table(name: str, sets: Mapping[str, Mapping[str, Any]]) -> str:
    return "<p>Test cards of each set, all strengths together, the worst first.</p>" + _answers_of(
        name, _worst_first(sets)
    )


def _worst_first(sets: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(sets.items(), key=lambda item: (item[1]["art_recall_at_1"], item[1]["recall_at_1"]))


def _answers_of(what: str, answers: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """A row for each part of the queries: what became of them."""
    heads = (what, "asked", "art@1", "recall@1", "recall@5", "wrong", "refused")
    body = (
        (
            name,
            f"{found['queries']:,}",
            f"{found['art_recall_at_1']:.1%}",
            _share(found, 1),
            _share(found, 5),
            f"{found['wrong']:.1%}",
            f"{found['refused']:.1%}",
        )
        for name, found in answers
    )
    return table(heads, body)


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


def _share(found: Mapping[str, Any], place: int) -> str:
    """Recall at a place with its interval."""
    share, cards = found[f"recall_at_{place}"], found.get("cards", found["queries"])
    low, high = measures.wilson(share * cards, cards)
    return f"{share:.1%} ({100 * low:.1f}–{100 * high:.1f})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table of plain texts, which scrolls in its own frame where it is wider than the window."""
    head = "".join(f"<th scope=col>{html.escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    frame = f"<div class=table role=group tabindex=0 aria-label='{html.escape(heads[0])}'>"
    return f"{frame}<table><tr>{head}</tr>{body}</table></div>"


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
    return table(("outcome", "cards"), ((name, str(count)) for name, count in outcomes.items()))
