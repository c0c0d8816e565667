"""Which cards show the same art: reprints that are told apart by number, frame or set symbol, or not at all."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pcr_assets.imaging.hashing import hamming

NEAR = 8
"""Bits of 256 by which the pHashes of two scans of one art differ at most, whatever the cards are called."""
NEAR_SAME_NAME = 52
"""The same for cards of one name: a foil, another frame or another set's symbol moves up to 64 bits.

Looked at on 4,387 real scans: cards of other names come as near as 28 (basic energies), other art of the same name as near
as 66, two scans of one card stay below 20. Both limits keep away from the wrong ones, as larger collections come nearer.
"""
CHUNK = 1024


@dataclass(frozen=True)
class Twins:
    """Two cards with the same art: ``kind`` is ``exact`` (the same pixels) or ``near``; ``distance`` in bits of 256."""

    card_id: str
    other_id: str
    kind: str
    distance: int


def find_twins(
    card_ids: Sequence[str],
    names: Sequence[str],
    pixel_digests: Sequence[str],
    hashes: np.ndarray,
    fresh: np.ndarray | None = None,
) -> list[Twins]:
    """All pairs of different cards with the same art, closest first, each pair once.

    One entry a scan; ``hashes``: uint8 (N, 32), the pHash of each. ``fresh``, bool N: only pairs with one of these scans, by
    default all. Time grows with N times the number of fresh scans, memory with N.
    """
    found: dict[tuple[str, str], Twins] = {}
    plain = [_plain(name) for name in names]
    for row, column, distance in _close_pairs(hashes, np.ones(len(hashes), bool) if fresh is None else fresh):
        first, second = sorted((card_ids[row], card_ids[column]))
        if first == second or (distance > NEAR and plain[row] != plain[column]):
            continue
        kind = "exact" if pixel_digests[row] == pixel_digests[column] else "near"
        known = found.get((first, second))
        if known is None or distance < known.distance or kind == "exact":
            found[first, second] = Twins(first, second, kind, distance)
    return in_order(found.values())


def in_order(twins: Iterable[Twins]) -> list[Twins]:
    """Twins in the order of their distance and names."""
    return sorted(twins, key=lambda pair: (pair.distance, pair.card_id, pair.other_id))


def _plain(name: str) -> str:
    """A name without case, accents' spelling and punctuation: sources differ in them."""
    return "".join(character for character in unicodedata.normalize("NFKD", name.casefold()) if character.isalnum())


def _close_pairs(hashes: np.ndarray, fresh: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Pairs of a fresh scan and any other, each once: the fresh ones stand first, each is compared with those behind it."""
    order = np.argsort(~fresh, kind="stable")
    ordered = hashes[order]
    for start in range(0, int(fresh.sum()), CHUNK):
        stop = min(start + CHUNK, int(fresh.sum()))
        distances = hamming(ordered[start:stop], ordered[start:])
        for row, column in np.argwhere(distances <= NEAR_SAME_NAME):
            if column > row:
                yield int(order[start + row]), int(order[start + column]), int(distances[row, column])


def art_groups(card_ids: Sequence[str], twins: Sequence[Twins]) -> dict[str, str]:
    """The art group of each card: the smallest card id among those that share its art, directly or through others."""
    parent = {card_id: card_id for card_id in card_ids}

    def root(card_id: str) -> str:
        while parent[card_id] != card_id:
            parent[card_id] = parent[parent[card_id]]
            card_id = parent[card_id]
        return card_id

    for pair in twins:
        first, second = sorted((root(pair.card_id), root(pair.other_id)))
        parent[second] = first
    return {card_id: root(card_id) for card_id in sorted(parent)}
