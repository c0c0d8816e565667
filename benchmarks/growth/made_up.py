"""Embeddings without a model, for galleries that this machine can't embed in the time: what follows takes them for real."""

from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pcr_assets import digests, layout
from pcr_assets.assets.cards import read_scans
from pcr_assets.assets.reference import MODELS
from pcr_assets.gallery import embeddings, selftest

EMBEDDED = 2 * selftest.QUERIES
"""Cards that are embedded nevertheless: a release is tested by the answers to some, and none is made that answers none."""


def publish_embeddings(project: Any) -> int:
    """Publish an embedding for every processed scan, a unit vector drawn from its pixels' digest, as both models' own.

    It says of itself what ``card_embeddings`` says, so that asset embeds only what comes later. Gives how many were embedded
    nevertheless, by both models together.
    """
    from edge_runtime.embedder import OnnxEmbedder

    artifacts = project.artifacts
    processed = artifacts.current(layout.PROCESSED)
    scans = read_scans(artifacts, processed).table
    asked = sorted(set(scans["card_id"].to_pylist()), key=selftest.digest_of)[:EMBEDDED]
    real = set(scans.filter(pc.is_in(scans["card_id"], pa.array(asked, pa.string())))["pixel_digest"].to_pylist())
    pixels: dict[str, list[str]] = {}
    for set_id, digest in zip(scans["set"].to_pylist(), scans["pixel_digest"].to_pylist(), strict=True):
        pixels.setdefault(set_id, []).append(digest)
    variants, files = {}, {}
    with project.passing_workdir() as work:
        for variant, (name, file) in MODELS.items():
            model = artifacts.current(name)
            digest, embedder = model.files[file].sha256, OnnxEmbedder(artifacts.fetch(model, file))
            sets = {}
            for set_id, entry in processed.record["sets"].items():
                drawn = {key: _drawn(key, embedder.dim) for key in pixels[set_id] if key not in real}
                shard = embeddings.embed_shard(artifacts.fetch(processed, entry["file"]), embedder, drawn)
                content = embeddings.shard_digest(shard)
                path = f"{variant}/{quote(set_id, safe='')}-{content[:16]}.parquet"
                files[path] = work / path.replace("/", "-")
                embeddings.write_shard(shard, files[path])
                inputs = embeddings.inputs_digest(entry["digest"], digest, embedder.input_size)
                sets[set_id] = {"file": path, "inputs": inputs, "digest": content, "scans": len(shard)}
            made_by = embeddings.embedder_digest(digest, embedder.input_size)
            variants[variant] = {"model": model.digest, "made_by": made_by, "sets": sets}
        record = {"variants": variants, "mean_cosine": dict.fromkeys(MODELS, 0.0)}
        artifacts.publish(layout.EMBEDDINGS, files, digest=digests.of_json(variants), record=record)
    return sum(digest in real for scans_of_set in pixels.values() for digest in scans_of_set) * len(MODELS)


def _drawn(pixels: str, dim: int) -> np.ndarray:
    vector = np.random.default_rng(int(pixels[:16], 16)).normal(size=dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
