"""Which index fits the gallery: ours beside uSearch and FAISS, at equal recall, in time, size and the time to open.

    python benchmarks/index_search.py [--store STORE] [--cards N …] [--queries N] [--output FILE]

The vectors are those of a store's release and copies of them, a tenth of these twins (`indexes/grown_vectors.py`); without a store
they are drawn: 2,000 kernels on the sphere in the place of the cards. Queries lie as far from their card as a
photo does. Ours (a gallery's own search), uSearch (exact, and its graph) and FAISS (flat, scalar-quantized, HNSW, IVF) get the
same vectors; a graph or an inverted file is searched as wide as it takes to reach the recall asked for. Building uses all cores,
searching one.

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
from indexes.contest import KINDS, Rival, compared
from indexes.faiss_indexes import Faiss, library
from indexes.grown_vectors import grown, spread_of, unit
from scorecard.places import ended, opened
from scorecard.ratio import Ratio, write

RESULT = Path(__file__).parent / "results" / "index_search.json"
ASKED = 0.99
"""Recall that every index has to reach."""


def vectors_for(store: Path | None, count: int) -> np.ndarray:
    """So many unit vectors, float32 N×D: a release's own and copies of them, or drawn ones of 768 dimensions."""
    if store is None:
        kernels = np.random.default_rng(0).normal(size=(2000, 768)).astype(np.float32)
    else:
        gallery = opened(store).gallery
        kernels = gallery.vectors(gallery.keys)
    own = unit(kernels[:count])
    return grown(own, spread_of(own), range(count))


def ratios(count: int, rivals: Sequence[Rival]) -> list[Ratio]:
    """Ours beside FAISS flat, and beside the best of the others that reached the recall: the search, and the size of the file."""
    ours = next((rival for rival in rivals if rival.ours), None)
    others = [rival for rival in rivals if not rival.ours and rival.recall >= ASKED]
    if ours is None or not others:
        return []
    search, reached = f"search of {count:,}, one core", f"of the others at recall {ASKED:.0%}"
    fast, small = (min(getattr(other, what) for other in others) for what in ("milliseconds", "megabytes"))
    return [
        *(
            Ratio(search, other.name, ours.milliseconds / other.milliseconds)
            for other in others
            if other.name == "FAISS flat"
        ),
        Ratio(search, f"the fastest {reached}", ours.milliseconds / fast),
        Ratio(f"file of {count:,}", f"the smallest {reached}", ours.megabytes / small),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, search, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="a store with a release: its vectors (default: drawn ones)")
    parser.add_argument("--cards", type=int, nargs="+", default=[17592], metavar="N")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=KINDS, default=list(KINDS), help=f"of {', '.join(KINDS)}"
    )
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    if any(isinstance(KINDS[name], Faiss) for name in given.only):
        library()  # before the rest is built for nothing
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
    sys.exit(ended(main))
