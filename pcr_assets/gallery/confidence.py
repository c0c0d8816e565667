"""Confidence that means what it says: logistic curves over evidence, and how often a confidence comes true."""

from collections.abc import Sequence

import numpy as np

from edge_runtime.judging.decide import Evidence, features

BINS = 10
CHANCE = 0.95
DRAWS = 400
RIDGE = 0.01
STEPS = 60


class OneSided(ValueError):
    """Answers that are all right or all wrong: nothing tells from them what a confidence is worth."""

    def __init__(self, all_right: bool, count: int):
        cure = "ask more queries" if all_right else "train the models for more steps, or ask more queries"
        super().__init__(
            f"all {count} answers of the calibration are {'right' if all_right else 'wrong'}, and a confidence is learned from "
            f"both kinds: {cure} (report: queries in the profile)"
        )


def fit_curve(evidence: Sequence[Evidence], right: np.ndarray) -> tuple[float, ...]:
    """Weights of a logistic curve over :func:`~edge_runtime.judging.decide.features`, for evidence that is ``right`` (bool) or not.

    Both kinds weigh the same, as if half of all cards were strangers. No weight but the first is negative: what speaks for a
    candidate may count for nothing, never against it. Else a candidate that is behind in everything could end up ahead, for the
    curve is fitted to the likeliest candidates alone and tells between all. Raises :class:`OneSided` when one kind is missing.
    """
    if right.all() or not right.any():
        raise OneSided(bool(right.all()), len(right))
    terms = np.array([features(each) for each in evidence])
    weights, kept = np.zeros(terms.shape[1]), list(range(terms.shape[1]))
    while True:
        weights[kept] = _fitted(terms[:, kept], right)
        least = min(kept[1:], key=lambda term: weights[term], default=0)
        if not least or weights[least] >= 0:
            return tuple(round(float(weight), 6) for weight in weights)
        weights[least] = 0.0
        kept.remove(least)


def _fitted(terms: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Newton's method with a little ridge (iteratively reweighted least squares; Hastie et al., The Elements of Statistical
    Learning, §4.4.1)."""
    balance = np.where(right, 0.5 / right.mean(), 0.5 / (1 - right.mean()))
    weights = np.zeros(terms.shape[1])
    for _ in range(STEPS):
        found = 1 / (1 + np.exp(-np.clip(terms @ weights, -40, 40)))
        curvature = terms.T @ (terms * (balance * found * (1 - found))[:, None]) + RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, terms.T @ (balance * (right - found)) - RIDGE * weights)
    return weights


def reliability(confidence: np.ndarray, right: np.ndarray, share: float | None = None) -> list[dict[str, float]]:
    """How often answers of about the same confidence are right: {"confidence", "right", "answers"} for each filled bin of a tenth.

    Right and wrong answers weigh the same in all, as they do in :func:`fit_curve`; ``share`` is that of right ones, where it is
    not the one of these.
    """
    share = right.mean() if share is None else share
    balance = np.where(right, 0.5 / max(share, 1e-9), 0.5 / max(1 - share, 1e-9))
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "confidence": float(np.average(confidence[place == at], weights=balance[place == at])),
            "right": float(np.average(right[place == at], weights=balance[place == at])),
            "answers": int((place == at).sum()),
        }
        for at in range(BINS)
        if (place == at).any()
    ]


def calibration_error(table: Sequence[dict[str, float]]) -> float:
    """The expected calibration error: the mean distance of confidence and truth, weighted by answers (Guo et al., ICML 2017)."""
    total = sum(row["answers"] for row in table)
    return sum(abs(row["confidence"] - row["right"]) * row["answers"] for row in table) / max(total, 1)


def error_by_chance(confidence: np.ndarray, right: np.ndarray) -> float:
    """The calibration error below which so few answers stay in 19 of 20 cases when their confidences mean what they say.

    Truths are drawn as the confidences have it (consistency resampling: Bröcker and Smith, Weather and Forecasting 22, 2007). 0
    where all answers are right or all wrong.
    """
    if right.all() or not right.any():
        return 0.0
    share = float(right.mean())
    sure = np.clip(confidence, 1e-6, 1 - 1e-6)
    odds = sure / (1 - sure) * share / (1 - share)  # a confidence is one where half of all answers are right
    drawn = np.random.default_rng(0).random((DRAWS, len(sure))) < odds / (1 + odds)
    errors = [calibration_error(reliability(confidence, truth, share=share)) for truth in drawn]
    return float(np.quantile(errors, CHANCE))
