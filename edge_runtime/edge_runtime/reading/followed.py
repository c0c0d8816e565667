"""Reading followed cards where they lie by now: those that are read as what they were need not be found anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_runtime.finding.locate import Quad
from edge_runtime.geometry import turned
from edge_runtime.judging.decide import Status
from edge_runtime.reading.effort import Effort
from edge_runtime.reading.reader import Reader
from edge_runtime.reading.readings import CLEAR, PROMISING, Reading, by_confidence, one_each
from edge_runtime.reading.weighing import Weighing


@dataclass(frozen=True)
class Followed:
    """Reads the cards of the frame before on a picture uint8 RGB H×W×3; their corners are those that they have by now."""

    reader: Reader
    weighing: Weighing

    def seen(self, image: np.ndarray, followed: Sequence[Reading], effort: Effort) -> list[Reading]:
        """Those that are read as what they were: named so, or as little known as before."""
        known = [card for card in followed if card.status is not Status.UNKNOWN]
        unknown = [card for card in followed if card.status is Status.UNKNOWN and self._still_unknown(image, card)]
        return [*self._known(image, known, effort), *(replace(card, judged=True, carried=True) for card in unknown)]

    def _known(self, image: np.ndarray, followed: Sequence[Reading], effort: Effort) -> list[Reading]:
        """The followed cards that are named where they lie, as what they were. They are read the way up that they had, and the
        other way where that leaves a doubt: another name, less confidence or similarity than before.
        """
        now = self.reader.match(image, [(card.corners, card.outline) for card in followed])
        pairs = enumerate(zip(now, followed, strict=True))
        doubts = [row for row, (each, before) in pairs if each.confidence < CLEAR or each.doubtful_after(before)]
        others = self.reader.match(image, [(turned(now[row].corners), now[row].outline) for row in doubts])
        for row, other in zip(doubts, others, strict=True):
            now[row] = min(now[row], other, key=by_confidence)
        now = now if effort >= Effort.PLAIN else self.reader.glanced(now)
        if effort is Effort.SETTLED:
            now = [before.carried_to(each) or each for each, before in zip(now, followed, strict=True)]
        arts = {card.card.art_group for card in followed}
        likely = [each for each in now if each.card.art_group in arts and each.confidence >= PROMISING]
        return [
            each
            for each in self.weighing.judged(image, one_each(likely, by_confidence), PROMISING)
            if each.status is not Status.UNKNOWN and each.card.art_group in arts
        ]

    def _still_unknown(self, image: np.ndarray, card: Reading) -> bool:
        """Whether in the place of an unknown card nothing is named by now either, nor another printing found than before."""
        best = self.reader.best(image, Quad(card.corners, card.outline))
        (now,) = self.weighing.judged(image, [best], PROMISING)
        return now.status is Status.UNKNOWN and now.other_printing == card.other_printing
