"""Small drawn cards, no two alike, and raw folders of them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from pcr_assets.cards.catalogue import find_catalogue
from pcr_assets.cards.listing import Listing, list_scans
from pcr_assets.resources.store import FolderStore

SIZE = (126, 176)


def card(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A card-shaped picture of soft blobs, uint8 RGB; sizes of one seed look alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (11, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def encoded(image: np.ndarray, form: str = "PNG", **settings: int) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, form, **settings)
    return buffer.getvalue()


def raw_folder(folder: Path, **cards: np.ndarray) -> FolderStore:
    """A raw folder with ``base1_4=picture`` as ``base1-4_Drawn.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    for card_id, image in cards.items():
        (folder / f"{card_id.replace('_', '-')}_Drawn.png").write_bytes(encoded(image))
    return FolderStore(str(folder))


def listed(raw: FolderStore) -> Listing:
    """The listing of a raw folder, with the catalogue inside it."""
    return list_scans(raw.list(), find_catalogue(raw, None))
