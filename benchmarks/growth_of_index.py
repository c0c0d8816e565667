"""Does the index grow no faster than the gallery? Its build, the change of one set, opening and searching, up to a million scans.

    python benchmarks/growth_of_index.py [--store STORE] [--scans N …] [--work DIR] [--output FILE]

The vectors are those of a store, then copies moved in the directions in which these differ, a tenth of them twins
(`growth/grown_index.py`); without a store they are drawn. They are written as the shards of sets of 100 scans, and the product's
own code does the rest: `update_index` on all cores builds the index from nothing, then adds a card to one set, `Gallery` maps the
file and searches on one core. Each part is a process of its own, so that its memory can be told. Limits: 4 GiB of memory for
building, 5 ms for a search, recall of 99 %. Peer: FAISS, flat, over the same vectors. A million scans take some 9 GB of disk and
6 GB of memory (FAISS's, and the vectors').
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from indexes.faiss_indexes import library
from scorecard import page
from scorecard.machine import machine
from scorecard.places import ended
from scorecard.processes import answer_of
from scorecard.ratio import Ratio, write

from edge_runtime.gallery import EXACT_UP_TO
from pcr_assets import layout
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store

RESULT = Path(__file__).parent / "results" / "growth_of_index.json"
PARTS = ("build", "change", "catalogue", "search", "flat")
MOST_MEMORY, MOST_MILLISECONDS, LEAST_RECALL = 4 * 2**30 / 1e6, 5.0, 0.99


def run(*words: str) -> dict[str, Any]:
    """A part in a process of its own."""
    return answer_of("-m", "growth.grown_index", *words)


def row(place: Path, count: int, store: str) -> dict[str, Any]:
    """All parts for one size; prints each."""
    said = run("vectors", str(place), str(count), store)
    for part in PARTS:
        said[part] = {**run(part, str(place)), "load": round(os.getloadavg()[0], 1)}
        print(f"{count:>9,} {part:9} {json.dumps(said[part])}", file=sys.stderr, flush=True)
    return said


def ratios(said: dict[str, Any]) -> list[Ratio]:
    """One size beside its limits and its peer."""
    scans, search, flat = f"{said['scans']:,} scans", said["search"], said["flat"]
    through_the_graph = said["scans"] > EXACT_UP_TO  # fewer are all compared, whatever a graph would save
    return [
        Ratio(f"memory for building {scans}", "4 GiB", said["build"]["peak_mb"] / MOST_MEMORY, asked=1.0),
        Ratio(
            f"search of {scans}",
            "5 ms",
            search["cpu_milliseconds"]["median"] / MOST_MILLISECONDS,
            asked=1.0 if through_the_graph else None,
        ),
        Ratio(f"recall of {scans}", "99 %", search["recall"] / LEAST_RECALL, better="higher", asked=1.0),
        Ratio(
            f"search of {scans}",
            "FAISS flat",
            search["cpu_milliseconds"]["median"] / flat["cpu_milliseconds"]["median"],
        ),
        Ratio(
            f"one set changed in {scans}, seconds",
            "the full build",
            said["change"]["update"]["cpu_seconds"] / said["build"]["update"]["cpu_seconds"],
        ),
    ]


def growth(smaller: dict[str, Any], larger: dict[str, Any]) -> list[Ratio]:
    """What a scan costs in the larger gallery beside one in the smaller: 1 is a straight line."""
    pair = f"{larger['scans']:,} beside {smaller['scans']:,}: a scan's"

    def each(said: dict[str, Any], part: str, what: str) -> float:
        value = said[part]["update"][what] if what == "cpu_seconds" else said[part][what]
        return float(value) / said["scans"]

    return [
        Ratio(f"{pair} {what}", "a straight line", each(larger, "build", key) / each(smaller, "build", key))
        for what, key in (("seconds of building", "cpu_seconds"), ("bytes of index", "file_mb"))
    ]


def known(output: Path, about: Mapping[str, object], vectors: str) -> list[dict[str, Any]]:
    """The sizes that an earlier run measured over the same vectors on such a machine: a million takes an hour, and need not come
    again."""
    said = page.read(output)
    return said["sizes"] if said.get("vectors") == vectors and page.same_processor(about, said) else []


def main(arguments: Sequence[str] | None = None) -> int:
    """Grow, print, write after each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="", help="a built store: its embeddings (default: drawn ones)")
    parser.add_argument("--scans", type=int, nargs="+", default=[1_000, 17_592, 100_000], metavar="N")
    parser.add_argument("--work", help="where the files lie while it runs (default: the system's)")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    vectors = "of a store, and copies as they differ" if given.store else "drawn"
    library()  # before hours of building, and so is the store asked for
    if given.store:
        Artifacts(open_store(f"{given.store}/{layout.PROJECT}")).current(layout.EMBEDDINGS)
    about = machine()
    rows = {said["scans"]: said for said in known(given.output, about, vectors)}
    for count in sorted(given.scans):
        with tempfile.TemporaryDirectory(prefix="growth-of-index-", dir=given.work) as work:
            rows[count] = row(Path(work) / "grown", count, given.store)
        sizes = [rows[scans] for scans in sorted(rows)]
        found = [ratio for said in sizes for ratio in ratios(said)]
        found += [ratio for pair in itertools.pairwise(sizes) for ratio in growth(*pair)]
        write({"machine": about, "vectors": vectors, "sizes": sizes}, found, given.output)
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
