"""Which index fits the gallery: ours beside FAISS, at equal recall, in time, memory and the time to open.

    python benchmarks/index_search.py [--store STORE] [--cards N …] [--queries N] [--output FILE]

The vectors are those of a store's release and copies of them, a tenth of these twins (`indexes/grown_vectors.py`); without a store
they are drawn: 2,000 kernels on the sphere in the place of the cards. Queries lie as far from their card as a
photo does. uSearch (exact, and its graph) and FAISS (flat, scalar-quantized, HNSW, IVF) get the same vectors; a graph or an
inverted file is searched as wide as it takes to reach the recall asked for. Building uses all cores, searching one.

Recall is that of the nearest card by exact 32-bit arithmetic, where equal similarities (twins) count as equal.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from device.searching import queries_near
from indexes.contest import Rival, compared
from indexes.grown_vectors import grown, spread_of, unit
from scorecard.ratio import Ratio, write

RESULT = Path(__file__).parent / "results" / "index_search.json"
ASKED = 0.99
"""Recall that every index has to reach."""


def vectors_for(store: Path | None, count: int) -> np.ndarray:
    """So many unit vectors, float32 N×D: a release's own and copies of them, or drawn ones of 768 dimensions."""
    if store is None:
        kernels = np.random.default_rng(0).normal(size=(2000, 768)).astype(np.float32)
    else:
        from frame import opened

        gallery = opened(store).gallery
        kernels = gallery.vectors(gallery.keys)
    own = unit(kernels[:count])
    return grown(own, spread_of(own), range(count))


def ratios(count: int, rivals: Sequence[Rival]) -> list[Ratio]:
    """Ours beside the best of the peers that reached the recall: the search, and the memory."""
    ours = next(rival for rival in rivals if rival.ours)
    peers = [rival for rival in rivals if not rival.ours and rival.recall >= ASKED]
    if not peers:
        return []
    fast, small = min(peers, key=lambda peer: peer.milliseconds), min(peers, key=lambda peer: peer.megabytes)
    exact = next(rival for rival in rivals if rival.name == "FAISS flat")
    return [
        Ratio(f"search of {count:,}, one core", exact.name, ours.milliseconds / exact.milliseconds),
        Ratio(
            f"search of {count:,}, one core",
            f"the fastest of FAISS at recall {ASKED:.0%}",
            ours.milliseconds / fast.milliseconds,
        ),
        Ratio(
            f"memory for {count:,}", f"the smallest of FAISS at recall {ASKED:.0%}", ours.megabytes / small.megabytes
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, search, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="a store with a release: its vectors (default: drawn ones)")
    parser.add_argument("--cards", type=int, nargs="+", default=[17592], metavar="N")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", nargs="+", help="names of indexes to compare (default: all)")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    sizes: dict[str, Any] = {}
    found: list[Ratio] = []
    for count in given.cards:
        vectors = vectors_for(given.store, count)
        with tempfile.TemporaryDirectory(prefix="index-bench-") as work:
            rivals = compared(vectors, queries_near(vectors, given.queries), ASKED, Path(work), given.only)
        sizes[str(count)] = [rival.as_json() for rival in rivals]
        found += ratios(count, rivals)
        result = {"dimensions": vectors.shape[1], "recall_asked": ASKED, "sizes": sizes}
        write(result, found, given.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
