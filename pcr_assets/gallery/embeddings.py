"""Embeddings of all cards, a shard for each set, so that new cards cost what they add and no more."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pcr_assets import digests
from pcr_assets.gallery.keys import keys_of

if TYPE_CHECKING:
    from edge_runtime.embedder import Embedder

RECTIFY_VERSION = 1
"""Raise it when ``edge_runtime.geometry.rectify`` gives other pixels: all shards are then embedded again."""
BATCH = 32
MOST_SETS = 200
"""Sets of which a sample is taken at most: to open the shard of one takes as long as to compare hundreds of scans."""


def embedder_digest(model_digest: str, input_size: tuple[int, int]) -> str:
    """What makes a card's vector out of its pixels: the model, and the way cards are cut out."""
    return digests.of_json([model_digest, list(input_size), RECTIFY_VERSION])


def inputs_digest(cards_digest: str, model_digest: str, input_size: tuple[int, int]) -> str:
    """What the embeddings of a set are made from: its cards, the model, and the way cards are cut out."""
    return digests.of_json([cards_digest, model_digest, list(input_size), RECTIFY_VERSION])


def embed_shard(
    cards: Path, embedder: "Embedder", known: Mapping[str, np.ndarray] | None = None, threads: int | None = None
) -> pa.Table:
    """Embed the processed cards of one set (Parquet with card_id, view, pixel_digest, image), in the order of the file.

    ``known``: vectors that this embedder gave before, by the digest of the card's pixels; only the other cards are embedded,
    cut out by ``threads`` threads, as many as there are cores by default. A card's vector is the same whichever cards share
    its batch. Returns columns card_id string, view int32, pixel_digest string, key uint64, embedding
    fixed_size_list<float32>[D]. Each scan is cut out the way the edge cuts a card out of a photo, its own frame as corners.
    Raises ``KeyCollision``, and ValueError for an image that does not decode.
    """
    table = pq.read_table(cards, columns=["card_id", "view", "pixel_digest"])
    views = list(zip(table["card_id"].to_pylist(), table["view"].to_pylist(), strict=True))
    keys, pixels = keys_of(views), table["pixel_digest"].to_pylist()
    vectors = dict(known or {})
    fresh = [row for row, digest in enumerate(pixels) if digest not in vectors]
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        for rows, images in _batches(cards, fresh):
            cut = pool.map(lambda image: rectified(image, embedder.input_size), images)
            vectors |= zip((pixels[row] for row in rows), embedder.embed(np.stack(list(cut))), strict=True)
    found = np.array([vectors[digest] for digest in pixels], dtype=np.float32).reshape(len(pixels), embedder.dim)
    return pa.table(
        {
            **{name: table[name] for name in table.column_names},
            "key": pa.array([keys[view] for view in views], pa.uint64()),
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(found.ravel()), embedder.dim),
        }
    )


def _batches(cards: Path, rows: Sequence[int]) -> Iterator[tuple[Sequence[int], list[bytes]]]:
    """The images of some rows, a few at a time."""
    if not rows:
        return
    images = pq.read_table(cards, columns=["image"])["image"]
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        yield some, [images[row].as_py() for row in some]


def known_vectors(shard: pa.Table) -> dict[str, np.ndarray]:
    """The vectors of a shard by the digest of the card's pixels: what need not be embedded again by the same model."""
    if "pixel_digest" not in shard.column_names:
        return {}
    return dict(zip(shard["pixel_digest"].to_pylist(), vectors_of(shard), strict=True))


def rectified(image: bytes, size: tuple[int, int]) -> np.ndarray:
    """A card as the edge would cut it out, uint8 RGB H×W×3 of ``size`` (width, height), from its image in a processed shard."""
    import cv2

    from edge_runtime.geometry import whole_card

    card = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB)
    if card is None:
        raise ValueError("a card's image in a processed shard does not decode: rebuild processed_cards")
    return whole_card(card, size)


def shard_digest(shard: pa.Table) -> str:
    """The digest of a shard's content, independent of how Parquet lays it out."""
    return digests.of_arrays(
        {
            "card_id": np.array(shard["card_id"].to_pylist(), dtype=np.str_),
            "view": shard["view"].to_numpy(),
            "key": shard["key"].to_numpy(),
            "embedding": vectors_of(shard),
        }
    )


def vectors_of(shard: pa.Table) -> np.ndarray:
    """The embeddings of a shard, float32 N×D."""
    column = shard["embedding"].combine_chunks()
    return np.asarray(column.flatten()).reshape(-1, column.type.list_size)


def sample_of_sets(scans: Mapping[str, int], enough: int, most: int = MOST_SETS) -> list[str]:
    """Sets, evenly over their names, that have ``enough`` scans together, or all sets; ``most`` of them, where sets are tiny.

    ``scans``: how many each set has.
    """
    names = sorted(scans)
    step = max(1, sum(scans.values()) // enough, -(-len(names) // most))
    picked, others = names[::step], [name for first in range(1, step) for name in names[first::step]]
    while others and len(picked) < most and sum(scans[name] for name in picked) < enough:
        picked.append(others.pop(0))
    return picked


def write_shard(shard: pa.Table, path: Path) -> None:
    """Write a shard; the same content gives the same bytes under the same pyarrow."""
    pq.write_table(shard, path, compression="zstd", use_dictionary=["card_id"])


def read_shard(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a shard that :func:`write_shard` wrote, or some columns of it. ``read_table`` takes twice as long for a small one."""
    with pq.ParquetFile(path) as file:
        return file.read(columns, use_threads=False)
