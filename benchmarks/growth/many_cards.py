"""As many different cards as are asked for: rendered or given scans, each shown in other colours when it comes again."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from growth.made_sets import sources_of

PER_SET = 160
RENDERED = 480


def write_cards(folder: Path, count: int, scans: Path | None) -> None:
    """Fill ``folder`` with ``count`` scans in sets of :data:`PER_SET`; those that are there already stay.

    ``scans``: a folder of scans to start from, else sample cards are rendered. Scan n of a round is the same scan as in the
    first round with its colours turned by an angle of that round, mirrored in every other one: to a model another card. Raises
    StoreError where there is none.
    """
    sources = sources_of(scans) if scans else _rendered(folder.parent)
    lacking = [number for number in range(count) if not card_file(folder, number).exists()]

    def write(number: int) -> None:
        turn, place = divmod(number, len(sources))
        image = cv2.imread(str(sources[place]))
        path = card_file(folder, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".aside")
        aside.write_bytes(cv2.imencode(".jpg", _another(image, turn), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        aside.rename(path)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in tqdm(pool.map(write, lacking), total=len(lacking), desc="cards", disable=None):
            pass


def card_file(folder: Path, number: int) -> Path:
    """Where card ``number`` lies: in the folder of its set."""
    card_set = f"grow{number // PER_SET:03d}"
    return folder / card_set / f"{card_set}-{number % PER_SET + 1}_Card{number}.jpg"


def _rendered(folder: Path) -> Sequence[Path]:
    from pcr_assets.imaging.sample import render_card, specs

    folder = folder / "rendered"
    cards = specs(0, sets=6, cards_per_set=RENDERED // 6)
    for number, card in enumerate(cards):
        if not (path := folder / f"{number:04d}.png").exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", render_card(card.design)[:, :, ::-1])[1].tobytes())
    return sorted(folder.glob("*.png"))


def _another(image: np.ndarray, turn: int) -> np.ndarray:
    if not turn:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + 37 * turn) % 180
    turned = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    return turned[:, ::-1] if turn % 2 else turned
