"""The first lines of the recognition report: what a person asks of a release before anything else."""

import html
from collections.abc import Mapping
from typing import Any


def in_short(judged: Mapping[str, Any], outcomes: Mapping[str, int]) -> list[str]:
    """How often a variant is right, and what it does with strangers, as HTML. ``outcomes``: how many labelled cards on photos
    ended how."""
    lines = [
        f"{found['queries']:,} test cards through the {strength} camera: <b>{found['right']:.1%} named right</b>, "
        f"{found['one of these']:.1%} narrowed to cards that look alike, {found['wrong']:.1%} named wrong, "
        f"{found['refused']:.1%} refused"
        for strength, found in judged["answers"].items()
    ]
    lines += [
        f"pictures of other things: <b>{_named(judged['named'], 'strangers')}</b>; cards that were taken out of the gallery: "
        f"{_named(judged['named'], 'unknown cards')}"
    ]
    if outcomes:
        counts = ", ".join(f"{count} {html.escape(outcome)}" for outcome, count in outcomes.items())
        lines += [f"cards on the labelled <a href=#photos>photos</a>: {counts}"]
    return ["<p>In short:</p>", "<ul>", *(f"<li>{line}</li>" for line in lines), "</ul>"]


def _named(named: Mapping[str, Any], kind: str) -> str:
    asked = named[f"{kind} asked"]
    return f"{round(named[kind] * asked)} of {asked:,} named"
