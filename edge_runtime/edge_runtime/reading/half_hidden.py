"""Reading a card that lies half under known ones: by what is seen of it alone, and strictly.

What is covered shows another card, so it is blanked out before the card is embedded, and no point, no artwork and no print is
looked at there. A card is named only where what is seen of it agrees with its picture all over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_runtime.embedder import Embedder, embedded
from edge_runtime.finding.beneath import lies_half_under, orders, sticks_out
from edge_runtime.finding.locate import Around, around, half_under
from edge_runtime.finding.outline_filter import OutlineFilter
from edge_runtime.finding.support import LEAST_SCORE, RIM
from edge_runtime.gallery import Gallery, Match
from edge_runtime.geometry import full_frame, rectify, scaled, turned, width
from edge_runtime.judging.decide import Evidence, Status
from edge_runtime.judging.judge import CANDIDATES, MOST_TWINS, Judge, where_it_agrees
from edge_runtime.judging.references import SIZE
from edge_runtime.judging.second_look import SecondLook, Seen, Support, likeliest_first, strongest_first
from edge_runtime.reading.readings import WORTH_FITTING, Reading, apart

LIKELY = 0.02
"""Probability that the outline filter gives such a place, at least: it knows whole cards alone, and says 0.2 of most."""
MOST = 8
"""Places read, at most, each time that more cards are known."""
FIRST = 8
"""Candidates compared at first: of 80 cards half under another the right one was among them 79 times."""
LEAST_SEEN = 0.45
"""Share of the card that is seen, at least."""
LEAST_ARTWORK = 0.15
"""Share of its artwork that is seen, at least: what is written under it may be the same on another card."""
LEAST_POINTS = 25
"""Points that agree, at least: of 104 cards half under another the fewest were 29."""
TIMES = 2
"""Times as many as agree with the best candidate with other art, at least."""
STEADY = 0.1
"""Width of a card by which its corners lie elsewhere, at most, once it is compared along the corners that its points gave."""
ALIKE = 0.8
"""Correlation of what is seen of the artworks, at least: of 104 such cards the least was 0.97; of 101 whose artwork the gallery
lacks the most was 0.79, of an energy."""
TENTH = 0.5
"""Correlation of the tenth part of what is seen that agrees least, at least: 0.82 in place of 0.56 with the same cards."""


@dataclass(frozen=True)
class _Look:
    """A place, what is seen of a card there, its vector, and the support of the candidates, strongest first."""

    place: np.ndarray
    card: Seen
    vector: np.ndarray
    supports: list[Support]


@dataclass(frozen=True)
class HalfHidden:
    """A model, its gallery, the judge, the second look, and the filter of outlines if there is one."""

    embedder: Embedder
    gallery: Gallery
    judge: Judge
    second_look: SecondLook
    outline_filter: OutlineFilter | None = None

    def found(
        self,
        image: np.ndarray,
        known: Sequence[np.ndarray],
        outlines: Sequence[np.ndarray],
        before: Around | None = None,
    ) -> list[Reading]:
        """The cards that lie half under known ones on a picture uint8 RGB H×W×3; corners float32 4×2 of both, and of the outlines
        that were found: without one that sticks out from under a known card nothing is looked for. ``before``: as :func:`around`
        has it."""
        if not sticks_out(outlines, known):
            return []
        found: list[Reading] = []
        for place in self._likeliest(image, half_under(around(image, known, before))):
            taken = [*known, *(each.corners for each in found)]
            if apart(place, taken):
                reading = self.read(image, place, known)
                if reading is not None and apart(reading.corners, taken):
                    found.append(reading)
        return found

    def read(self, image: np.ndarray, place: np.ndarray, known: Sequence[np.ndarray]) -> Reading | None:
        """The card at a place half under known ones; None where it isn't sure which art it shows, or if it is another printing."""
        read = (self._read(image, place, known, above) for above in orders(place, known))
        return next((reading for reading in read if reading is not None), None)

    def _read(
        self, image: np.ndarray, place: np.ndarray, known: Sequence[np.ndarray], above: Sequence[np.ndarray]
    ) -> Reading | None:
        """The card at a place on which these of the known ones lie: at the place first, then where its points say that it lies."""
        rough = self._look(image, place, above, FIRST)
        if rough is None:
            return None
        exact = where_it_agrees(rough.place, rough.supports[0])
        if exact is None or not lies_half_under(exact, known, image.shape[1::-1]):
            return None
        look = self._look(image, exact, above, CANDIDATES)
        return None if look is None else self._named(image, look)

    def _likeliest(self, image: np.ndarray, places: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The places that are worth reading, the likeliest first."""
        if self.outline_filter is None:
            return list(places[:MOST])
        return [places[row] for row in self.outline_filter.likeliest(image, places, LIKELY)[:MOST]]

    def _look(self, image: np.ndarray, place: np.ndarray, above: Sequence[np.ndarray], most: int) -> _Look | None:
        """What is seen at a place, compared with so many candidates, the way up in which enough points agree; else None."""
        visible = seen_of(place, above, image.shape[1::-1])
        if visible.mean() < LEAST_SEEN:
            return None
        ways = [(place, visible), (turned(place), visible[::-1, ::-1])]
        vectors = embedded(self.embedder, np.stack([self._cut(image, *way) for way in ways]))
        glances = list(zip(ways, vectors, self.gallery.search(vectors, CANDIDATES), strict=True))
        for way, vector, matches in sorted(glances, key=lambda glance: -glance[2][0].similarity):
            if self.judge.glance(way[0], matches).confidence < WORTH_FITTING:
                continue
            card = self.second_look.seen_in_part(image, *way)
            supports = strongest_first(self.second_look.supports(card, matches[:most]))
            if supports and supports[0].fits:
                return _Look(way[0], card, vector, supports)
        return None

    def _cut(self, image: np.ndarray, place: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """A card to be embedded: what is covered of it in the mean colour of what is seen."""
        card = rectify(image, place, self.embedder.input_size)
        seen = cv2.resize(visible.astype(np.uint8), self.embedder.input_size, interpolation=cv2.INTER_NEAREST) > 0
        card[~seen] = card[seen].mean(axis=0)
        return card

    def _named(self, image: np.ndarray, look: _Look) -> Reading | None:
        """The answer, where all that is seen agrees with one art."""
        best = look.supports[0]
        art = best.match.card.art_group
        others = [support for support in look.supports if support.match.card.art_group != art]
        rival = max((support.points for support in others), default=0)
        if best.points < max(LEAST_POINTS, TIMES * rival):
            return None
        corners = where_it_agrees(look.place, best)
        if corners is None or np.linalg.norm(corners - look.place, axis=1).max() > STEADY * width(look.place):
            return None
        alike = self.second_look.partly_alike(look.card, best)
        if alike.share < LEAST_ARTWORK or alike.artwork < ALIKE or alike.tenth < TENTH:
            return None
        nearest = max((support.match.similarity for support in others), default=-1.0)
        similarity = best.match.similarity
        evidence = Evidence(similarity, similarity - nearest, best.points, rival, alike.artwork)
        confidence = self.judge.calibration.confidence(evidence)
        if not confidence >= self.judge.calibration.accept:
            return None
        prints, alone = self._prints(image, look, art)
        likely = None
        if self.judge.verifier is not None:
            likely = self.second_look.same_printing(look.card, prints[0], self.judge.verifier)
            if likely is None or likely < self.judge.verifier.least(width(look.place)):
                return None
        matches = (*(each.match for each in prints), *(each.match for each in others))
        status = Status.CONFIRMED if alone else Status.UNCERTAIN
        return Reading(status, confidence, corners, matches, LEAST_SCORE, judged=True, printing=likely)

    def _prints(self, image: np.ndarray, look: _Look, art: str) -> tuple[list[Support], bool]:
        """All prints of an art, likeliest first by what is seen of the card, and whether it must be the first one."""
        cards = self._cards_of(art, look.vector)
        prints = strongest_first(self.second_look.supports(look.card, cards))
        compared, lead = prints[:MOST_TWINS], 0.0
        pictured = {support.match.key for support in prints}
        rest = [*prints[MOST_TWINS:], *(Support(match, 0, None) for match in cards if match.key not in pictured)]
        if len(compared) > 1:
            scores = self.second_look.tell_apart(image, look.place, compared, look.card.visible)
            compared, lead = likeliest_first(compared, scores)
        return [*compared, *rest], len(cards) == 1 or (not rest and lead >= self.judge.calibration.twin_lead)

    def _cards_of(self, art: str, vector: np.ndarray) -> list[Match]:
        """All cards of the gallery with an art, each as the scan that is nearest: those too that no search brings up, since half of
        the card isn't seen."""
        entries = [(key, card) for key, card in self.gallery.entries if card.art_group == art]
        similar = self.gallery.vectors([key for key, _ in entries]) @ vector
        nearest: dict[str, Match] = {}
        for row in np.argsort(-similar, kind="stable"):
            key, card = entries[row]
            nearest.setdefault(card.card_id, Match(card, float(similar[row]), key))
        return list(nearest.values())


def seen_of(place: np.ndarray, above: Sequence[np.ndarray], size: tuple[int, ...]) -> np.ndarray:
    """Where a card at a place is seen that others lie on, on a picture of ``size`` (width, height): bool H×W of the card,
    upright, of :data:`SIZE`."""
    onto = cv2.getPerspectiveTransform(place.astype(np.float32), full_frame(*SIZE))
    seen = np.zeros(SIZE[::-1], np.uint8)
    for corners, value in [(full_frame(size[0], size[1]), 1), *((scaled(card, RIM), 0) for card in above)]:
        there = cv2.perspectiveTransform(corners[None].astype(np.float64), onto)[0]
        cv2.fillConvexPoly(seen, np.rint(there).astype(np.int32), value)
    return seen > 0
