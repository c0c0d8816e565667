"""How fast are pictures read out of shards, beside the disk? And does memory stay flat while more are built, and read?

``python benchmarks/shard_reading.py --store STORE --cards DIR`` reads every picture of a built store's shards, in their order and
in a random one as a training does, and the same files from end to end and nothing else. The files are dropped from the memory
that the system keeps of the disk before each turn. Then processes of their own build shards of a part of the raw folder, and read
a part of the store, and tell their peak of memory: of a fraction of all scans, and of all. The largest set is in each part.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from scorecard.processes import answer_of
from scorecard.ratio import Ratio, write

from edge_runtime.bench.measure import memory
from pcr_assets import layout
from pcr_assets.cards.reader import CardImages
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store, parent

RESULT = Path(__file__).parent / "results" / "shard_reading.json"
BLOCK = 1 << 20
FRACTION = 0.25


def main(arguments: list[str]) -> int:
    """Measure, print and write the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--store", required=True, help="a built store, in a folder")
    options.add_argument("--cards", required=True, help="folder of raw scans")
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--output", type=Path, default=RESULT)
    options.add_argument("--alone", choices=("build", "read"), help=argparse.SUPPRESS)
    options.add_argument("--fraction", type=float, default=1.0, help=argparse.SUPPRESS)
    given = options.parse_args(arguments)
    if given.alone:
        scans = build(given.cards, given.fraction) if given.alone == "build" else read(given.store, given.fraction)
        print(json.dumps({"scans": scans, "mb": round(memory()["most"] / 1e6)}))
        return 0
    paths = shards(given.store)
    pictures = CardImages(paths)
    order = list(range(len(pictures)))
    ways = {"in order": order, "in random order": random.Random(0).sample(order, len(order))}
    size = sum(path.stat().st_size for path in paths)
    speeds: dict[str, list[float]] = {"disk": [], **{way: [] for way in ways}}
    for _ in range(given.turns):
        speeds["disk"].append(size / seconds(lambda: from_end_to_end(paths), paths) / 1e6)
        for way, indices in ways.items():
            speeds[way].append(size / seconds(lambda: all_of(pictures, indices), paths) / 1e6)  # noqa: B023
    medians = {way: statistics.median(found) for way, found in speeds.items()}
    ratios = [
        Ratio(f"reading pictures {way}, MB/s", "the files from end to end", medians[way] / medians["disk"], "higher")
        for way in ways
    ]
    peaks = {}
    for what in ("build", "read"):
        few, all_scans = (
            answer_of(__file__, *arguments, "--alone", what, "--fraction", str(part)) for part in (FRACTION, 1.0)
        )
        peaks[what] = [few, all_scans]
        against = f"memory for {few['scans']:,}"
        ratios.append(Ratio(f"memory to {what} {all_scans['scans']:,} scans", against, all_scans["mb"] / few["mb"]))
    rounded = {way: round(speed) for way, speed in medians.items()}
    result = {"scans": len(pictures), "mb": round(size / 1e6), "mb_per_second": rounded, "memory": peaks}
    write(result, ratios, given.output)
    print(json.dumps(result, indent=1))
    for ratio in ratios:
        print(f"{ratio.what} beside {ratio.against}: {ratio.value:.2f}")
    return 0


def shards(store: str) -> list[Path]:
    """The shards of the processed cards of a store, the largest first."""
    artifacts = Artifacts(open_store(f"{store}/{layout.PROJECT}"))
    processed = artifacts.current(layout.PROCESSED)
    paths = [artifacts.fetch(processed, file) for file in processed.files if file.startswith("shards/")]
    return sorted(paths, key=lambda path: (-path.stat().st_size, path.name))


def seconds(work: Callable[[], object], paths: Iterable[Path]) -> float:
    """How long a piece of work takes on files that lie on the disk alone."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def from_end_to_end(paths: Iterable[Path]) -> None:
    """Read files and drop what comes."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.read(BLOCK):
                pass


def all_of(pictures: CardImages, indices: Iterable[int]) -> None:
    """Read pictures, without decoding them."""
    for index in indices:
        pictures.jpeg(index)


def build(cards: str, fraction: float) -> int:
    """Build the shards of the largest sets, until they hold this fraction of all scans; gives how many they hold."""
    from pcr_assets.cards.catalogue import find_catalogue
    from pcr_assets.cards.listing import list_scans
    from pcr_assets.cards.shards import build_shard, write_table

    raw, above = open_store(cards), parent(cards)
    listing = list_scans(raw.list(), find_catalogue(raw, open_store(above) if above else None))
    built = 0
    with tempfile.TemporaryDirectory() as folder:
        for set_id, scans in sorted(listing.scans.items(), key=lambda item: -len(item[1])):
            if built >= fraction * listing.count:
                break
            shard = build_shard(set_id, scans, raw)
            write_table(shard.table, Path(folder, "shard.parquet"))
            built += len(scans)
    return built


def read(store: str, fraction: float) -> int:
    """Read and decode the pictures of the largest shards, until they hold this fraction of all; gives how many."""
    paths = shards(store)
    total, chosen, size = sum(path.stat().st_size for path in paths), [], 0
    while paths and size < fraction * total:
        chosen.append(paths.pop(0))
        size += chosen[-1].stat().st_size
    pictures = CardImages(chosen)
    for index in range(len(pictures)):
        pictures.image(index)
    return len(pictures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
