"""A second look at a doubtful card: the points in which it agrees with each candidate's picture, and how twins differ.

The embedding says which cards look like this one. Here the card is compared with their pictures: local features that
agree under one homography count as support, and so does how alike their artworks are
(:mod:`edge_runtime.judging.likeness`). Cards that share their art agree in most points; they are compared once more, only
where their pictures differ.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np

from edge_runtime.gallery import Match
from edge_runtime.geometry import rectify
from edge_runtime.judging.features import Features, features
from edge_runtime.judging.likeness import PartlyAlike, artwork, likeness, partly_alike, sharpness, shrunk
from edge_runtime.judging.printing_verifier import PrintingVerifier
from edge_runtime.judging.references import HALF, SIZE, SMALL, References
from edge_runtime.timing import timed

RATIO = 0.8
"""A point's best partner must be nearer than this share of its second best (Lowe, IJCV 2004)."""
ASTRAY = 0.12 * SIZE[1]
"""Pixels that a point may lie from its partner: card and picture are both upright and border to border."""
TOLERANCE = 4.0
"""Pixels by which an agreeing point may miss its place under the homography."""
REMEMBERED = 512
"""Pictures whose features are kept, some 12 KB each: those of the cards in view. Reading one again takes a twentieth of comparing
it."""
REMEMBERED_ARTWORKS = 128
"""Artworks of pictures that are kept, 7.5 KB each: the likeliest candidates of cards in view. Reading one again takes longer than
comparing it."""
REMEMBERED_TWINS = 8
"""Sets of twins whose pictures are kept laid over each other, 0.09 MB each picture: those of the cards in view. To make that anew
takes a fifth of telling them apart."""
REMEMBERED_HALVES = 32
"""Pictures of half the size that are kept, 0.02 MB each."""
FEWEST_TO_FIT = 15
"""Agreeing points from which their homography is believed more than the outline's corners."""
BLURRED = 7
"""Width in pixels of a square on a shrunk card from whose edge another card, laid on it, blurs into its middle no more."""
SHRINKING = np.diag([SMALL[0] / SIZE[0], SMALL[1] / SIZE[1], 1.0])
HALVING = np.diag([HALF[0] / SIZE[0], HALF[1] / SIZE[1], 1.0])
DIFFERENT = 28
"""Grey levels, after smoothing, from which twins' pictures count as different in a place."""
REGIONS = 12
"""Places looked at, the largest differences first."""
LEAST_REGION = 20
"""Square pixels: smaller differences are those of the scanner."""
PLAY = 4
"""Pixels that a place may be shifted in the aligned card."""


@dataclass(frozen=True)
class Seen:
    """A card on a photo, cut out: its features, and itself as :func:`edge_runtime.judging.likeness.shrunk` gives it, of the
    sizes SMALL and HALF of :mod:`edge_runtime.judging.references`. ``visible``: where it is seen, bool H×W of SIZE there, if not
    all over. ``sharpness``: of ``half``, or 0 of a card that is covered in part."""

    features: Features
    small: np.ndarray
    half: np.ndarray
    visible: np.ndarray | None = None
    sharpness: float = 0.0


@dataclass(frozen=True)
class Support:
    """What speaks for a candidate: agreeing points, and the homography from the rectified card to its picture."""

    match: Match
    points: int
    homography: np.ndarray | None

    @property
    def fits(self) -> bool:
        """Whether so many points agree that the homography can be trusted."""
        return self.homography is not None and self.points >= FEWEST_TO_FIT


class SecondLook:
    """Compares cards on photos with the reference pictures of a release."""

    def __init__(self, references: References):
        self.references = references
        self._known = lru_cache(REMEMBERED)(references.features)
        self._artwork = lru_cache(REMEMBERED_ARTWORKS)(lambda key: artwork(references.small(key)))
        self._half = lru_cache(REMEMBERED_HALVES)(references.half)
        self._twins = lru_cache(REMEMBERED_TWINS)(partial(_laid_together, references, self._known))

    @timed("look")
    def seen(self, image: np.ndarray, corners: np.ndarray) -> Seen:
        """A card on a photo, to be compared; ``corners`` as in :func:`rectify`."""
        card = rectify(image, corners, SIZE)
        half = shrunk(card, HALF)
        return Seen(features(card), shrunk(card), half, sharpness=sharpness(half))

    @timed("look")
    def seen_in_part(self, image: np.ndarray, corners: np.ndarray, visible: np.ndarray) -> Seen:
        """The same of a card of which other cards cover all but where it is ``visible``."""
        card = rectify(image, corners, SIZE)
        return Seen(features(card, visible), shrunk(card), shrunk(card, HALF), visible)

    @timed("look")
    def supports(self, card: Seen, matches: Sequence[Match]) -> list[Support]:
        """The support for each candidate that has a picture, in the order given."""
        return [
            Support(match, *agreement(card.features, self._known(match.key)))
            for match in matches
            if match.key in self.references
        ]

    @timed("look")
    def upside_down(self, card: Seen, support: Support) -> bool:
        """Whether a card fits a candidate's picture better once it is turned by half. A glance knows many a card that lies on its
        head, and the artwork of an energy even agrees with its picture both ways up.
        """
        turned = Features(np.array(SIZE, np.float32) - card.features.places, card.features.descriptors)
        points, _ = agreement(turned, self._known(support.match.key))
        return points > support.points and points >= FEWEST_TO_FIT

    @timed("look")
    def likeness(self, card: Seen, support: Support) -> float:
        """How alike the artworks of the card and a candidate's picture are: a correlation, -1..1."""
        fit = support.homography if support.fits else None
        onto_picture = None if fit is None else _scaled(fit, SHRINKING)
        return likeness(artwork(card.small, onto_picture), self._artwork(support.match.key))

    @timed("look")
    def partly_alike(self, card: Seen, support: Support) -> PartlyAlike:
        """How alike what is seen of a card, of which a part is covered, and a candidate's picture are, in all that is seen."""
        assert support.homography is not None and card.visible is not None
        visible = _laid_mask(card.visible, support.homography, SIZE)
        clear = cv2.erode(cv2.resize(visible, SMALL, interpolation=cv2.INTER_AREA), np.ones((BLURRED, BLURRED))) == 255
        onto_picture = _scaled(support.homography, SHRINKING)
        return partly_alike(card.small, onto_picture, self.references.small(support.match.key), clear)

    @timed("look")
    def same_printing(self, card: Seen, support: Support, verifier: PrintingVerifier) -> float | None:
        """How likely the card is the very printing that a candidate's picture shows, 0..1; None where too few points agree to
        lay the one over the other."""
        if not support.fits:
            return None
        assert support.homography is not None
        laid, picture = laid_over(card.half, support.homography), self._half(support.match.key)
        if card.visible is not None:  # what is covered shall speak neither for nor against it
            laid = np.where(_laid_mask(card.visible, _scaled(support.homography, HALVING), HALF) == 255, laid, picture)
        return verifier.probability(laid, picture)

    @timed("look")
    def tell_apart(
        self, image: np.ndarray, corners: np.ndarray, twins: Sequence[Support], visible: np.ndarray | None = None
    ) -> list[float]:
        """How well the card agrees with each of some twins where their pictures differ: correlations in -1..1. ``visible``: where
        it is seen, bool H×W of :data:`edge_runtime.judging.references.SIZE`, if not all over.

        Equal numbers where the pictures do not differ, or only where the card isn't seen: nobody can tell those apart.
        """
        best = twins[0]
        if best.homography is None:
            return [0.0] * len(twins)
        card = cv2.warpPerspective(
            _grey(rectify(image, corners, SIZE)), best.homography, SIZE, borderMode=cv2.BORDER_REPLICATE
        )
        pictures, boxes = self._twins(tuple(twin.match.key for twin in twins))
        if visible is not None:
            laid = _laid_mask(visible, best.homography, SIZE)
            boxes = [[x, y, w, h] for x, y, w, h in boxes if laid[y : y + h, x : x + w].min() == 255]
        return _agreements(card, pictures, boxes)


def strongest_first(supports: Iterable[Support]) -> list[Support]:
    """Candidates in order: the most agreeing points first, of as many the most similar."""
    return sorted(supports, key=lambda support: (-support.points, -support.match.similarity))


def likeliest_first(twins: Sequence[Support], scores: Sequence[float]) -> tuple[list[Support], float]:
    """Two twins or more, ordered by what :meth:`SecondLook.tell_apart` gave, and the lead of the first one over the next."""
    order = sorted(range(len(twins)), key=lambda row: (-scores[row], -twins[row].match.similarity))
    return [twins[row] for row in order], scores[order[0]] - scores[order[1]]


def agreement(card: Features, picture: Features) -> tuple[int, np.ndarray | None]:
    """How many points of a card agree with a picture under one homography, and that homography 3×3."""
    if min(len(card.descriptors), len(picture.descriptors)) < 4:
        return 0, None
    distances, partners = cv2.batchDistance(
        card.descriptors, picture.descriptors, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2
    )
    here, there = card.places, picture.places[partners[:, 0]]
    clear = distances[:, 0] < RATIO * distances[:, 1]
    near = np.linalg.norm(here - there, axis=1) < ASTRAY
    here, there = here[clear & near], there[clear & near]
    if len(here) < 4:
        return 0, None
    homography, agree = cv2.findHomography(here, there, cv2.USAC_MAGSAC, TOLERANCE, maxIters=500)
    if homography is None or agree is None:
        return 0, None
    return int(agree.sum()), homography


def _laid_together(
    references: References, known: Callable[[int], Features], keys: Sequence[int]
) -> tuple[list[np.ndarray], list[list[int]]]:
    """The pictures of twins, grey, laid over that of the first, and the boxes in which they differ."""
    pictures = [_aligned(references, known, key, keys[0]) for key in keys]
    return pictures, _differences(pictures)


def _aligned(references: References, known: Callable[[int], Features], key: int, to: int) -> np.ndarray:
    """A twin's picture, grey, laid over that of another: scans of one design are cut a little differently."""
    picture = _grey(references.picture(key))
    if key == to:
        return picture
    _, homography = agreement(known(key), known(to))
    if homography is None:
        return picture
    return cv2.warpPerspective(picture, homography, SIZE, borderMode=cv2.BORDER_REPLICATE)


def laid_over(card: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """A card that was halved, laid over a picture of that size by the homography between both of full size."""
    return cv2.warpPerspective(card, _scaled(homography, HALVING), HALF, borderMode=cv2.BORDER_REPLICATE)


def _laid_mask(visible: np.ndarray, homography: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where a card that is ``visible`` in part is seen once it is laid over a picture of ``size``: 255 where it surely is."""
    mask = cv2.resize(visible.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.warpPerspective(mask, homography, size))


def _scaled(homography: np.ndarray, scaling: np.ndarray) -> np.ndarray:
    """A homography between two pictures as it is between both scaled alike."""
    return scaling @ homography @ np.linalg.inv(scaling)


def _grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _differences(pictures: Sequence[np.ndarray]) -> list[list[int]]:
    """Boxes (x, y, width, height) in which pictures of twins, grey and aligned, differ; the largest differences first."""
    soft = np.stack([cv2.GaussianBlur(picture, (5, 5), 0) for picture in pictures])
    spread = np.ptp(soft, axis=0)
    spread[:PLAY], spread[-PLAY:], spread[:, :PLAY], spread[:, -PLAY:] = 0, 0, 0, 0
    mask = cv2.dilate((spread > DIFFERENT).astype(np.uint8), np.ones((5, 5), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask)
    weights = np.bincount(labels.ravel(), spread.ravel().astype(np.float64), count)
    order = [int(label) for label in np.argsort(-weights) if label and boxes[label][4] >= LEAST_REGION]
    return [boxes[label][:4].tolist() for label in order[:REGIONS]]


def _agreements(card: np.ndarray, pictures: Sequence[np.ndarray], boxes: Sequence[Sequence[int]]) -> list[float]:
    totals, weight = np.zeros(len(pictures)), 0.0
    height, width = card.shape
    for x, y, w, h in boxes:
        around = card[max(0, y - PLAY) : min(height, y + h + PLAY), max(0, x - PLAY) : min(width, x + w + PLAY)]
        patches = [picture[y : y + h, x : x + w] for picture in pictures]
        if max(float(patch.std()) for patch in patches) < 1 or around.std() < 1:
            continue
        scores = [_correlation(around, patch) for patch in patches]
        totals += np.sqrt(w * h) * np.array(scores)
        weight += float(np.sqrt(w * h))
    return [float(total / weight) for total in totals] if weight else [0.0] * len(pictures)


def _correlation(around: np.ndarray, patch: np.ndarray) -> float:
    """The best normalised correlation of a patch within its surroundings; 0 for a patch without any structure."""
    if patch.std() < 1:
        return 0.0
    found = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
    return float(np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0).max())
