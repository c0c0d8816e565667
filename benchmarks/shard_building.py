"""How fast do raw scans become shards, beside decoding the same files and nothing else?

``python benchmarks/shard_building.py --cards DIR`` builds every shard of a raw folder, and decodes its files alone in as many
threads: by Pillow, and by OpenCV, which is faster for some kinds. Files are read from disk once before, so that all find them
in memory. They take turns.

With ``--saved-as png`` (or jpeg, …) so many of the scans are first enlarged and saved anew, as the public catalogues offer
them, in one set: each set costs 2.4 ms beside its scans, which a whole one does not notice and two scans would.
``milliseconds_of`` says what the steps of one scan take, each in CPU time of one thread, beside its bare decoding.
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
from PIL import Image, ImageDraw
from scorecard.ratio import Ratio, write

from edge_runtime.jpeg import jpeg
from pcr_assets import digests
from pcr_assets.cards.catalogue import find_catalogue
from pcr_assets.cards.listing import Listing, Scan, list_scans
from pcr_assets.cards.shards import FULL_COLOUR, JPEG_QUALITY, build_shard, write_table
from pcr_assets.imaging.art import thumbnail
from pcr_assets.imaging.clean import clean
from pcr_assets.imaging.decode import Rejected, decode
from pcr_assets.imaging.hashing import phash
from pcr_assets.measures import even_sample
from pcr_assets.resources.store import Store, open_store, parent

RESULT = Path(__file__).parent / "results" / "shard_building.json"
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("RGB", {}),
    "png-transparent": ("RGBA", {}),
    "png-grey": ("L", {}),
    "png-palette": ("P", {}),
    "jpeg": ("RGB", {"quality": 92}),
    "jpeg-progressive": ("RGB", {"quality": 92, "progressive": True}),
}
"""Kinds of files: their mode, and how Pillow saves them. What is transparent are the corners, as of a card."""
MOST_SCANS = 200
"""Of so many, evenly over all, the steps are timed."""


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
    if rejected == listing.count:
        print(f"all {rejected} scans were refused, so there is nothing to time: does {given.cards} hold card scans?")
        return 1
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
        "milliseconds_of": milliseconds_of_steps(listing, raw, given.turns),
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
    """A raw folder of at most so many of the scans, each of that height and kind, as one set."""
    mode, settings = KINDS[kind]
    one_set = folder / "all1"
    one_set.mkdir()
    for number, scan in enumerate(evenly(listing, most), 1):
        with Image.open(io.BytesIO(raw.read(scan.key))) as picture:
            width = round(picture.width * height / picture.height)
            larger = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        if mode == "RGBA":
            larger.putalpha(round_corners(width, height))
        target = one_set / f"all1-{number}.{kind.split('-', maxsplit=1)[0]}"
        (larger.quantize(256) if mode == "P" else larger.convert(mode)).save(target, **settings)
    return open_store(str(folder))


def evenly(listing: Listing, most: int) -> list[Scan]:
    """At most so many of the scans that can be read, from all sets."""
    every = [scan for scans in listing.scans.values() for scan in scans if not scan.fault]
    return [every[at] for at in even_sample(len(every), most).tolist()]


def round_corners(width: int, height: int) -> Image.Image:
    """How opaque the places of a card are that has the corners of a real one, smooth at the edge."""
    larger = Image.new("L", (4 * width, 4 * height))
    ImageDraw.Draw(larger).rounded_rectangle((0, 0, 4 * width - 1, 4 * height - 1), 4 * height * 3 / 88, fill=255)
    return larger.resize((width, height), Image.Resampling.LANCZOS)


def milliseconds_of_steps(listing: Listing, raw: Store, turns: int) -> dict[str, float]:
    """What each step of one scan takes, in CPU time of one thread: medians of turns, in each of which the steps alternate."""
    files = [raw.read(scan.key) for scan in evenly(listing, MOST_SCANS)]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # what other threads do is not in this thread's time
    try:
        found = [sum_of([times_of(data) for data in files]) for _ in range(turns)]
    finally:
        cv2.setNumThreads(threads)
    return {step: round(statistics.median(times[step] for times in found) / len(files) * 1e3, 3) for step in found[0]}


def sum_of(times: list[dict[str, float]]) -> dict[str, float]:
    """All times of each step together; a scan that is refused has only those before."""
    return {step: sum(of_one.get(step, 0.0) for of_one in times) for step in max(times, key=len)}


def times_of(data: bytes) -> dict[str, float]:
    """Seconds of each step of one scan."""
    times: dict[str, float] = {}

    def timed_step(name: str, work: Callable[[], Any]) -> Any:
        began = time.thread_time()
        made = work()
        times[name] = time.thread_time() - began
        return made

    timed_step("bare decoding by OpenCV", lambda: by_opencv(data))
    try:
        image = timed_step("decode", lambda: decode(data))
        card = timed_step("clean", lambda: clean(image))
    except Rejected:
        return times
    timed_step("encode", lambda: jpeg(card, JPEG_QUALITY, FULL_COLOUR))
    timed_step("digest", lambda: digests.of_arrays({"card": card}))
    timed_step("phash", lambda: phash(card))
    timed_step("art", lambda: thumbnail(card))
    return times


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


def decode_all(listing: Listing, raw: Store, workers: int, by: Callable[[bytes], object]) -> None:
    """Decode all files to RGB, and drop what comes out."""
    keys = [scan.key for scans in listing.scans.values() for scan in scans]
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda key: by(raw.read(key)), keys):
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
