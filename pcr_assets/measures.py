"""Measures over embeddings and answers: recall with its confidence interval, gauges of collapse. No torch here.

Everything works on unit vectors, so it judges torch models, ONNX models and anything else that embeds.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_COMPARED = 2000
"""Cards that are compared with each other where all would be too many."""
Z = 1.96
"""Standard deviations on both sides of a mean between which 95 % of a normal distribution lie."""


def even_sample(total: int, most: int) -> np.ndarray:
    """Rows of at most so many of ``total`` things, evenly over all, the first and the last among them: int, ascending."""
    return np.linspace(0, total - 1, min(most, total)).astype(int)


def ranks(
    queries: np.ndarray, gallery: np.ndarray, query_labels: Sequence[Any], gallery_labels: Sequence[Any]
) -> np.ndarray:
    """For each query the number of wrong gallery entries at or above its best right one; int N, 0 is found at once.

    Vectors are unit and float, N×D and M×D. A query whose label is not in the gallery has rank M.
    """
    similarities = queries @ gallery.T
    right = np.asarray(query_labels, dtype=object)[:, None] == np.asarray(gallery_labels, dtype=object)[None, :]
    best = np.where(right, similarities, -np.inf).max(axis=1, keepdims=True)
    return ((similarities >= best) & ~right).sum(axis=1)


def recall_beyond_strangers(
    queries: np.ndarray,
    gallery: np.ndarray,
    query_labels: Sequence[Any],
    gallery_labels: Sequence[Any],
    named: float = 0.005,
) -> float:
    """The share of queries that are found at once, above the similarity that a share ``named`` of strangers passes.

    Its strangers are the queries themselves, with their label taken out of the gallery. Two models of one recall can differ much
    here: one may squeeze all cards together, so that what is found can't be told from what is not there. Vectors as for
    :func:`ranks`.
    """
    similarities = queries @ gallery.T
    right = np.asarray(query_labels, dtype=object)[:, None] == np.asarray(gallery_labels, dtype=object)[None, :]
    own = np.where(right, similarities, -np.inf).max(axis=1)
    strange = np.where(right, -np.inf, similarities).max(axis=1)
    if not len(strange):
        return 0.0
    limit = np.sort(strange)[::-1][min(int(named * len(strange)), len(strange) - 1)]
    return float(((own > strange) & (own > limit)).mean())


def recall_at(ranking: np.ndarray, k: int, cards: int | None = None) -> dict[str, float]:
    """The share of ranks below ``k`` with its 95 % interval: {"recall", "low", "high", "queries"}.

    ``cards``: how many cards were asked, where some were asked more than once. What is hard about a card is so every time, so the
    interval is that of as many queries as there are cards.
    """
    hits, count = int((ranking < k).sum()), len(ranking)
    independent = count if cards is None else cards
    low, high = wilson(hits * independent / max(count, 1), independent)
    return {"recall": hits / count if count else 0.0, "low": low, "high": high, "queries": count}


def wilson(hits: float, count: int) -> tuple[float, float]:
    """Wilson's score interval of 95 % for a proportion (JASA 22, 1927): it stays in 0..1 and is honest for 46 of 46."""
    if count == 0:
        return 0.0, 1.0
    share, z2 = hits / count, Z * Z / count
    half = Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count)) / (1 + z2)
    centre = likeliest(share, count)
    return max(0.0, centre - half), min(1.0, centre + half)


def likeliest(share: float, count: int) -> float:
    """The centre of that interval: what a share of so many cases, 0..1, stands for. 200 right of 200 are no more than 99 %."""
    return (share + Z * Z / (2 * count)) / (1 + Z * Z / count) if count else share


def no_more_than(hits: float, count: int, share: float) -> float:
    """How likely it is that of ``count`` cases no more than ``hits`` come true, where each does with the chance ``share``, 0..1.

    Exact, by the binomial distribution, where an interval is too narrow: Wilson's calls 18 of 20 surely less than 97.5 %, which one
    in eleven samples is. Half a hit counts as a whole one.
    """
    most = math.ceil(round(hits, 6))
    if most >= count or not 0 < share < 1:
        return float(most >= count or share <= 0)

    def chance(k: int) -> float:
        ways = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        return math.exp(ways + k * math.log(share) + (count - k) * math.log1p(-share))

    return math.fsum(map(chance, range(most + 1)))


def paired(lost: float, gained: float, count: int) -> tuple[float, float]:
    """The interval of ``(lost - gained) / count``: cases that only the first of two answered right, and only the second.

    Agresti and Min (Statistics in Medicine 24, 2005) add half a case to each of the four kinds: without that an interval is
    of no width where no case differs, and too narrow where few do.
    """
    lost_, gained_, all_ = lost + 0.5, gained + 0.5, count + 2
    centre = (lost_ - gained_) / all_
    half = Z * math.sqrt(lost_ + gained_ - (lost_ - gained_) ** 2 / all_) / all_
    return centre - half, centre + half


def collapse(gallery: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Gauges of collapse over unit vectors N×D of cards of N classes.

    The mean cosine between cards, the share of pairs below 0.5, and the median cosine to the nearest other card. Of
    more than :data:`MOST_COMPARED` cards an even sample is taken.
    """
    sample = even_sample(len(gallery), MOST_COMPARED)
    vectors, names = gallery[sample], classes[sample]
    other = names[:, None] != names[None, :]
    if not other.any():
        return {"mean_cosine": 0.0, "pairs_below_half": 1.0, "nearest_cosine": 0.0}
    cosines = vectors @ vectors.T
    nearest = np.where(other, cosines, -1.0).max(axis=1)
    return {
        "mean_cosine": float(cosines[other].mean()),
        "pairs_below_half": float((cosines[other] < 0.5).mean()),
        "nearest_cosine": float(np.median(nearest)),
    }


def similarity_to_own(asked: np.ndarray, known: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """The cosine, float Q, of each query to the nearest scan of its own card."""
    right = np.asarray(labels, dtype=object)[:, None] == np.asarray(names, dtype=object)[None, :]
    return np.where(right, asked @ known.T, -1.0).max(axis=1)
