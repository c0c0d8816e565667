"""The tables of the recognition report's page: how often each model and variant was right, by camera, effect and set."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pcr_assets import measures


def recall(report: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> str:
    """Search alone: a row for each trained model, and for each variant, at each strength of the camera."""
    rows = [(name, strength, found) for name, record in models.items() for strength, found in record["recall"].items()]
    rows += [
        (f"{name}, search alone", strength, found)
        for name, judged in report["variants"].items()
        for strength, found in judged["recall"].items()
    ]
    heads = ("model", "strength", "asked", "recall@1", "recall@5", "art@1", "same card")
    body = ((name, strength, *_recalls(found), f"{found['same_card_cosine']:.2f}") for name, strength, found in rows)
    return table(heads, body)


def new_cards(report: Mapping[str, Any]) -> list[str]:
    """The section on cards that came after the training snapshot; empty where none was asked about."""
    asked = {name: judged for name, judged in report["variants"].items() if "new cards" in judged}
    if not asked:
        return []
    about = "<p>No model learned from these cards, nor from others with their art: they came after the training snapshot.</p>"
    said = f"<p>{html.escape(report['recognised worse']['said'])}.</p>"
    rows = ((name, next(iter(judged["answers"])), judged["new cards"]) for name, judged in asked.items())
    sets = (_answers_of(name, worst_first(judged["new sets"], report["set_names"])) for name, judged in asked.items())
    return ["<h2>New cards</h2>", about, said, whole_answers(rows), *sets]


def whole_answers(answers: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
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
            *_recalls(found),
            *(f"{found[outcome]:.1%}" for outcome in ("right", "one of these", "wrong", "refused")),
        )
        for name, strength, found in answers
    )
    return table(heads, body)


def drift(report: Mapping[str, Any], before: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
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


def effects_alone(effects: Mapping[str, Mapping[str, Any]]) -> str:
    """What each effect of the camera costs alone, the worst first."""
    if not effects:
        return "<p>No effect was asked about alone.</p>"
    ordered = effects_worst_first(effects)
    hurt = [item for item in ordered if item[1]["art_recall_at_1"] < 1 or item[1]["refused"]]
    harmless = [name for name, _ in ordered if name not in dict(hurt)]
    rest = (
        f"<p>{len(harmless)} of {len(effects)} cost no card: {html.escape('; '.join(harmless))}.</p>"
        if harmless
        else ""
    )
    return (
        "<p>The default variant, whole answers, each effect alone: half as strong as the camera draws it at worst, and at its "
        "worst. What hurts most comes first.</p>" + (_answers_of("effect alone", hurt) if hurt else "") + rest
    )


def effects_worst_first(effects: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """What became of the cards under each effect alone; what hurts most comes first."""
    return sorted(effects.items(), key=lambda item: (item[1]["art_recall_at_1"], -item[1]["refused"]))


def of_sets(name: str, sets: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """A row for each set of a variant, the worst first; ``names``: what sets are called, by their ids."""
    return "<p>Test cards of each set, all strengths together, the worst first.</p>" + _answers_of(
        name, worst_first(sets, names)
    )


def worst_first(sets: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> list[tuple[str, Mapping[str, Any]]]:
    """What became of the cards of each set, by the set's name and id; the set that is recognised worst comes first."""
    order = sorted(sets.items(), key=lambda item: (item[1]["art_recall_at_1"], item[1]["recall_at_1"]))
    return [(f"{names[set_id]} ({set_id})" if set_id in names else set_id, found) for set_id, found in order]


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


def _recalls(found: Mapping[str, Any]) -> tuple[str, ...]:
    """How many were asked, and the cells of recall."""
    return f"{found['queries']:,}", _share(found, 1), _share(found, 5), f"{found['art_recall_at_1']:.1%}"


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
