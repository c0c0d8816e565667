"""Photos of sample cards on tables, through the camera simulator, with the corners of each card."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_runtime.jpeg import jpeg
from pcr_assets.imaging.camera import scene
from pcr_assets.imaging.sample.brush import Image
from pcr_assets.imaging.sample.frame import SIZE
from pcr_assets.imaging.sample.scans import each, write_csv
from pcr_assets.imaging.sample.sets import GAME, Card, render_card
from pcr_assets.imaging.sample.strangers import Stranger, render_stranger, strangers

Rng = np.random.Generator
COLUMNS = ("photo", "split", "quad", "game", "name", "card_id", "in_gallery", "kind", "source", "note")
FRAME = (1280, 720)
_SOURCE = "rendered by pcr_assets.imaging.sample"


@dataclass(frozen=True)
class Shot:
    """What lies on the table: cards of the gallery or strangers, and how."""

    name: str
    cards: tuple[Card | Stranger, ...]
    kind: str
    strength: str = "easy"
    sleeved: bool = False


def shots(cards: Sequence[Card], seed: int) -> list[Shot]:
    """Fourteen photos, cards turned any way: singles, a sleeved one, twos and threes, a stranger, a back, no card."""
    rng = np.random.default_rng([seed, 4])
    printed = Counter(card.design for card in cards)
    told_apart = [card for card in cards if printed[card.design] == 1]
    picked = iter([told_apart[i] for i in rng.choice(len(told_apart), 17, replace=len(told_apart) < 17)])
    others = {stranger.game: stranger for stranger in strangers(seed)}

    def take(count: int) -> tuple[Card, ...]:
        return tuple(next(picked) for _ in range(count))

    return [
        *(Shot(f"single_{k}", take(1), "phone_single") for k in range(1, 5)),
        *(Shot(f"dim_{k}", take(1), "phone_single", "medium") for k in (1, 2)),
        Shot("sleeved_1", take(1), "phone_single", sleeved=True),
        *(Shot(f"two_{k}", take(2), "phone_multi") for k in (1, 2)),
        *(Shot(f"three_{k}", take(3), "phone_multi") for k in (1, 2)),
        Shot("stranger_1", (others["Starfreight"],), "stranger"),
        Shot("back_1", (others["Card back"],), "stranger"),
        Shot("nothing_1", (), "no_card"),
    ]


def write_photos(folder: Path, cards: Sequence[Card], seed: int) -> None:
    """Renders the photos into `folder`, and `photos.csv` beside it with a row for each card."""
    found = shots(cards, seed)
    folder.mkdir(parents=True)
    rows: dict[str, list[dict[str, object]]] = {}

    def write(shot: Shot) -> None:
        photo, quads = taken(shot, np.random.default_rng([seed, 5, *shot.name.encode()]))
        path = folder / f"{shot.name}.jpg"
        path.write_bytes(jpeg(photo, 90))
        rows[shot.name] = _rows(f"{folder.name}/{path.name}", shot, quads)

    each(write, found, "photos")
    write_csv(folder.parent / "photos.csv", COLUMNS, (row for shot in found for row in rows[shot.name]))


def taken(shot: Shot, rng: Rng) -> tuple[Image, list[np.ndarray]]:
    """The photo, and the corners of each upright card in it (float32 4×2, TL, TR, BR, BL)."""
    drawn = [render_card(card.design) if isinstance(card, Card) else render_stranger(card) for card in shot.cards]
    return scene([_glossy(card, rng) if shot.sleeved else card for card in drawn], rng, FRAME, strength=shot.strength)


def _glossy(image: Image, rng: Rng) -> Image:
    """A clear sleeve: a little paler, with a streak of light across."""
    width, height = SIZE
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    streak = np.exp(-(((x + 0.6 * y - rng.uniform(200, 500)) / 38) ** 2))[:, :, None]
    return np.clip(image * 0.92 + 16 + 120 * streak, 0, 255).astype(np.uint8)


def _rows(path: str, shot: Shot, quads: Sequence[np.ndarray]) -> list[dict[str, object]]:
    note = "sleeved, glare" if shot.sleeved else ""
    fixed = {"photo": path, "split": "dev", "kind": shot.kind, "source": _SOURCE, "note": note}
    if not shot.cards:
        return [{**dict.fromkeys(COLUMNS, ""), **fixed, "note": "no card in it"}]
    rows: list[dict[str, object]] = []
    for card, quad in zip(shot.cards, quads, strict=True):
        corners = [[round(float(x), 1), round(float(y), 1)] for x, y in quad]
        if isinstance(card, Card):
            label = {"game": GAME, "card_id": card.card_id, "in_gallery": "1"}
        else:
            label = {"game": card.game, "card_id": "", "in_gallery": ""}
        rows.append({**fixed, **label, "quad": json.dumps(corners), "name": card.name})
    return rows
