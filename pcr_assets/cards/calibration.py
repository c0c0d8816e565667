"""The calibration set: camera-like crops of cards of all sets, from which compilers learn the range of activations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from edge_runtime.geometry import whole_card
from pcr_assets.cards.reader import CardImages
from pcr_assets.cards.settings import CalibrationSettings
from pcr_assets.imaging import camera


def stratified(sets: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Row numbers, int64 sorted, of at most ``count`` rows, from each set in proportion (largest remainder).

    ``sets`` names the set of each row.
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for row, set_id in enumerate(sets):
        members[set_id].append(row)
    shares = _shares({set_id: len(rows) for set_id, rows in members.items()}, min(count, len(sets)))
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(members[set_id], shares[set_id], replace=False) for set_id in sorted(members)]
    return np.sort(np.concatenate(chosen or [np.empty(0, np.int64)]))


def _shares(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    exact = {set_id: count * size / sum(sizes.values()) for set_id, size in sizes.items()}
    shares = {set_id: int(value) for set_id, value in exact.items()}
    by_remainder = sorted(sizes, key=lambda set_id: (shares[set_id] - exact[set_id], set_id))
    for set_id in by_remainder[: count - sum(shares.values())]:
        shares[set_id] += 1
    return shares


def crops(cards: CardImages, rows: Sequence[int], size: tuple[int, int], settings: CalibrationSettings) -> np.ndarray:
    """Camera-like crops of those rows, uint8 N×H×W×3 RGB, as the compiler wants them; ``count`` of them, cards repeat if few."""
    shots = [rows[index % len(rows)] for index in range(settings.count)]
    made = (
        camera.rectified(cards.image(row), np.random.default_rng([settings.seed, index]), settings.strength, size)
        for index, row in enumerate(shots)
    )
    return np.stack(list(made))


def clean_cards(cards: CardImages, rows: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """Those rows' clean cards as the gallery sees them, uint8 N×H×W×3 RGB."""
    return np.stack([whole_card(cards.image(row), size) for row in rows])
