"""Perceptual hashes: which scans show the same art, and the baseline that a teacher must beat.

pHash: the low frequencies of a picture's cosine transform against their median. dHash: the signs of its horizontal
gradients. Both as public card scanners use them (Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010; Krawetz, "Kind of Like That", 2013).
"""

import math

import cv2
import numpy as np

BITS = 256


def grey(image: np.ndarray) -> np.ndarray:
    """A picture uint8 RGB H×W×3 in grey, uint8 H×W; one that is grey already as it is: whoever needs it twice makes it once."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def phash(image: np.ndarray, bits: int = BITS) -> np.ndarray:
    """The pHash, uint8 (bits / 8,), of a picture uint8 RGB H×W×3 or grey H×W; ``bits`` is 64, 256, 1024 and so on."""
    side = math.isqrt(bits)
    small = cv2.resize(grey(image), (4 * side, 4 * side), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:side, :side].ravel()
    return np.packbits(low > _median(low))


def dhash(image: np.ndarray) -> np.ndarray:
    """The dHash, uint8 (32,), of a picture uint8 RGB H×W×3 or grey H×W."""
    side = math.isqrt(BITS)
    small = cv2.resize(grey(image), (side + 1, side), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1])


def both(image: np.ndarray) -> np.ndarray:
    """pHash and dHash of 256 bits side by side, uint8 (64,): the strongest of the hash baselines."""
    once = grey(image)
    return np.concatenate([phash(once), dhash(once)])


def _median(values: np.ndarray) -> np.floating:
    """The median of an even number of values (N,), as numpy's, in a fifth of its time."""
    middle = len(values) // 2
    below, above = np.partition(values, (middle - 1, middle))[middle - 1 : middle + 1]
    return (below + above) / 2


def hamming(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Differing bits between each of Q and each of N hashes of B bytes: int32 (Q, N)."""
    if queries.shape[1] % 8:
        raise ValueError(f"hashes of {queries.shape[1]} bytes: pad them to a multiple of 8")
    left, right = (np.ascontiguousarray(side).view(np.uint64) for side in (queries, gallery))
    distances = np.zeros((len(left), len(right)), np.int32)
    for word in range(left.shape[1]):
        distances += np.bitwise_count(left[:, word, None] ^ right[None, :, word])
    return distances
