"""Whole photos: every method reads the outlines that the project's finder gives, ours also in its own way.

A peer reads outlines in the finder's order, both ways up. Of answers in one place it keeps the surest; an answer above
its strict threshold explains the outlines inside the same card, as it does in edge_runtime.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from peers.base import Peer

from contest.evidence import SIZE, Evidence, shown, spread
from edge_runtime.finding.locate import find_cards
from edge_runtime.geometry import area, rectify, shared_area
from pcr_assets.gallery.photos import Label, judge

OTHERS = 15
"""Photos without a card of the gallery, evenly taken: enough to see who names strangers, and each costs as much as others."""
SAME_PLACE = 0.5


@dataclass(frozen=True)
class Photo:
    """A photo, its labels, the outlines found on it, and the CPU milliseconds that finding them took."""

    name: str
    picture: np.ndarray
    labels: Sequence[Label]
    outlines: Sequence[np.ndarray]
    ms: float


def located(evidence: Evidence) -> list[Photo]:
    """All photos that show a card of the gallery and some that don't, with the outlines on them."""
    photos = list(evidence.photos())
    shows = [any(label.card_id in evidence.known for label in labels) for _, _, labels in photos]
    known = [photo for photo, here in zip(photos, shows, strict=True) if here]
    others = [photo for photo, here in zip(photos, shows, strict=True) if not here]
    return [_located(*photo) for photo in shown([*known, *spread(others, OTHERS)], "finding cards")]


def _located(name: str, picture: np.ndarray, labels: Sequence[Label]) -> Photo:
    began = time.process_time()
    outlines = [quad.corners for quad in find_cards(picture)]
    return Photo(name, picture, labels, outlines, 1e3 * (time.process_time() - began))


def outcomes(peer: Peer, photos: Iterable[Photo], strict: float, evidence: Evidence) -> dict[str, Any]:
    """How often each verdict came, and the median CPU milliseconds a photo, finding included."""
    counted: Counter[str] = Counter()
    ms = []
    own = getattr(peer, "recognize", None)
    for photo in photos:
        began = time.process_time()
        answers = own(photo.picture) if own else _read(peer, photo, strict, evidence)
        ms.append(1e3 * (time.process_time() - began) + (0.0 if own else photo.ms))
        counted.update(verdict.outcome for verdict in judge(photo.name, photo.labels, answers, evidence.known))
    return {"outcomes": dict(sorted(counted.items())), "photos": len(ms), "ms": float(np.median(ms))}


def _read(peer: Peer, photo: Photo, strict: float, evidence: Evidence) -> list[Mapping[str, Any]]:
    read: list[tuple[float, np.ndarray, int]] = []
    for corners in photo.outlines:
        if any(sure >= strict and _shared(corners, other) > SAME_PLACE for sure, other, _ in read):
            continue
        ranking = peer.rank(rectify(photo.picture, corners, SIZE))
        read.append((ranking.confidence, corners, int(ranking.rows[0])))
    kept: list[tuple[float, np.ndarray, int]] = []
    for answer in sorted(read, key=lambda each: -each[0]):
        if all(_shared(answer[1], other) <= SAME_PLACE for _, other, _ in kept):
            kept.append(answer)
    return [
        {
            "card_id": evidence.card_ids[row],
            "name": evidence.names[row],
            "status": "confirmed" if confidence >= strict else "unknown",
            "candidates": [],
            "similarity": confidence,
            "corners": corners.tolist(),
        }
        for confidence, corners, row in kept
    ]


def _shared(first: np.ndarray, second: np.ndarray) -> float:
    return shared_area(first, second) / max(min(area(first), area(second)), 1e-6)
