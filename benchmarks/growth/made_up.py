"""Embeddings without a model, for galleries that this machine can't embed in the time: what follows takes them for real."""

from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pcr_assets import digests, layout
from pcr_assets.assets.cards import read_scans
from pcr_assets.assets.reference import MODELS
from pcr_assets.gallery import embeddings
from pcr_assets.gallery.keys import keys_of


def publish_embeddings(project: Any) -> None:
    """Publish an embedding for every processed scan, a unit vector drawn from its pixels' digest, as both models' own.

    It says of itself what ``card_embeddings`` says, so that asset embeds only what comes later.
    """
    from edge_runtime.embedder import OnnxEmbedder

    artifacts = project.artifacts
    processed = artifacts.current(layout.PROCESSED)
    scans = read_scans(artifacts, processed).table
    variants, files = {}, {}
    with project.passing_workdir() as work:
        for variant, (name, file) in MODELS.items():
            model = artifacts.current(name)
            digest, embedder = model.files[file].sha256, OnnxEmbedder(artifacts.fetch(model, file))
            sets = {}
            for set_id, entry in processed.record["sets"].items():
                shard = _shard(scans.filter(pc.equal(scans["set"], set_id)), embedder.dim)
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


def _shard(scans: pa.Table, dim: int) -> pa.Table:
    views = list(zip(scans["card_id"].to_pylist(), scans["view"].to_pylist(), strict=True))
    keys = keys_of(views)
    drawn = [
        np.random.default_rng(int(pixels[:16], 16)).normal(size=dim) for pixels in scans["pixel_digest"].to_pylist()
    ]
    vectors = np.array([vector / np.linalg.norm(vector) for vector in drawn], np.float32).reshape(len(views), dim)
    return pa.table(
        {
            **{name: scans[name].combine_chunks() for name in ("card_id", "view", "pixel_digest")},
            "key": pa.array([keys[view] for view in views], pa.uint64()),
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dim),
        }
    )
