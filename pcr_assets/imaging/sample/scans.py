"""The sample as scans on disk: a file for each card, second scans of some, and the catalogue of all sets but one."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from pcr_assets.imaging.sample.brush import Image, resized
from pcr_assets.imaging.sample.sets import GAME, Card, render_card, set_name

T = TypeVar("T")
COLUMNS = ("path", "card_id", "name", "set", "number", "lang", "game")


@dataclass(frozen=True)
class Scan:
    """One file: `view` 0 is the first scan of a card, 1 a second one from another scanner."""

    card: Card
    view: int
    listed: bool

    @property
    def path(self) -> str:
        """Below the folder of scans. A listed set uses the short shape first, the other set the long one."""
        card = self.card
        if self.listed == (self.view == 0):
            return f"{card.set}/{card.card_id}_{card.name}.png"
        series = card.set.rstrip("0123456789")
        return f"{card.set}/{card.name}-en_{series}_{card.set}_{card.number}_high.png"


def scans(cards: Sequence[Card], seed: int) -> list[Scan]:
    """Every file to write: one for each card, and a second for one card in 24."""
    codes = list(dict.fromkeys(card.set for card in cards))
    unlisted = codes[1] if len(codes) > 2 else ""
    rng = np.random.default_rng([seed, 2])
    again = set(rng.choice(len(cards), max(1, len(cards) // 24), replace=False).tolist())
    found = []
    for i, card in enumerate(cards):
        found += [Scan(card, view, card.set != unlisted) for view in range(1 + (i in again))]
    return found


def write_scans(folder: Path, cards: Sequence[Card], seed: int) -> None:
    """Renders all scans and `cards.csv` into `folder`, two at a time (drawing releases the interpreter's lock)."""
    files = scans(cards, seed)
    each(lambda scan: write_scan(folder, scan, seed), files, "cards")
    listed = [scan for scan in files if scan.listed]
    write_csv(folder / "cards.csv", (*COLUMNS, "set_name"), (_row(scan) for scan in listed))


def write_scan(folder: Path, scan: Scan, seed: int) -> None:
    """Renders one of them."""
    image = render_card(scan.card.design)
    rng = np.random.default_rng([seed, scan.card.number, *scan.card.set.encode()])
    write_png(folder / scan.path, second_scan(image, rng) if scan.view else image)


def second_scan(image: Image, rng: np.random.Generator) -> Image:
    """The same card from another scanner: another resolution, a slightly tighter crop, other colours."""
    height, width = image.shape[:2]
    left, top, right, bottom = rng.integers(1, 6, 4)
    size = round(width * (zoom := rng.choice([0.78, 1.2]))), round(height * zoom)
    image = resized(image[top : height - bottom, left : width - right], size)
    gain, lift = rng.uniform(0.9, 1.08, 3), rng.uniform(-6, 10, 3)
    return np.clip(image * gain + lift, 0, 255).astype(np.uint8)


def each(work: Callable[[T], None], items: Sequence[T], what: str) -> None:
    """Does the work on all items with a progress bar; the first failure is raised."""
    with ThreadPoolExecutor(2) as pool:
        for _ in tqdm(pool.map(work, items), total=len(items), desc=f"sample {what}", unit="", disable=None):
            pass


def write_png(path: Path, image: Image) -> None:
    """Writes RGB with fixed settings, so that the same pixels are the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 3]
    path.write_bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)[1].tobytes())


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Writes rows with Unix line ends."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _row(scan: Scan) -> dict[str, object]:
    card = scan.card
    values = (scan.path, card.card_id, card.name, card.set, card.number, "en", GAME)
    return {**dict(zip(COLUMNS, values, strict=True)), "set_name": set_name(card.set)}
