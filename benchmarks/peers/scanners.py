"""The recognition recipes of three public card scanners, in our own words: each is a hash and a rule.

They find cards in other ways too; here every method gets the same cut-out cards, so only what they do with those counts.
- hj3yoo/mtg_card_detector: pHash of 16×16 bits, nearest wins.
- jslok/card-scanner: pHash and dHash of 256 bits each, the sum of both distances, upside down tried as well.
- tmikonen/magic_card_detector: lightness evened by CLAHE, pHash of 32×32 bits; a card is accepted when its distance
  stands out from those of all others by several standard deviations. (Its quarter turns are left out: these cards
  stand upright or upside down, and a third and fourth look could only mislead it.)
"""

import cv2
import numpy as np

from pcr_assets.imaging import hashing
from peers.base import Entry
from peers.hashes import Hashes

FAMILY = "card scanner"
CLAHE_LIMIT, CLAHE_TILES = 2.0, (8, 8)


def evened(picture: np.ndarray) -> np.ndarray:
    """The picture with its lightness evened out by contrast-limited histogram equalisation."""
    lightness, red, blue = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB))
    lightness = cv2.createCLAHE(CLAHE_LIMIT, CLAHE_TILES).apply(lightness)
    return cv2.cvtColor(cv2.merge([lightness, red, blue]), cv2.COLOR_LAB2RGB)


def phash_1024(picture: np.ndarray) -> np.ndarray:
    """pHash of 32×32 bits."""
    return hashing.phash(picture, 1024)


def outstanding(distances: np.ndarray) -> float:
    """How many standard deviations the best distance lies below the mean of all."""
    return float((distances.mean() - distances.min()) / max(float(distances.std()), 1e-6))


ENTRIES = [
    Entry("pHash 256", FAMILY, "hj3yoo/mtg_card_detector", lambda _: Hashes(hashing.phash)),
    Entry("pHash+dHash 256", FAMILY, "jslok/card-scanner", lambda _: Hashes(hashing.both)),
    Entry(
        "CLAHE, pHash 1024",
        FAMILY,
        "tmikonen/magic_card_detector",
        lambda _: Hashes(phash_1024, outstanding, evened),
    ),
]
