"""What was read of a photo so far, and which outlines it leaves worth reading."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edge_runtime.finding.locate import Quad
from edge_runtime.finding.support import corners_apart
from edge_runtime.geometry import area
from edge_runtime.reading.readings import Reading, after_others, by_confidence, one_each

HOPELESS = 0.02
"""Confidence of every way up below which an outline resembles no card of the gallery."""
NEARLY_THE_SAME = 0.12
"""How far the corners of two outlines lie apart on average, as a share of their size, when what one of them hides from the
embedding the other hides as well. With it a third of the outlines of unknown cards are not read, and of 1,300 known ones, up to
the hard camera, each was still named; 0.16 lost the first."""


@dataclass
class SoFar:
    """All readings of a photo, those of them that resembled no card of the gallery whichever way up, and the outlines that were
    judged and left unknown."""

    readings: list[Reading] = field(default_factory=list)
    hopeless: list[Reading] = field(default_factory=list)
    unnamed: list[np.ndarray] = field(default_factory=list)

    def note(self, readings: Sequence[Reading]) -> None:
        """Take down the readings of outlines that lie apart, each in every way up that was tried."""
        self.readings += readings
        self.hopeless += [each for each in one_each(readings, by_confidence) if each.confidence < HOPELESS]

    def weighed(self, judged: Reading, accept: float) -> Reading:
        """A reading that was just judged, less sure for each outline that was read in its place in vain, see :func:`after_others`.

        It is taken down if it is in vain too, or denies an art: wherever else on the photo the same outline is read, it is heard.
        """
        if judged.denied:
            self.readings.append(judged)
        said = after_others(judged, self.unnamed, accept)
        if said.left_open:
            self.unnamed.append(said.corners)
        return said

    def worth_reading(self, quads: Sequence[Quad]) -> list[Quad]:
        """The outlines that are not nearly the same as one which resembled no card. The others are taken down as what it was."""
        if not self.hopeless:
            return list(quads)
        tried, left = np.stack([each.corners for each in self.hopeless]), []
        for quad in quads:
            apart = corners_apart(tried, quad.corners)
            nearest = int(apart.argmin())
            if apart[nearest] <= NEARLY_THE_SAME * np.sqrt(area(quad.corners)):
                self.readings.append(replace(self.hopeless[nearest], corners=quad.corners, outline=quad.score))
            else:
                left.append(quad)
        return left
