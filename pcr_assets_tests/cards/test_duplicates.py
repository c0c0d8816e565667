"""Which cards share their art."""

from itertools import combinations, permutations

import cv2
import numpy as np
import pytest

from pcr_assets.cards.duplicates import NEAR, NEAR_SAME_NAME, Twins, art_groups, find_twins
from pcr_assets.imaging.hashing import hamming

BASE = np.random.default_rng(0).integers(0, 256, 32, dtype=np.uint8)


def off_by(bits: int) -> np.ndarray:
    """A hash that differs from BASE in so many bits."""
    flipped = np.unpackbits(BASE)
    flipped[:bits] ^= 1
    return np.packbits(flipped)


def unlike(count: int) -> np.ndarray:
    """Art that nobody shares."""
    return np.random.default_rng(9).integers(0, 256, (count, 15, 20), dtype=np.uint8)


def twins(*cards: tuple[str, str, str, np.ndarray], art: np.ndarray | None = None) -> list[Twins]:
    ids, names, pixels, hashes = zip(*cards, strict=True)
    return find_twins(ids, names, pixels, np.stack(hashes), unlike(len(cards)) if art is None else art)


def test_the_same_pixels_are_exact_twins_whatever_the_cards_are_called():
    assert twins(("a-1", "Mew", "x", BASE), ("b-1", "Mewtwo", "x", BASE)) == [Twins("a-1", "b-1", "exact", 0)]


def test_of_several_scans_the_one_with_the_same_pixels_makes_exact_twins_though_another_has_the_same_hash():
    scans = ("a-1", "Mew", "x", BASE), ("a-1", "Mew", "y", BASE), ("b-1", "Mew", "y", BASE)
    for order in permutations(scans):
        assert twins(*order) == [Twins("a-1", "b-1", "exact", 0)]


@pytest.mark.parametrize(
    ("bits", "other_name", "found"),
    [
        (NEAR_SAME_NAME, "Mew", True),
        (NEAR_SAME_NAME + 1, "Mew", False),
        (NEAR, "Mewtwo", True),
        (NEAR + 1, "Mewtwo", False),
    ],
)
def test_how_near_is_near_depends_on_the_names(bits, other_name, found):
    assert bool(twins(("a-1", "Mew", "x", BASE), ("b-1", other_name, "y", off_by(bits)))) is found


@pytest.mark.parametrize(("moved", "other_name", "found"), [(2, "Mew", True), (9, "Mew", False), (2, "Mewtwo", False)])
def test_a_reprint_in_another_frame_is_found_by_its_art(moved, other_name, found):
    """The art may lie elsewhere in the frame, by a little; and only cards of one name are compared by it."""
    picture = cv2.GaussianBlur(unlike(1)[0].repeat(2, axis=0).repeat(2, axis=1), (0, 0), 2)
    art = np.stack([picture[:15, :20], picture[moved : 15 + moved, moved : 20 + moved]])
    assert bool(twins(("a-1", "Mew", "x", BASE), ("b-1", other_name, "y", off_by(90)), art=art)) is found


def test_spelling_makes_no_other_name():
    (pair,) = twins(("a-1", "Farfetch'd", "x", BASE), ("b-1", "Farfetch’d", "y", off_by(NEAR_SAME_NAME)))
    assert (pair.kind, pair.distance) == ("near", NEAR_SAME_NAME)


def test_two_views_of_one_card_are_no_twins():
    assert twins(("a-1", "Mew", "x", BASE), ("a-1", "Mew", "y", off_by(3))) == []


def test_a_pair_is_told_once_by_its_nearest_views():
    (pair,) = twins(
        ("a-1", "Mew", "x", off_by(20)),
        ("a-1", "Mew", "y", BASE),
        ("b-1", "Mew", "z", off_by(5)),
        ("b-1", "Mew", "y", BASE),
    )
    assert pair == Twins("a-1", "b-1", "exact", 0)


def test_pairs_are_found_across_the_pieces_in_which_they_are_compared():
    others = np.random.default_rng(1).integers(0, 256, (1500, 32), dtype=np.uint8)
    cards = [(f"x-{number}", f"n{number}", f"p{number}", row) for number, row in enumerate(others)]
    (pair,) = twins(("a-1", "Mew", "x", BASE), *cards, ("b-1", "Mew", "y", off_by(9)))
    assert (pair.card_id, pair.other_id, pair.distance) == ("a-1", "b-1", 9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", (1.0, 0.1))
def test_what_is_found_is_what_comparing_each_scan_with_each_finds(seed, share):
    rng = np.random.default_rng(seed)
    art = rng.integers(0, 256, (12, 32), dtype=np.uint8)[rng.integers(0, 12, 200)]
    flips = np.array([rng.permutation(256) < rng.integers(0, 40) for _ in art])
    hashes = art ^ np.packbits(flips, axis=1)
    ids = [f"c-{rng.integers(0, 150)}" for _ in art]
    names, pixels = [f"n{rng.integers(0, 5)}" for _ in art], [f"p{rng.integers(0, 150)}" for _ in art]
    fresh = rng.random(len(art)) < share
    expected = {}
    for row, column in combinations(range(len(art)), 2):
        pair = tuple(sorted((ids[row], ids[column])))
        distance = int(hamming(hashes[row][None], hashes[column][None])[0, 0])
        near = distance <= (NEAR_SAME_NAME if names[row] == names[column] else NEAR)
        if pair[0] != pair[1] and near and (fresh[row] or fresh[column]):
            expected[pair] = min(distance, expected.get(pair, 256))
    found = find_twins(ids, names, pixels, hashes, unlike(len(ids)), fresh)
    assert expected
    assert {(pair.card_id, pair.other_id): pair.distance for pair in found} == expected


def test_of_nothing_nothing_is_found():
    assert find_twins([], [], [], *2 * [np.empty((0, 32), np.uint8)]) == []


def test_a_group_is_called_by_its_smallest_card_and_joins_through_others():
    pairs = [Twins("c-1", "b-1", "near", 9), Twins("b-1", "a-1", "exact", 0)]
    assert art_groups(["a-1", "b-1", "c-1", "d-1"], pairs) == {"a-1": "a-1", "b-1": "a-1", "c-1": "a-1", "d-1": "d-1"}
