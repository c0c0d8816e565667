"""The photos of the recognition report: each with what was found drawn in, and under it what was said."""

import base64
import html
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH = 460
COLOURS = {"confirmed": "#1a7f37", "uncertain": "#bf8700", "unknown": "#cf222e"}
GOOD = ("right", "stranger refused")


def figures(judged: Mapping[str, Any], photos: Mapping[str, Path]) -> Iterator[str]:
    """The photos as HTML, those first on which a labelled card was not answered right; ``judged``: what was recorded of them,
    ``photos``: the file of each by name."""
    wrong: dict[str, list[Mapping[str, Any]]] = {}
    for verdict in judged["verdicts"]:
        if verdict["outcome"] not in GOOD:
            wrong.setdefault(verdict["photo"], []).append(verdict)
    for seen in sorted(judged["photos"], key=lambda seen: (seen["photo"] not in wrong, seen["photo"])):
        if "error" in seen:
            yield f"<p class=bad>{html.escape(seen['error'])}</p>"
        else:
            yield _figure(seen, photos[seen["photo"]], wrong.get(seen["photo"], ()))


def _figure(seen: Mapping[str, Any], path: Path, wrong: Sequence[Mapping[str, Any]]) -> str:
    data = base64.b64encode(drawn(path, seen["cards"])).decode()
    lines = [f"<b>{html.escape(seen['photo'])}</b>"]
    lines += [f"<span class=bad>{html.escape(_missed(verdict))}</span>" for verdict in wrong]
    lines += [html.escape(f"{number}: {said(card)}") for number, card in enumerate(seen["cards"], start=1)]
    lines += [] if seen["cards"] else ["no card"]
    alt = f"The photo with {len(seen['cards'])} outlined cards"
    caption = "<br>".join(lines)
    return f"<figure><img alt='{alt}' src='data:image/jpeg;base64,{data}'><figcaption>{caption}</figcaption></figure>"


def _missed(verdict: Mapping[str, Any]) -> str:
    label = verdict["label"]
    return f"{label['name']} {label['card_id']}".strip() + f": {verdict['outcome']}"


def said(card: Mapping[str, Any]) -> str:
    """What was said of a card of the edge's JSON, in words: an unknown one has no name."""
    which = f"{card['name']} {card['set']} {card['number']}"
    if card["status"] == "confirmed":
        return f"{which}, {card['confidence']:.0%} sure"
    if card["status"] == "uncertain":
        prints = ", ".join(card_id for card_id, _ in card["candidates"])
        return f"{card['name']}, one of {prints}, {card['confidence']:.0%} sure"
    if card["other_printing"]:
        return f"unknown: another printing of {which}"
    return f"unknown (nearest: {which}, at {card['confidence']:.0%})"


def drawn(path: Path, cards: Sequence[Mapping[str, Any]]) -> bytes:
    """A small JPEG of a photo with the found corners drawn in, numbered, and coloured by status."""
    from edge_runtime.photo import load_photo

    photo = Image.fromarray(load_photo(path))
    scale = min(1.0, WIDTH / photo.width)
    small = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    pen, font = ImageDraw.Draw(small), ImageFont.load_default(13)
    for number, card in enumerate(cards, start=1):
        ring, colour = [(x * scale, y * scale) for x, y in card["corners"]], COLOURS[card["status"]]
        pen.line([*ring, ring[0]], fill=colour, width=3)
        middle = sum(x for x, _ in ring) / 4, sum(y for _, y in ring) / 4
        pen.text(middle, str(number), fill="white", font=font, anchor="mm", stroke_width=3, stroke_fill=colour)
    return jpeg(small)


def jpeg(picture: Image.Image) -> bytes:
    """A picture as a JPEG for a page."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
