"""Reading outlines at a glance: cut out, embed, search; the way up that they lie, and others where that leaves a doubt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from edge_runtime.embedder import Embedder, embedded
from edge_runtime.finding.locate import Quad
from edge_runtime.gallery import Match
from edge_runtime.geometry import rectify, turned, ways_up
from edge_runtime.judging.judge import CANDIDATES, Judge
from edge_runtime.reading.readings import CLEAR, Reading, by_confidence, one_each


class Searches(Protocol):
    """What finds the cards nearest to embeddings: a :class:`edge_runtime.gallery.Gallery`."""

    def search(self, queries: np.ndarray, count: int = 5) -> list[list[Match]]:
        """See :meth:`edge_runtime.gallery.Gallery.search`."""


@dataclass(frozen=True)
class Reader:
    """A model, its gallery, and the judge that says how sure a glance is."""

    embedder: Embedder
    gallery: Searches
    judge: Judge

    def read(self, image: np.ndarray, quads: Sequence[Quad], followed: Sequence[Reading] = ()) -> list[Reading]:
        """Read each outline on a picture uint8 RGB H×W×3 as it lies, and every other way up that it may have where that leaves a
        doubt, or where the followed card that it shows was more similar before."""
        upright = self.match(image, [(quad.corners, quad.score) for quad in quads])
        before = {card.card.art_group: card for card in followed}
        changed = [each.doubtful_after(before.get(each.card.art_group, each)) for each in upright]
        doubtful = [each for each, worse in zip(upright, changed, strict=True) if worse or each.confidence < CLEAR]
        ways = [(turned(each.corners, turns), each.outline) for each in doubtful for turns in ways_up(each.corners)]
        return [*upright, *self.match(image, ways)]

    def best(self, image: np.ndarray, quad: Quad) -> Reading:
        """The most confident reading of one outline, whichever way up."""
        (best,) = one_each(self.read(image, [quad]), by_confidence)
        return best

    def glanced(self, readings: Sequence[Reading]) -> list[Reading]:
        """The readings, those that a glance settles taken for judged."""
        return [replace(each, judged=self.judge.settles(each.status, each.confidence)) for each in readings]

    def match(self, image: np.ndarray, outlines: Sequence[tuple[np.ndarray, float]]) -> list[Reading]:
        """Readings of outlines exactly as given, each as corners float32 4×2 and score."""
        if not outlines:
            return []
        cards = np.stack([rectify(image, corners, self.embedder.input_size) for corners, _ in outlines])
        found = self.gallery.search(embedded(self.embedder, cards), CANDIDATES)
        return [
            Reading.of(self.judge.glance(corners, matches), score)
            for (corners, score), matches in zip(outlines, found, strict=True)
        ]
