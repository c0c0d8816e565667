"""Reference pictures for the edge: one archive for each card set, so that new cards cost what they add and no more."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq

from pcr_assets import digests
from pcr_assets.gallery.embeddings import rectified
from pcr_assets.gallery.keys import keys_of

REFERENCE_VERSION = 2
"""Raise it when pictures come out otherwise: all archives are then made anew."""
JPEG_QUALITY = 75


def inputs_digest(cards_digest: str) -> str:
    """What the archive of a set is made from: its cards, and how they are scaled and packed."""
    from edge_runtime.judging.references import SIZE

    return digests.of_json([cards_digest, list(SIZE), JPEG_QUALITY, REFERENCE_VERSION])


def write_archive(cards: Path, archive: Path, threads: int | None = None) -> int:
    """Pack the pictures and local features of one set (a shard of processed cards), give their number.

    ``threads`` work on it, as many as there are cores by default.

    Each scan is cut out the way the edge cuts a card out of a photo, and named by its key in the index.
    """
    from edge_runtime.judging.references import features_name, picture_name

    table = pq.read_table(cards, columns=["card_id", "view", "image"]).to_pydict()
    views = list(zip(table["card_id"], table["view"], strict=True))
    keys = keys_of(views)
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool, zipfile.ZipFile(archive, "w") as packed:
        for view, (picture, points) in zip(views, pool.map(_small, table["image"]), strict=True):
            # Entries of no time of their own: the same pictures give the same archive.
            packed.writestr(zipfile.ZipInfo(picture_name(keys[view])), picture)
            packed.writestr(zipfile.ZipInfo(features_name(keys[view])), points)
    return len(views)


def _small(image: bytes) -> tuple[bytes, bytes]:
    """A card's picture as JPEG, and its local features."""
    from edge_runtime.jpeg import jpeg
    from edge_runtime.judging.features import features
    from edge_runtime.judging.references import SIZE

    small = rectified(image, SIZE)
    return jpeg(small, JPEG_QUALITY), features(small).to_bytes()
