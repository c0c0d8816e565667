"""Simulated queries against a gallery, through the edge's own code: what it names right, and what it must refuse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from edge_runtime.embedder import Embedder
from edge_runtime.gallery import Card, Gallery, Match
from edge_runtime.geometry import full_frame, rectify, scaled, turned
from edge_runtime.reading.weighing import FITS
from pcr_assets import measures

BATCH = 32
NEIGHBOURS = 60
"""Cards looked at for each query: enough to reach past all printings of its own art and name."""
MISSED = 10**9
"""The rank of a right card that is not among those: beyond any that is asked for, however few cards there are."""

Picture = Callable[[int], np.ndarray]
Look = Callable[[np.ndarray], np.ndarray]


def as_it_is(corners: np.ndarray) -> np.ndarray:
    """The corners themselves."""
    return corners


def every_look() -> list[Look]:
    """The looks that the edge takes at an outline that matches nothing: either way up, and a little smaller or larger.

    What must be refused has to be refused in all of them, so its best one is what thresholds are made of.
    """
    return [partial(_looked_at, factor=factor, turns=turns) for factor in (1.0, *FITS) for turns in (0, 2)]


def _looked_at(corners: np.ndarray, factor: float, turns: int) -> np.ndarray:
    return turned(scaled(corners, factor), turns)


@dataclass(frozen=True)
class Answers:
    """What the gallery said to queries whose truth is known. ``matches``: best first, one list a query."""

    card_ids: Sequence[str]
    art_groups: Sequence[str]
    matches: Sequence[Sequence[Match]]

    def measured(self) -> dict[str, Any]:
        """Recall by card and by art with the 95 % interval, and the similarity to the right card."""
        rank = _ranks(self.matches, self.card_ids, lambda card: card.card_id)
        art = _ranks(self.matches, self.art_groups, lambda card: card.art_group)
        first, own = measures.recall_at(rank, 1), self._own()
        return {
            "recall_at_1": first["recall"],
            "recall_at_5": measures.recall_at(rank, 5)["recall"],
            "art_recall_at_1": measures.recall_at(art, 1)["recall"],
            "low": first["low"],
            "high": first["high"],
            "queries": first["queries"],
            "same_card_cosine": float(own.mean()) if own.size else 0.0,
            "same_card_above_0.8": float((own > 0.8).mean()) if own.size else 0.0,
        }

    def _own(self) -> np.ndarray:
        """The similarity of each query to the nearest scan of its own card; where that was not found, of the last one that was,
        which it lies below."""
        pairs = [(found, truth) for found, truth in zip(self.matches, self.card_ids, strict=True) if found]
        return np.array(
            [
                next((match.similarity for match in found if match.card.card_id == truth), found[-1].similarity)
                for found, truth in pairs
            ]
        )


def _ranks(matches: Sequence[Sequence[Match]], truths: Sequence[str], says: Callable[[Card], str]) -> np.ndarray:
    """The place of the first right card in each query's matches, int Q; :data:`MISSED` when none is right."""
    return np.array(
        [
            next((place for place, match in enumerate(found) if says(match.card) == truth), MISSED)
            for found, truth in zip(matches, truths, strict=True)
        ]
    )


def ask(
    embedder: Embedder, gallery: Gallery, picture: Picture, count: int, looks: Sequence[Look] = (as_it_is,)
) -> list[list[Match]]:
    """The matches of the pictures 0..count-1, each rectified from its full frame; of several looks the best one counts."""
    found: list[list[Match]] = []
    for start in range(0, count, BATCH):
        images = [picture(index) for index in range(start, min(start + BATCH, count))]
        frames = [full_frame(image.shape[1], image.shape[0]) for image in images]
        answers = [_search(embedder, gallery, images, [look(frame) for frame in frames]) for look in looks]
        found += [max(each, key=_similarity) for each in zip(*answers, strict=True)]
    return found


def _search(
    embedder: Embedder, gallery: Gallery, images: Sequence[np.ndarray], corners: Sequence[np.ndarray]
) -> list[list[Match]]:
    cards = [rectify(image, frame, embedder.input_size) for image, frame in zip(images, corners, strict=True)]
    return gallery.search(embedder.embed(np.stack(cards)), NEIGHBOURS)


def _similarity(matches: Sequence[Match]) -> float:
    return matches[0].similarity if matches else -1.0
