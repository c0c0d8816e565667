"""Embeddings of all cards, a shard for each set, so that new cards cost what they add and no more."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def inputs_digest(cards_digest: str, model_digest: str, input_size: tuple[int, int]) -> str:
    """What the embeddings of a set are made from: its cards, the model, and the way cards are cut out."""
    return digests.of_json([cards_digest, model_digest, list(input_size), RECTIFY_VERSION])


def embed_shard(cards: Path, embedder: "Embedder") -> pa.Table:
    """Embed the processed cards of one set (Parquet with card_id, view, image), in the order of the file, on all cores.

    Returns columns card_id string, view int32, key uint64, embedding fixed_size_list<float32>[D]. Each scan is cut out the
    way the edge cuts a card out of a photo, its own frame as corners. Raises ``KeyCollision``, and ValueError for an
    image that does not decode.
    """
    card_ids: list[str] = []
    views: list[int] = []
    vectors = [np.empty((0, embedder.dim), dtype=np.float32)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for batch in _batches(cards):
            card_ids += batch["card_id"]
            views += batch["view"]
            cut = pool.map(lambda image: _rectified(image, embedder.input_size), batch["image"])
            vectors.append(embedder.embed(np.stack(list(cut))))
    keys = keys_of(zip(card_ids, views, strict=True))
    return pa.table(
        {
            "card_id": pa.array(card_ids, pa.string()),
            "view": pa.array(views, pa.int32()),
            "key": pa.array([keys[view] for view in zip(card_ids, views, strict=True)], pa.uint64()),
            "embedding": pa.FixedSizeListArray.from_arrays(
                pa.array(np.concatenate(vectors).astype(np.float32, copy=False).ravel()), embedder.dim
            ),
        }
    )


def _batches(cards: Path) -> Iterator[dict[str, list[Any]]]:
    with pq.ParquetFile(cards) as file:
        for batch in file.iter_batches(batch_size=BATCH, columns=["card_id", "view", "image"]):
            yield batch.to_pydict()


def _rectified(image: bytes, size: tuple[int, int]) -> np.ndarray:
    import cv2

    from edge_runtime.geometry import full_frame, rectify

    card = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB)
    if card is None:
        raise ValueError("a card's image in a processed shard does not decode: rebuild processed_cards")
    height, width = card.shape[:2]
    return rectify(card, full_frame(width, height), size)


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


def write_shard(shard: pa.Table, path: Path) -> None:
    """Write a shard; the same content gives the same bytes under the same pyarrow."""
    pq.write_table(shard, path, compression="zstd", use_dictionary=["card_id"])


def read_shard(path: Path) -> pa.Table:
    """Read a shard that :func:`write_shard` wrote."""
    return pq.read_table(path)
