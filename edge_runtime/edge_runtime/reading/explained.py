"""What the cards that were named explain of a photo: an outline that lies where one of them lies is not read again."""

from collections.abc import Sequence

import numpy as np

from edge_runtime.finding.locate import Quad
from edge_runtime.judging.decide import Status
from edge_runtime.judging.judge import Judge
from edge_runtime.reading.readings import Reading, apart

AT_ONCE = 4
"""Outlines read before looking whether a card that was named explains the others: most lie where it lies."""


class Explained:
    """Tells, by what a judge has named, which outlines are still to be read."""

    def __init__(self, judge: Judge):
        self.judge = judge

    def places(self, seen: Sequence[Reading]) -> list[np.ndarray]:
        """The corners of the cards that were named for sure, of other printings of known ones, and of those that are as unknown as
        on the frame before."""
        calibration = self.judge.calibration
        least = calibration.accept if self.judge.second_look else calibration.sure
        sure = [each.status is not Status.UNKNOWN and each.confidence >= least for each in seen]
        pairs = zip(seen, sure, strict=True)
        return [each.corners for each, named in pairs if each.judged and (named or each.other_printing or each.carried)]

    def left(self, quads: Sequence[Quad], seen: Sequence[Reading]) -> list[Quad]:
        """The outlines whose place no card takes.

        An outline around two copies of a card may be named at a glance, but weakly: each copy then gets its chance.
        """
        taken = self.places(seen)
        return [quad for quad in quads if apart(quad.corners, taken)]

    def portion(self, quads: Sequence[Quad], seen: Sequence[Reading]) -> tuple[list[Quad], list[Quad]]:
        """The first outlines that no card explains and that lie apart, to be read at once; and those left for later."""
        taken = self.places(seen)
        now: list[Quad] = []
        later: list[Quad] = []
        for at, quad in enumerate(quads):
            if len(now) == AT_ONCE:
                return now, [*later, *quads[at:]]
            if apart(quad.corners, taken):
                (now if apart(quad.corners, [other.corners for other in now]) else later).append(quad)
        return now, later
