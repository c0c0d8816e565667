"""From evidence to an answer. The confidence is a probability; "I don't know" and "one of these" are answers of their own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from edge_runtime.gallery import Match

GLANCE_TERMS = 3
LOOK_TERMS = (5, 6, 8)
"""Releases of schema 4 have five, those of schema 5 six."""
PLACED = 30
"""Points from which a card surely lies where they say."""
BEYOND_DOUBT = 80
"""Points from which nothing but what lies on the card, such as glare, can make its artwork unlike the picture's."""
SHARP, CRISP = 1000.0, 3000.0
"""Sharpness from which a card's artwork is like its picture's, whatever the points say, and from which it is very much so."""
BORNE_OUT = 0.45
"""Correlation of artworks from which a glance that is sure is believed without a look at anything else."""


class Status(StrEnum):
    """What is said of a card that was found."""

    CONFIRMED = "confirmed"
    UNCERTAIN = "uncertain"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Evidence:
    """What speaks for the best candidate.

    ``similarity``: its cosine; ``lead``: that over the best candidate with other art; ``points``: those that agree with its
    picture, and ``rival``: with the picture of the best candidate with other art (None before a second look). ``alike``: how
    alike its artwork and the picture's are, a correlation in -1..1, and ``rival_alike``: the same of other candidates.
    ``sharpness``: of the card as it was cut out, see :func:`edge_runtime.judging.likeness.sharpness`; 0 where nothing follows from
    it, as of a card that is covered in part.
    """

    similarity: float
    lead: float
    points: int | None = None
    rival: int = 0
    alike: float = 0.0
    rival_alike: float = 0.0
    sharpness: float = 0.0


@dataclass(frozen=True)
class Calibration:
    """How evidence becomes a confidence, for one model; made from validation cards and strangers by the pipeline.

    ``glance`` and ``look``: the weights of two logistic curves, over (1, similarity, lead), and over those, the logarithms
    of points + 1 and of (points + 1) / (rival + 1), the product of both (a lead in points says more the more points there
    are), how alike the artworks are, and the lead in that. Releases of schema 4 have no weight for the product, those of schema
    5 none for what follows it. ``accept``: the least confidence of a card that is named.
    ``sure``: confidence at a glance from which no second look is taken. ``twin_margin``: least lead in similarity, and
    ``twin_lead`` in correlation where pictures differ, of the one twin that is named.
    """

    glance: tuple[float, ...]
    look: tuple[float, ...]
    accept: float
    sure: float
    twin_margin: float
    twin_lead: float

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Calibration":
        """The calibration that :meth:`as_json` gave. Raises TypeError or ValueError for anything else."""
        weights = {"glance": tuple(map(float, value["glance"])), "look": tuple(map(float, value["look"]))}
        if len(weights["glance"]) != GLANCE_TERMS or len(weights["look"]) not in LOOK_TERMS:
            raise ValueError("the curves of a calibration have other numbers of weights than this edge_runtime knows")
        numbers = {name: float(number) for name, number in value.items() if name not in weights}
        return cls(**cast(Any, {**weights, **numbers}))

    def as_json(self) -> dict[str, Any]:
        """The calibration as it stands in a manifest."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    def confidence(self, evidence: Evidence) -> float:
        """The probability, 0..1, that the art is that of the best candidate; half of all cards taken to be strangers."""
        if not math.isfinite(evidence.similarity + evidence.lead) or refuted(evidence):
            return 0.0
        terms = features(evidence)
        weights = self.glance if evidence.points is None else self.look
        return logistic(sum(weight * term for weight, term in zip(weights, terms, strict=False)))


def refuted(evidence: Evidence) -> bool:
    """Whether the artwork says no, whatever else speaks for the candidate."""
    return denied(evidence) or too_unlike(evidence)


def denied(evidence: Evidence) -> bool:
    """Whether the artwork says no: so many points agree that both pictures lie exactly on each other, as those of two cards with
    one frame and text do, and yet the artworks are not alike.

    Asked is a correlation of 0.35 with :data:`PLACED` points, growing with their logarithm to 0.6 with :data:`BEYOND_DOUBT`. Of 888
    queries for validation cards before the three cameras, of which the search found the art, two were less alike, and of 64 with so
    many points whose card was taken out of the gallery 61.
    """
    if evidence.points is None or evidence.points < PLACED:
        return False
    return evidence.alike < _least_alike(evidence.points, PLACED, BEYOND_DOUBT)


def too_unlike(evidence: Evidence) -> bool:
    """Whether the picture is so sharp that its artwork would be alike, were it this card: then a lead over all others says only
    that the others are less alike still, as on a Klink whose gallery has a Klang.

    Asked is what :func:`denied` asks, growing from :data:`SHARP` to :data:`CRISP`. Of 1,102 queries so sharp, for validation and
    test cards before the three cameras, of which the search found the art, two were less alike; of as many whose card was taken out
    of the gallery 1,087.
    """
    return evidence.sharpness >= SHARP and evidence.alike < _least_alike(evidence.sharpness, SHARP, CRISP)


def borne_out(evidence: Evidence) -> bool:
    """Whether what a glance is sure of is to be believed. A lead over all others may say only that the gallery has nothing else of
    that kind, and in poor light a picture is never sharp; so where the artwork is not alike, all evidence together decides.

    Of 2,110 queries for validation cards before the easy, the medium and the hard camera and in any light a glance was sure of
    1,752. Seven of those were less alike, and three of the seven are refused.
    """
    return evidence.alike >= BORNE_OUT and not too_unlike(evidence)


def _least_alike(value: float, first: float, last: float) -> float:
    """The correlation of artworks that is asked for: 0.35, growing with the logarithm of a value to 0.6."""
    return 0.35 + 0.25 * min(1.0, math.log(value / first) / math.log(last / first))


def features(evidence: Evidence) -> tuple[float, ...]:
    """The terms that the weights of a curve belong to."""
    terms = (1.0, evidence.similarity, evidence.lead)
    if evidence.points is None:
        return terms
    points, ahead = math.log1p(evidence.points), math.log1p(evidence.points) - math.log1p(evidence.rival)
    return (*terms, points, ahead, points * ahead, evidence.alike, evidence.alike - evidence.rival_alike)


def logistic(value: float) -> float:
    """1 / (1 + exp(-value)), without overflow."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def at_a_glance(matches: Sequence[Match]) -> Evidence:
    """The evidence in similarities alone; ``matches``: best first."""
    if not matches:
        return Evidence(-1.0, 0.0)
    best = matches[0]
    other = next((match.similarity for match in matches if match.card.art_group != best.card.art_group), -1.0)
    return Evidence(best.similarity, best.similarity - other)
