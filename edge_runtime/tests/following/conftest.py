"""Frames shown to a follower, and what its recogniser was asked."""

from functools import cache

import numpy as np
import pytest
from drawn import lay

from edge_runtime.geometry import full_frame
from edge_runtime.stream import Follower


@pytest.fixture
def asked(recognizer, monkeypatch):
    """What the recogniser was asked: how hard to look at each frame, and how many cards it embedded for that."""
    asked = []
    recognize, embed = recognizer.recognize, recognizer.embedder.embed

    def asking(image, *, effort, followed):
        asked.append([effort, 0])
        return recognize(image, effort=effort, followed=followed)

    def counting(cards):
        asked[-1][1] += len(cards)
        return embed(cards)

    monkeypatch.setattr(recognizer, "recognize", asking)
    monkeypatch.setattr(recognizer.embedder, "embed", counting)
    return asked


@pytest.fixture
def beside(scans):
    """A photo on which another card lies beside the one that it shows."""
    place = full_frame(120, 168) + np.float32([470, 150])
    return lambda photo, card="demo-2": lay(scans[card], place, photo)


@cache
def grain(shape):
    """Drawn once: it takes as long as looking at a frame that stands still."""
    return np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)


class Filming:
    """A follower that is shown one frame after another, each with other grain and light: none is like the one before."""

    def __init__(self, recognizer):
        self.follower, self.frames = Follower(recognizer), 0

    def __call__(self, photo, times=1):
        """The readings of the last frame."""
        for _ in range(times):
            light = np.float32(np.random.default_rng(self.frames).uniform(0.8, 1.0))
            frame = photo * light + np.roll(grain(photo.shape), (7 * self.frames, 13 * self.frames), (0, 1))
            self.follower.look(frame.clip(0, 255).astype(np.uint8), self.frames / 10)
            self.frames += 1
        return [track for track in self.follower.tracker.tracks if track.missing_since is None]


@pytest.fixture
def filming(recognizer):
    return Filming(recognizer)
