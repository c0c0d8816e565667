"""Judging what was read: more than a glance at what promises something, and further chances for an outline that fits badly."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_runtime.finding.locate import Quad
from edge_runtime.geometry import scaled, turned, width
from edge_runtime.judging.decide import PLACED, Status
from edge_runtime.judging.judge import Judgement
from edge_runtime.reading.reader import Reader
from edge_runtime.reading.readings import WORTH_FITTING, Reading

FITS = (0.94, 0.97, 1.03)
"""A sleeve or a toploader makes the outline larger than the card, a lost edge smaller: these are tried too."""
MOST_JUDGED = 48
"""Outlines of one photo that are judged at most, but for those whose place one took later that promised more."""
ASKEW = 0.05
"""Width of a card by which the corners of its picture lie elsewhere than those of the outline, at least, to be looked at there."""


class Weighing:
    """Judges what a reader read, by its judge; corners that may fit better are read by it as well."""

    def __init__(self, reader: Reader):
        self._reader = reader
        self._judge = reader.judge

    def read_at(self, image: np.ndarray, corners: np.ndarray) -> Reading:
        """The card within known corners (float32 4×2, either way up) on a picture uint8 RGB H×W×3."""
        return self.judge(image, self._reader.best(image, Quad(corners, 1.0)))

    def judged(self, image: np.ndarray, readings: Sequence[Reading], least: float) -> list[Reading]:
        """The readings, those judged that promise something and were not judged before."""
        done = sum(reading.judged for reading in readings)
        judged: list[Reading] = []
        for reading in readings:
            worth = not reading.judged and reading.confidence >= least and done < MOST_JUDGED
            judged.append(self.judge(image, reading) if worth else reading)
            done += worth
        return judged

    def judge(self, image: np.ndarray, reading: Reading) -> Reading:
        """A reading with more than a glance taken.

        One that stays unknown gets two more chances: the other way up, which a glance at a poor picture mistakes, and an
        outline that fits better. Another printing of a known card gets none but this: to be looked at where its picture lies.
        """
        judgement = self._judge.judge(image, reading.corners, reading.matches)
        if judgement.other_printing:
            judgement = self._laid_straight(image, judgement, reading.outline)
        if judgement.status is not Status.UNKNOWN and judgement.elsewhere is not None:
            judgement = self._in_its_place(image, judgement, judgement.elsewhere, reading.outline)
        if judgement.left_open and self._judge.second_look:
            judgement = self._better(image, judgement, [turned(reading.corners)], reading.outline)
        if judgement.left_open and reading.confidence >= WORTH_FITTING:
            fits = [scaled(reading.corners, factor) for factor in FITS]
            judgement = self._better(image, judgement, fits, reading.outline)
        return Reading.of(judgement, reading.outline, judged=True)

    def _laid_straight(self, image: np.ndarray, judgement: Judgement, outline: float) -> Judgement:
        """The judgement of another printing, or what the card is named where its picture lies, if that is elsewhere: an outline
        around two copies that lie on each other is that of neither, and what is cut out along it looks like another printing."""
        place = self._judge.place_of(image, judgement.corners, judgement.matches[0])
        if np.linalg.norm(place - judgement.corners, axis=1).max() <= ASKEW * width(place):
            return judgement
        other = self._made_at(image, place, outline)
        return judgement if other.status is Status.UNKNOWN else other

    def _in_its_place(self, image: np.ndarray, judgement: Judgement, place: np.ndarray, outline: float) -> Judgement:
        """The judgement of a named card, made where its picture lies, far from the outline: one around two cards has the name of
        the one that it shows more of. Where another card, or none, is named there, the judgement stays."""
        other = self._made_at(image, place, outline)
        same = other.matches[0].card.art_group == judgement.matches[0].card.art_group
        return other if same and other.status is not Status.UNKNOWN and other.elsewhere is None else judgement

    def _made_at(self, image: np.ndarray, place: np.ndarray, outline: float) -> Judgement:
        """The judgement of what lies at a place, read anew."""
        (there,) = self._reader.match(image, [(place, outline)])
        return self._judge.judge(image, place, there.matches)

    def _better(self, image: np.ndarray, judgement: Judgement, ways: Sequence[np.ndarray], outline: float) -> Judgement:
        """The judgement, or that of the most promising of other corners if it is more confident, or of another printing; but no
        card that was denied: points that agree within other corners make its artwork no more alike. Where few agreed, these
        corners may have been wrong, so then it must lie exactly within the others, or leave no doubt at a glance."""
        best = max(self._reader.match(image, [(corners, outline) for corners in ways]), key=lambda way: way.confidence)
        other = self._judge.judge(image, best.corners, best.matches)
        agreed, now = judgement.denied.get(other.matches[0].card.art_group), other.evidence.points
        if agreed is not None and (agreed >= PLACED or (now is not None and now < PLACED)):
            return judgement
        better = max(judgement, other, key=lambda each: (each.other_printing, each.confidence))
        return replace(better, denied=Counter(judgement.denied) | Counter(other.denied))  # of each the more points
