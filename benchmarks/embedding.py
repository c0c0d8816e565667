"""How fast is the gallery embedded, beside the bare network at its best batch?

    python benchmarks/embedding.py --store STORE [--cards N] [--output FILE]

`embed_shard` reads a processed set, decodes, cuts out and embeds it with the release's own model on all cores. The named limit
is ONNX Runtime with the same model and threads on as many ready pictures, at the batch that suits it best. All take turns.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scorecard.places import ended, opened
from scorecard.ratio import Ratio, write

from pcr_assets.assets.dataset import snapshot_files
from pcr_assets.gallery.embeddings import embed_shard
from pcr_assets.learning import onnx_graph
from pcr_assets.resources.project import Project

RESULT = Path(__file__).parent / "results" / "embedding.json"
BATCHES = (1, 4, 8, 16, 32, 64)
TURNS = 3
"""That are counted; one before them warms all up."""


def pace(work: Callable[[], object], images: int) -> float:
    """Images in a second of wall clock."""
    start = time.perf_counter()
    work()
    return images / (time.perf_counter() - start)


def bare(model: Path, pictures: np.ndarray, batch: int) -> Callable[[], object]:
    """Run ready pictures, uint8 N×H×W×3, through a model, so many at once, on all cores."""
    session = onnx_graph.session(model, threads=len(os.sched_getaffinity(0)))
    name = session.get_inputs()[0].name

    def work() -> None:
        for start in range(0, len(pictures), batch):
            session.run(None, {name: pictures[start : start + batch]})

    return work


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True, help="store with a release")
    parser.add_argument("--cards", type=int, default=256, help="of the largest set of the store's cards")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    shards = snapshot_files(Project(store=given.store).artifacts)["shards"]
    embedder = opened(Path(given.store), threads=None).embedder
    largest = pq.read_table(max((Path(shard) for shard in shards), key=lambda path: pq.read_metadata(path).num_rows))
    cards = largest.slice(0, given.cards)
    count = len(cards)
    width, height = embedder.input_size
    pictures = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    ways = {f"batch {batch}": bare(embedder.path, pictures, batch) for batch in BATCHES}
    with tempfile.TemporaryDirectory(prefix="embedding-bench-") as work:
        shard = Path(work) / "cards.parquet"
        pq.write_table(cards, shard)
        ways["ours"] = lambda: embed_shard(shard, embedder)
        turns = [{name: pace(way, count) for name, way in ways.items()} for _ in range(1 + TURNS)]
    paces = {name: statistics.median(turn[name] for turn in turns[1:]) for name in ways}
    best = max((name for name in paces if name != "ours"), key=lambda name: paces[name])
    ratio = Ratio(
        "embedding a set, images/s", "bare ONNX Runtime at its best batch", paces["ours"] / paces[best], "higher"
    )
    said = {name: round(value, 1) for name, value in paces.items()}
    result = {"images": count, "images_per_second": said, "best": best}
    write(result, [ratio], given.output)
    print(f"{said}: ours at {ratio.value:.0%} of {best}")
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
