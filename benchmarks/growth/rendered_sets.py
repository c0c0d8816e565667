"""Rendered cards as a gallery grows by them: sets of 100 to 250 different cards, second scans and a set of reprints among them."""

from pathlib import Path

import numpy as np

from pcr_assets.imaging.sample import Card, specs
from pcr_assets.imaging.sample.scans import Scan, each, scans, write_scan

SMALLEST, LARGEST = 100, 250
SEED = 8
WHOLE = 13_412
"""Cards that 4,180 real ones lack to 17,592; fewer are the first of these, so that what is rendered serves again."""


def sizes(count: int) -> list[int]:
    """Sizes of sets that hold ``count`` cards together; the last one, of reprints, is as large as a set may be."""
    rng, found, left = np.random.default_rng(SEED), [LARGEST], count - LARGEST
    while left > LARGEST:
        found.insert(0, min(int(rng.integers(SMALLEST, LARGEST + 1)), left - SMALLEST))
        left -= found[0]
    return [left, *found]


def gallery(count: int) -> list[Card]:
    """``count`` cards of the renderer, of each set the first ones; those of the last set reprint some of the others."""
    sets = sizes(count)
    drawn = specs(SEED, sets=len(sets), cards_per_set=LARGEST)
    codes = dict.fromkeys(card.set for card in drawn)
    kept = dict(zip(codes, sets, strict=True))
    return [card for card in drawn if card.number <= kept[card.set]]


def cards(count: int) -> list[Card]:
    """The first ``count`` of :data:`WHOLE` cards, or of as many as are asked for."""
    return gallery(max(count, WHOLE))[:count]


def write_rendered(folder: Path, count: int) -> list[Path]:
    """Render below ``folder`` what is not there yet, a folder for each set; gives the files of these cards. All are named so
    that no ``cards.csv`` is needed."""
    drawn = gallery(max(count, WHOLE))
    chosen = {card.card_id for card in drawn[:count]}
    wanted = [scan for scan in scans(drawn, SEED) if scan.card.card_id in chosen]
    aside = folder / ".aside"

    def write(scan: Scan) -> None:
        write_scan(aside, scan, SEED)
        (folder / scan.path).parent.mkdir(parents=True, exist_ok=True)
        (aside / scan.path).rename(folder / scan.path)

    each(write, [scan for scan in wanted if not (folder / scan.path).exists()], "cards")
    return [folder / scan.path for scan in wanted]
