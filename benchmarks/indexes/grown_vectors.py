"""As many vectors as are asked for: a gallery's own, and copies of them that lie as cards of a larger gallery would.

A copy is moved in the directions in which the gallery's vectors differ. A tenth of the copies are twins, as near to their card as
a reprint.
"""

import numpy as np

TWINS = 0.1
TWIN_COSINE = (0.985, 0.999)
OTHER_COSINE = (0.6, 0.9)
"""How near a copy that is no twin comes to its scan. In a gallery of 4,387 the nearest other card has a median cosine of 0.55, and
0.035 more for each doubling: of a million it would have 0.82."""


def unit(rows: np.ndarray) -> np.ndarray:
    """Vectors N×D of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def near(
    vectors: np.ndarray, cosines: np.ndarray, rng: np.random.Generator, spread: np.ndarray | None = None
) -> np.ndarray:
    """For each unit vector float32 N×D another with the cosine that is asked for, in a direction drawn by chance: any, or by
    :func:`spread_of` other vectors one in which those differ."""
    away = rng.normal(size=vectors.shape).astype(np.float32)
    if spread is not None:
        away = away @ spread
    away -= np.sum(away * vectors, axis=1, keepdims=True) * vectors
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return (cosines[:, None] * vectors + np.sqrt(1 - cosines[:, None] ** 2) * away).astype(np.float32)


def spread_of(vectors: np.ndarray) -> np.ndarray:
    """The directions in which vectors float32 N×D differ, each as far as they do: a root of their covariance, float32 D×D."""
    variances, axes = np.linalg.eigh(np.cov(vectors.T))
    return (axes * np.sqrt(np.maximum(variances, 0))).T.astype(np.float32)


def grown(own: np.ndarray, spread: np.ndarray, rows: range) -> np.ndarray:
    """The unit vectors of some rows: a gallery's own, float32 N×D of unit length, then copies of them.

    Drawn by the first row's number, so that a larger gallery is a longer list.
    """
    rng = np.random.default_rng(rows.start)
    kept = own[rows.start : rows.stop]
    added = len(rows) - len(kept)
    twins = rng.random(added) < TWINS
    cosines = np.where(twins, rng.uniform(*TWIN_COSINE, added), rng.uniform(*OTHER_COSINE, added)).astype(np.float32)
    return np.concatenate([kept, near(own[rng.integers(0, len(own), added)], cosines, rng, spread)])
