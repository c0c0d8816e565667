"""The cards a model learns from, and the order in which a training shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from networkx.utils import UnionFind

from pcr_assets.cards.reader import CardImages
from pcr_assets.measures import even_sample

Image = np.ndarray
Size = tuple[int, int]


@dataclass(frozen=True)
class Cards:
    """Scans by row number: whose they are, and the picture.

    ``classes`` numbers what can't be told apart: the scans of one card, and cards whose scans are the same pixels.
    """

    card_ids: Sequence[str]
    art_groups: Sequence[str]
    classes: np.ndarray
    image: Callable[[int], Image]

    def __len__(self) -> int:
        return len(self.card_ids)

    def joined(self, others: "Cards", most: int) -> "Cards":
        """These cards and an even sample of at most so many others. Classes are numbered on: splits share none."""
        picked = even_sample(len(others), most)
        own = len(self)
        return Cards(
            card_ids=[*self.card_ids, *(others.card_ids[i] for i in picked)],
            art_groups=[*self.art_groups, *(others.art_groups[i] for i in picked)],
            classes=np.concatenate([self.classes, others.classes[picked] + self.classes.max(initial=-1) + 1]),
            image=lambda index: self.image(index) if index < own else others.image(int(picked[index - own])),
        )


def read_cards(snapshot: Path, shards: Sequence[Path], split: str) -> Cards:
    """The scans of one split (``train``, ``validation`` or ``test``) of a training snapshot, in the snapshot's order.

    The snapshot is a Parquet file with the columns card_id, view, art_group, pixel_digest and split; ``shards`` are the
    processed cards that hold the pictures.
    """
    rows = pq.read_table(snapshot, filters=[("split", "=", split)]).to_pylist()
    images = CardImages(shards)
    places = [images.row(row["card_id"], row["view"]) for row in rows]
    return Cards(
        card_ids=[row["card_id"] for row in rows],
        art_groups=[row["art_group"] for row in rows],
        classes=indistinguishable([row["card_id"] for row in rows], [row["pixel_digest"] for row in rows]),
        image=lambda index: images.image(places[index]),
    )


def indistinguishable(card_ids: Sequence[str], pixel_digests: Sequence[str]) -> np.ndarray:
    """Class numbers, int64 N: rows that share a card id or a picture, directly or through others, share a class."""
    classes = UnionFind()
    for card_id, digest in zip(card_ids, pixel_digests, strict=True):
        classes.union(("card", card_id), ("pixels", digest))
    numbers: dict[tuple[str, str], int] = {}
    return np.array([numbers.setdefault(classes["card", card_id], len(numbers)) for card_id in card_ids], np.int64)


def shuffled(count: int, seed: int, position: int) -> int:
    """The row at a position of an endless sequence that passes over ``count`` rows in a new order each time."""
    epoch, place = divmod(position, count)
    return int(_order(count, seed, epoch)[place])


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)
