"""How fast do raw scans become shards, beside decoding the same files and nothing else?

``python benchmarks/shard_building.py --cards DIR`` builds every shard of a raw folder, and decodes its files alone in as many
threads: by Pillow, and by OpenCV, which is faster for some kinds. Files are read from disk once before, so that all find them
in memory. They take turns.

With ``--saved-as png`` (or jpeg) so many of the scans are first enlarged and saved anew, as the public catalogues offer them.
"""

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from scorecard.ratio import Ratio, write

from pcr_assets.cards.catalogue import find_catalogue
from pcr_assets.cards.listing import Listing, list_scans
from pcr_assets.cards.shards import build_shard, write_table
from pcr_assets.resources.store import Store, open_store, parent

RESULT = Path(__file__).parent / "results" / "shard_building.json"
KINDS: dict[str, dict[str, Any]] = {"png": {}, "jpeg": {"quality": 92}}
"""Kinds of files, and how Pillow saves them."""


def main(arguments: list[str]) -> int:
    """Measure, print and write the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cards", required=True, help="folder of raw scans")
    options.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--cpu", action="store_true", help="count CPU time: on a machine that does other things")
    options.add_argument("--saved-as", choices=sorted(KINDS), help="save the scans anew as such files first")
    options.add_argument("--height", type=int, default=1024, help="pixels of height that they are enlarged to then")
    options.add_argument("--scans", type=int, default=400, help="how many of them, evenly over all")
    options.add_argument("--output", type=Path, default=RESULT)
    given = options.parse_args(arguments)
    raw, above = open_store(given.cards), parent(given.cards)
    listing = list_scans(raw.list(), find_catalogue(raw, open_store(above) if above else None))
    if not listing.count:
        print(f"there are no card scans in {given.cards}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        if given.saved_as:
            raw = saved_anew(listing, raw, given.scans, given.height, given.saved_as, Path(folder))
            listing = list_scans(raw.list(), {})
        return timed(listing, raw, given)


def timed(listing: Listing, raw: Store, given: argparse.Namespace) -> int:
    """Measure, print and write the result."""
    rejected = build_all(listing, raw, given.workers)  # also warms the file cache
    clock = time.process_time if given.cpu else time.perf_counter
    turns = [
        (
            seconds(lambda: decode_all(listing, raw, given.workers, by_pillow), clock),
            seconds(lambda: decode_all(listing, raw, given.workers, by_opencv), clock),
            seconds(lambda: build_all(listing, raw, given.workers), clock),
        )
        for _ in range(given.turns)
    ]
    pillow, opencv, building = (listing.count / statistics.median(times) for times in zip(*turns, strict=True))
    result = {
        "scans": listing.count,
        "saved_as": f"{given.saved_as}, {given.height} pixels high" if given.saved_as else None,
        "sets": len(listing.scans),
        "rejected": rejected,
        "workers": given.workers,
        "turns": given.turns,
        "seconds_of": "CPU time" if given.cpu else "the clock",
        "pillow_images_per_second": round(pillow, 1),
        "opencv_images_per_second": round(opencv, 1),
        "building_images_per_second": round(building, 1),
    }
    ratios = [
        Ratio("building a shard, images/s", f"bare decoding by {library}", building / decoding, "higher", 0.7)
        for library, decoding in (("Pillow", pillow), ("OpenCV", opencv))
    ]
    write(result, ratios, given.output)
    print(json.dumps(result, indent=1))
    for ratio in ratios:
        print(f"{ratio.what} beside {ratio.against}: {ratio.value:.2f}")
    return 0


def saved_anew(listing: Listing, raw: Store, most: int, height: int, kind: str, folder: Path) -> Store:
    """A raw folder of at most so many of the scans, each of that height and kind, and called by its card."""
    every = [scan for scans in listing.scans.values() for scan in scans if not scan.fault]
    for at in np.linspace(0, len(every) - 1, min(most, len(every))).astype(int):
        scan = every[at]
        with Image.open(io.BytesIO(raw.read(scan.key))) as picture:
            width = round(picture.width * height / picture.height)
            larger = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        target = folder / scan.set_id / f"{scan.card_id}_{at}.{kind}"
        target.parent.mkdir(parents=True, exist_ok=True)
        larger.save(target, **KINDS[kind])
    return open_store(str(folder))


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """How long a piece of work takes."""
    began = clock()
    work()
    return clock() - began


def build_all(listing: Listing, raw: Store, workers: int) -> int:
    """Build and write the shards of all sets; gives the number of rejects."""
    rejected = 0
    with tempfile.TemporaryDirectory() as folder:
        for set_id, scans in listing.scans.items():
            shard = build_shard(set_id, scans, raw, workers)
            write_table(shard.table, Path(folder, shard.file_name))
            rejected += len(shard.rejects)
    return rejected


def decode_all(listing: Listing, raw: Store, workers: int, decode: Callable[[bytes], object]) -> None:
    """Decode all files to RGB, and drop what comes out."""
    keys = [scan.key for scans in listing.scans.values() for scan in scans]
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda key: decode(raw.read(key)), keys):
            pass


def by_pillow(data: bytes) -> None:
    """Decode by Pillow, if it can be."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.convert("RGB")
    except (OSError, Image.DecompressionBombError):
        return


def by_opencv(data: bytes) -> None:
    """Decode by OpenCV, if it can be."""
    try:
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
