"""How well an embedding finds cards: recall with its confidence interval, and gauges of collapse.

Everything works on unit vectors, so it judges torch models, ONNX models and anything else that embeds.
"""

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from edge_runtime.geometry import whole_card
from pcr_assets.imaging import camera, hashing
from pcr_assets.learning.batches import of_all
from pcr_assets.learning.data import Cards, Image, Size
from pcr_assets.measures import collapse, even_sample, ranks, recall_at, similarity_to_own

SEED = 7
Embed = Callable[[Callable[[int], Image], int], np.ndarray]  # (view of i, count) -> unit vectors count×D


def query(card: Image, seed: int, index: int, strength: str, size: Size) -> Image:
    """The query that card number ``index`` makes: one fixed picture through the camera for each seed and strength."""
    return camera.rectified(card, np.random.default_rng([seed, index]), strength, size)


def recognition(
    embed: Embed,
    cards: Cards,
    size: Size,
    *,
    strength: str,
    queries: int,
    gallery: Cards | None = None,
) -> dict[str, Any]:
    """What an embedding does with views of ``cards`` through the camera, in a gallery of ``gallery`` (or the same) cards.

    At most so many ``queries``, evenly over the cards. Gives recall@1 and @5 by card and by art, the mean cosine of
    query and own scan (``same_card``), the share of those above 0.8, and the gauges of :func:`collapse`.
    """
    shelf = gallery or cards
    picked = even_sample(len(cards), queries)
    known = embed(lambda i: whole_card(shelf.image(i), size), len(shelf))
    asked = embed(lambda i: query(cards.image(picked[i]), SEED, int(picked[i]), strength, size), len(picked))
    by_card = ranks(asked, known, [cards.card_ids[i] for i in picked], shelf.card_ids)
    by_art = ranks(asked, known, [cards.art_groups[i] for i in picked], shelf.art_groups)
    own = similarity_to_own(asked, known, [cards.card_ids[i] for i in picked], shelf.card_ids)
    return {
        "recall_at_1": recall_at(by_card, 1),
        "recall_at_5": recall_at(by_card, 5),
        "art_recall_at_1": recall_at(by_art, 1),
        "art_recall_at_5": recall_at(by_art, 5),
        "same_card": float(own.mean()),
        "same_card_above_0.8": float((own > 0.8).mean()),
        **collapse(known, shelf.classes),
    }


def hash_embedding(view: Callable[[int], Image], count: int) -> np.ndarray:
    """pHash and dHash of 256 bits each as a unit vector N×512: its dot product ranks as the sum of Hamming distances does.

    The classical method that scanners of trading cards use, and what a teacher has to beat.
    """
    views = (image.permute(1, 2, 0).numpy() for images in of_all(view, count) for image in images)
    bits = np.unpackbits(np.stack([hashing.both(image) for image in islice(views, count)]), axis=1)
    return (bits.astype(np.float32) * 2 - 1) / math.sqrt(bits.shape[1])
