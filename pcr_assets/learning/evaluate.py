"""How well an embedding finds cards through the simulated camera, and hashing as an embedding, which a teacher has to beat."""

import math
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from edge_runtime.geometry import whole_card
from pcr_assets.imaging import camera, hashing
from pcr_assets.learning.batches import of_all
from pcr_assets.learning.data import Cards, Image, Size
from pcr_assets.measures import collapse, even_sample, ranks, recall_at, recall_beyond_strangers, similarity_to_own

SEED = 7
Embed = Callable[[Callable[[int], Image], int], np.ndarray]  # (view of i, count) -> unit vectors count×D


class LookedUp(NamedTuple):
    """Q cards that were looked up in a gallery: what :mod:`pcr_assets.measures` says of where each one's own card and art stand."""

    by_card: np.ndarray
    by_art: np.ndarray
    own: np.ndarray
    beyond_strangers: float


def looked_up(
    embed: Embed, cards: Cards, rows: np.ndarray, strength: str, size: Size, gallery: Cards, known: np.ndarray
) -> LookedUp:
    """Look up some rows of the cards, each by one fixed picture through a camera of this strength, in a gallery whose embeddings
    are ``known``."""

    def seen(at: int) -> Image:
        row = int(rows[at])
        return camera.rectified(cards.image(row), np.random.default_rng([SEED, row]), strength, size)

    asked = embed(seen, len(rows))
    names, arts = ([labels[row] for row in rows] for labels in (cards.card_ids, cards.art_groups))
    return LookedUp(
        ranks(asked, known, names, gallery.card_ids),
        ranks(asked, known, arts, gallery.art_groups),
        similarity_to_own(asked, known, names, gallery.card_ids),
        recall_beyond_strangers(asked, known, arts, gallery.art_groups),
    )


def embedded(embed: Embed, gallery: Cards, size: Size) -> np.ndarray:
    """The embeddings of clean scans, float32 N×D."""
    return embed(lambda at: whole_card(gallery.image(at), size), len(gallery))


def recognition(
    embed: Embed, cards: Cards, size: Size, *, strength: str, queries: int, gallery: Cards
) -> dict[str, Any]:
    """What an embedding does with views of ``cards`` through the camera, in a gallery of ``gallery``.

    At most so many ``queries``, evenly over the cards. Gives recall@1 and @5 by card and by art, the mean cosine of
    query and own scan (``same_card``), the share of those above 0.8, and the gauges of :func:`collapse`.
    """
    known = embedded(embed, gallery, size)
    found = looked_up(embed, cards, even_sample(len(cards), queries), strength, size, gallery, known)
    return {
        "recall_at_1": recall_at(found.by_card, 1),
        "recall_at_5": recall_at(found.by_card, 5),
        "art_recall_at_1": recall_at(found.by_art, 1),
        "art_recall_at_5": recall_at(found.by_art, 5),
        "same_card": float(found.own.mean()),
        "same_card_above_0.8": float((found.own > 0.8).mean()),
        **collapse(known, gallery.classes),
    }


def hash_embedding(view: Callable[[int], Image], count: int) -> np.ndarray:
    """pHash and dHash of 256 bits each as a unit vector N×512: its dot product ranks as the sum of Hamming distances does.

    The classical method that scanners of trading cards use, and what a teacher has to beat.
    """
    views = (image.permute(1, 2, 0).numpy() for images in of_all(view, count) for image in images)
    bits = np.unpackbits(np.stack([hashing.both(image) for image in islice(views, count)]), axis=1)
    return (bits.astype(np.float32) * 2 - 1) / math.sqrt(bits.shape[1])
