"""When a similarity is an answer: thresholds calibrated on validation cards, one pair for each variant of the model."""

import math

import numpy as np

from edge_runtime.following.belief import log_odds
from edge_runtime.judging.decide import logistic

TAIL = 0.1
"""Share of the impostors, the most confident, whose confidences tell how the rarer ones go on."""
LEAST_IN_TAIL = 20


def accept_threshold(impostors: np.ndarray, false_accept_rate: float) -> float:
    """The similarity that at most this share of impostors exceeds.

    ``impostors``: float array (Q,), the best similarity of queries whose card is *not* in the gallery (validation queries with
    their own art taken out, and strangers). With few queries the rate is rounded down: one of them may pass only if
    ``Q * false_accept_rate >= 1``. Raises ValueError without queries.
    """
    if impostors.size == 0:
        raise ValueError(
            "no impostor similarities: a threshold can't be calibrated without queries that must be refused"
        )
    allowed = int(impostors.size * false_accept_rate)
    return float(np.nextafter(np.sort(impostors)[impostors.size - 1 - allowed], np.inf))


def accept_confidence(impostors: np.ndarray, false_accept_rate: float) -> float:
    """The confidence that about this share of impostors exceeds, steadier than :func:`accept_threshold` where it is rare.

    ``impostors``: float array (Q,) of confidences 0..1. One in a thousand can't be counted among some hundreds: the greatest
    of them alone would decide, and the next hundreds have another. The log-odds of the upper :data:`TAIL` are taken to fall
    off exponentially instead (peaks over a threshold, with shape 0: Coles, An Introduction to Statistical Modeling of Extreme
    Values, 2001, §4.3). Counts where the rate is no rarer than the tail, or fewer than :data:`LEAST_IN_TAIL` lie in it. Raises
    ValueError without queries.
    """
    count = int(TAIL * impostors.size)
    if false_accept_rate >= TAIL or count < LEAST_IN_TAIL:
        return accept_threshold(impostors, false_accept_rate)
    odds = np.sort([log_odds(float(confidence)) for confidence in impostors])[::-1]
    above = odds[count]
    return logistic(float(above + (odds[:count] - above).mean() * math.log(count / impostors.size / false_accept_rate)))


def ambiguity_margin(gaps: np.ndarray, right: np.ndarray, precision: float, ceiling: float = 0.1) -> float:
    """The smallest lead over the runner-up at which answers are right as often as ``precision`` asks.

    ``gaps``: float array (Q,), similarity of the best card minus that of the next other card, for accepted queries;
    ``right``: bool array (Q,), whether the best card is the right one. At most ``ceiling``: beyond it a wrong answer is no
    close call, and calling right ones uncertain would help nobody.
    """
    if gaps.size == 0:
        return 0.0
    order = np.argsort(-gaps, kind="stable")
    precisions = np.cumsum(right[order]) / np.arange(1, gaps.size + 1)
    whole = np.append(np.diff(gaps[order]) < 0, True)  # a lead lets all pass that have it, not the first of them alone
    good = np.flatnonzero((precisions >= precision) & whole)
    if good.size and good[-1] == gaps.size - 1:
        return 0.0
    margin = gaps[order][good[-1]] if good.size else ceiling
    return float(min(margin, ceiling))
