"""Cards with something to hold on to, their archive of pictures, and what a camera makes of them."""

import zipfile

import cv2
import numpy as np

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.features import features
from edge_runtime.judging.references import SIZE, features_name, picture_name

WHOLE = full_frame(*SIZE)


def textured(seed):
    """A card with something to hold on to: smoothed noise, uint8 RGB of the size of a reference picture."""
    noise = np.random.default_rng(seed).normal(size=(SIZE[1], SIZE[0], 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 160 * soft / soft.std() / 2, 0, 255).astype(np.uint8)


def numbered(card, text):
    """The card with a number printed at its lower left."""
    printed = card.copy()
    cv2.rectangle(printed, (14, 318), (90, 340), (235, 235, 235), -1)
    cv2.putText(printed, text, (18, 336), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (10, 10, 10), 2)
    return printed


CARDS = {1: numbered(textured(1), "12/99"), 2: numbered(textured(1), "87/54"), 3: textured(3), 4: textured(4)}


def archive(path, pictures):
    with zipfile.ZipFile(path, "w") as packed:
        for key, picture in pictures.items():
            packed.writestr(picture_name(key), cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes())
            packed.writestr(features_name(key), features(picture).to_bytes())
    return path


def match(key, similarity=0.5):
    return Match(Card(f"demo-{key}", "N", "demo", str(key), "twins" if key < 3 else f"demo-{key}"), similarity, key)


def seen(card, strength=1.0):
    """The card as a camera sees it: a little off, darker, softer, noisy."""
    shift = np.float32([[4, 3], [-3, 5], [2, -4], [-4, -2]]) * strength
    matrix = cv2.getPerspectiveTransform(WHOLE, WHOLE + shift)
    photo = cv2.warpPerspective(card, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
    noise = np.random.default_rng(9).normal(0, 6, photo.shape)
    return np.clip(cv2.GaussianBlur(photo, (3, 3), 0) * 0.7 + 10 + noise, 0, 255).astype(np.uint8)
