"""Perceptual hashes: like pictures are near, others far."""

from functools import partial

import cv2
import numpy as np
import pytest

from pcr_assets.imaging.hashing import both, dhash, hamming, phash


def picture(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (11, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (252, 352), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(("kind", "bits"), [(phash, 256), (partial(phash, bits=64), 64), (dhash, 256)])
def test_a_hash_survives_scaling_and_brightness_and_tells_pictures_apart(kind, bits):
    original, other = picture(0), picture(1)
    changed = cv2.convertScaleAbs(cv2.resize(original, (180, 252), interpolation=cv2.INTER_AREA), alpha=0.9, beta=8)
    hashes = np.stack([kind(image) for image in (original, changed, other)])
    assert hashes.shape == (3, bits // 8)
    same, different = hamming(hashes[:1], hashes[1:])[0]
    assert same < bits * 0.1
    assert different > bits * 0.3


def test_distances_count_bits():
    zeros = np.zeros((1, 32), np.uint8)
    some = zeros.copy()
    some[0, [0, 9, 31]] = 1, 3, 255
    assert hamming(zeros, np.concatenate([zeros, some])).tolist() == [[0, 11]]


def test_both_is_phash_and_dhash_side_by_side():
    assert both(picture(0)).tolist() == [*phash(picture(0)), *dhash(picture(0))]


def test_odd_lengths_are_refused():
    with pytest.raises(ValueError, match="multiple of 8"):
        hamming(np.zeros((1, 5), np.uint8), np.zeros((1, 5), np.uint8))
