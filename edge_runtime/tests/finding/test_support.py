"""Which outlines are worth a look: each once, however often and by whichever corner first it was found."""

import numpy as np
import pytest

from edge_runtime.finding.support import LEAST_SCORE, NONE, SAME, distinct
from edge_runtime.geometry import area, full_frame, turned


def found_again_and_again(rng, places, times):
    """Outlines N×4×2 of some places, each a little off, and turned; those of neighbours reach into each other."""
    card = full_frame(63, 88) * 2
    made = [
        turned(card + place + rng.normal(0, rng.choice([1, 6, 20]), (4, 2)), int(rng.integers(4)))
        for place in places
        for _ in range(times)
    ]
    return np.array(made, np.float32)


def apart(one, other):
    """Pixels between the corners of two outlines on average, whichever corner is the first."""
    return min(np.linalg.norm(one - turned(other, turns), axis=1).mean() for turns in range(4))


@pytest.mark.parametrize("most", [0, 7, 240])
@pytest.mark.parametrize("seed", range(4))
def test_of_outlines_that_are_the_same_the_best_one_is_kept_and_none_that_is_known(seed, most):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 400, (12, 1, 2))
    outlines, known = found_again_and_again(rng, places, 12), found_again_and_again(rng, places[:3], 1)
    scores = rng.uniform(LEAST_SCORE - 0.1, 1, len(outlines))
    kept = []
    for row in np.argsort(-scores * np.sqrt(np.sqrt([area(each) for each in outlines]))):
        least = SAME * np.sqrt(area(outlines[row]))
        others = [*known, *outlines[kept]]
        if scores[row] >= LEAST_SCORE and all(apart(outlines[row], other) > least for other in others):
            kept.append(int(row))
    assert distinct(outlines, scores, most, known) == kept[:most]
    assert len(kept) > 12, "or there was nothing to choose from"


def test_where_there_is_no_outline_none_is_kept():
    assert distinct(NONE, np.empty(0), 240, NONE) == []
