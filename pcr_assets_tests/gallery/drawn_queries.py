"""Queries for drawn cards, whose truth is known."""

import cv2
import numpy as np

from edge_runtime.gallery import Card, Match
from edge_runtime.judging.references import SIZE
from pcr_assets.gallery.judging import Query

COUNT = 12


class Blind:
    """An embedder for galleries that ask for no vector."""

    input_size, dim = (8, 12), 1

    def embed(self, cards):
        return np.zeros((len(cards), 1), np.float32)


class Says:
    """A gallery that has the same cards to say to all, or others from its second answer on."""

    def __init__(self, first, later=None):
        self.answers = [first, later or first]

    def search(self, queries, count=5):
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [found] * len(queries)


def query(picture, matches, *truth, later=None):
    """What is asked of such a gallery."""
    return Query(lambda: picture, matches, *truth, embedder=Blind(), gallery=Says(matches, later))


def textured(seed):
    """A picture of soft blobs, uint8 RGB, as large as the second look takes it."""
    noise = np.random.default_rng(seed).normal(size=(SIZE[1], SIZE[0], 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 80 * soft / soft.std(), 0, 255).astype(np.uint8)


CARDS = {key: textured(key) for key in range(1, COUNT + 1)}


def seen(key):
    """The card through a mild camera."""
    noise = np.random.default_rng([key, 1]).normal(0, 8, CARDS[key].shape)
    return np.clip(0.8 * np.roll(CARDS[key], 2, axis=1) + 10 + noise, 0, 255).astype(np.uint8)


def match(key, similarity):
    return Match(Card(f"demo-{key}", f"Card {key}", "demo", str(key), f"demo-{key}"), similarity, key)


def asked(key):
    """A query for a card: an embedding that knows little puts it third, with a small lead for somebody else."""
    others = [other for other in CARDS if other != key]
    ranked = [match(others[0], 0.62), match(others[1], 0.6), match(key, 0.58), *(match(o, 0.4) for o in others[2:])]
    return query(seen(key), ranked, f"demo-{key}", f"demo-{key}", f"Card {key}")


def clear(key):
    """A query that the embedding answers alone."""
    ranked = [match(key, 0.95), match(key % COUNT + 1, 0.3)]
    return query(seen(key), ranked, f"demo-{key}", f"demo-{key}", f"Card {key}")
