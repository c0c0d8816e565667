"""How closely two models agree on the same images: the cosine between their embeddings, image by image."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """Cosines between paired embeddings: lowest, 5th percentile, mean; and the largest difference of one coordinate."""

    minimum: float
    p5: float
    mean: float
    max_abs: float

    def as_json(self) -> dict[str, float]:
        """The four numbers rounded to 6 decimals."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def agreement(reference: np.ndarray, other: np.ndarray) -> Agreement:
    """Compare two float arrays N×D, row by row; rows are scaled to unit length first. Raises ValueError on shapes."""
    if reference.shape != other.shape or reference.ndim != 2 or len(reference) == 0:
        raise ValueError(f"embeddings to compare must be N×D of one shape, not {reference.shape} and {other.shape}")
    reference, other = unit(reference), unit(other)
    cosines = np.einsum("nd,nd->n", reference, other)
    return Agreement(
        minimum=float(cosines.min()),
        p5=float(np.percentile(cosines, 5)),
        mean=float(cosines.mean()),
        max_abs=float(np.abs(reference - other).max()),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of N×D scaled to length 1, float64; a row of zeros stays as it is."""
    vectors = vectors.astype(np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
