"""Which cards show the same art: reprints that are told apart by number, frame or set symbol, or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from networkx.utils import UnionFind

from pcr_assets.cards.names import plain
from pcr_assets.imaging.art import likeness, middles

NEAR = 8
"""Bits of 256 by which the pHashes of two scans of one art differ at most, whatever the cards are called."""
NEAR_SAME_NAME = 52
"""The same for cards of one name: a foil, another frame or another set's symbol moves up to 64 bits.

Looked at on 4,387 real scans: cards of other names come as near as 28 (basic energies), other art of the same name as near
as 66, two scans of one card stay below 20. Both limits keep away from the wrong ones, as larger collections come nearer.
"""
SAME_ART = 0.9
"""Likeness of the art, as :mod:`pcr_assets.imaging.art` has it, from which cards of one name share it though their hashes
don't: a reprint in another frame moves up to 136 bits.

Looked at on 4,387 real scans, 2,059 pairs of one name and within 100 bits by the hash of the whole card or of the art's place:
576 of the 607 whose art agrees in 25 local features or more (ORB under one homography, as in ``edge_runtime.judging.second_look``)
are this alike, none of the 1,374 that agree in fewer than 10.
"""
PIECES = NEAR + 1
"""Two hashes that differ in no more than ``NEAR`` bits are the same in one of so many pieces, wherever the bits lie."""


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
    art: np.ndarray,
    fresh: np.ndarray | None = None,
) -> list[Twins]:
    """All pairs of different cards with the same art, closest first, each pair once.

    One entry a scan; ``hashes``: uint8 (N, 32), the pHash of each; ``art``: uint8 (N, 15, 20), its art's thumbnail. ``fresh``,
    bool N: only pairs with one of these scans, by default all. Compared are scans of one name, and scans whose hashes share a
    piece: time grows with N, and with the square of how many scans have one name; memory with N.
    """
    found: dict[tuple[str, str], Twins] = {}
    asked = np.ones(len(hashes), bool) if fresh is None else fresh
    for row, column, distance in _close_pairs(names, hashes, art, asked):
        first, second = sorted((card_ids[row], card_ids[column]))
        if first == second:
            continue
        kind = "exact" if pixel_digests[row] == pixel_digests[column] else "near"
        known = found.get((first, second))
        if known is None or distance < known.distance or kind == "exact":
            found[first, second] = Twins(first, second, kind, distance)
    return in_order(found.values())


def in_order(twins: Iterable[Twins]) -> list[Twins]:
    """Twins in the order of their distance and names."""
    return sorted(twins, key=lambda pair: (pair.distance, pair.card_id, pair.other_id))


def _close_pairs(
    names: Sequence[str], hashes: np.ndarray, art: np.ndarray, fresh: np.ndarray
) -> Iterator[tuple[int, int, int]]:
    """Pairs of a fresh scan and any other that are near for their names, with their distance; some more than once."""
    if not len(hashes):
        return
    words = np.ascontiguousarray(hashes).view(np.uint64)
    alike = _Alike(art)
    _, called = np.unique([plain(name) for name in names], return_inverse=True)
    for row, column, distance in _together(called, words, fresh):
        if distance <= NEAR_SAME_NAME or alike(row, column):
            yield row, column, distance
    for piece in np.array_split(np.unpackbits(hashes, axis=1), PIECES, axis=1):
        values = piece.astype(np.uint64) @ (1 << np.arange(piece.shape[1], dtype=np.uint64))
        yield from _together(values, words, fresh, NEAR)


class _Alike:
    """Whether the art of two scans is the same; what is looked for of each is cut out once."""

    def __init__(self, art: np.ndarray):
        self.art = art
        self._middles = cache(lambda row: middles(art[row]))

    def __call__(self, row: int, column: int) -> bool:
        return (
            likeness(self.art[column], self._middles(row)) >= SAME_ART
            or likeness(self.art[row], self._middles(column)) >= SAME_ART
        )


def _together(
    values: np.ndarray, words: np.ndarray, fresh: np.ndarray, most: int = 256
) -> Iterator[tuple[int, int, int]]:
    """Of the scans that have the same value, the pairs with a fresh one whose hashes differ in ``most`` bits at most."""
    order = np.flatnonzero(np.isin(values, values[fresh]))
    order = order[np.argsort(values[order], kind="stable")]
    step, left = 1, np.arange(len(order))
    while len(left := left[left + step < len(order)]):
        # Sorted by their value, scans of one value stand together: those that are not ``step`` apart are not farther apart.
        left = left[values[order[left]] == values[order[left + step]]]
        rows, columns = order[left], order[left + step]
        asked = fresh[rows] | fresh[columns]
        rows, columns = rows[asked], columns[asked]
        distances = np.bitwise_count(words[rows] ^ words[columns]).sum(axis=1)
        close = distances <= most
        yield from zip(rows[close].tolist(), columns[close].tolist(), distances[close].tolist(), strict=True)
        step += 1


def art_groups(card_ids: Sequence[str], twins: Sequence[Twins]) -> dict[str, str]:
    """The art group of each card: the smallest card id among those that share its art, directly or through others."""
    groups, smallest = UnionFind(), dict[str, str]()
    for pair in twins:
        groups.union(pair.card_id, pair.other_id)
    return {card_id: smallest.setdefault(groups[card_id], card_id) for card_id in sorted(set(card_ids))}
