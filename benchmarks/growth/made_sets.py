"""Sets of cards that no game has, as a gallery grows by them: each put together from three real scans.

None is a reprint of a real card: under another name it would be a rival of the card that it shows, and no test card be found.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from device.grown import new_card
from tqdm import tqdm

from edge_runtime.judging.references import SIZE
from pcr_assets.cards.names import is_picture
from pcr_assets.resources.store import StoreError

SMALLEST, LARGEST = 100, 250
"""Cards of a set."""
SEED = 8
QUALITY = 95
"""Of JPEG, 0..100: as public catalogues offer scans."""
REMEMBERED = 5000
"""Scans that are kept decoded: a quarter of a megabyte each."""
PORTION = 250
"""Cards that a process is given at once."""


def sources_of(scans: Path) -> list[Path]:
    """The scans that cards are put together from. Raises StoreError where there is none."""
    found = sorted(path for path in scans.rglob("*") if is_picture(path.name))
    if not found:
        raise StoreError(f"{scans} holds no pictures: name a folder of card scans")
    return found


def made_card(sources: Sequence[Path], number: int, seed: int = SEED) -> np.ndarray:
    """Card ``number``, uint8 RGB H×W×3 of :data:`SIZE`: the frame of one scan, art and text of two others."""
    bases = np.random.default_rng([seed, number]).choice(len(sources), 3)
    return new_card([_scan(sources[base]) for base in bases])


def named(count: int) -> Iterator[Path]:
    """Where each of ``count`` cards lies: in sets of :data:`SMALLEST` to :data:`LARGEST`, the same first ones for any count."""
    rng, number, card_set = np.random.default_rng(SEED), 0, 0
    while number < count:
        for place in range(1, min(int(rng.integers(SMALLEST, LARGEST + 1)), count - number) + 1):
            yield Path(f"made{card_set}", f"made{card_set}-{place}_Made_{number}.jpg")
            number += 1
        card_set += 1


def write_made(folder: Path, scans: Path, count: int) -> list[Path]:
    """Put together below ``folder`` what is not there yet of ``count`` cards; gives their files. Raises StoreError for no scans.

    In processes of their own: a child's most memory, as the kernel tells it, is never below what its parent held when it began.
    """
    sources, files = sources_of(scans), [folder / file for file in named(count)]
    lacking = [(number, path) for number, path in enumerate(files) if not path.exists()]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        made = pool.map(partial(_write, sources), lacking, chunksize=PORTION)
        for _ in tqdm(made, total=len(lacking), desc="cards", unit="card", disable=None):
            pass
    return files


def _write(sources: Sequence[Path], card: tuple[int, Path]) -> None:
    number, path = card
    path.parent.mkdir(parents=True, exist_ok=True)
    aside, picture = path.with_suffix(".aside"), cv2.cvtColor(made_card(sources, number), cv2.COLOR_RGB2BGR)
    aside.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
    aside.rename(path)


@lru_cache(REMEMBERED)
def _scan(path: Path) -> np.ndarray:
    return cv2.resize(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), SIZE, interpolation=cv2.INTER_AREA)
