"""One model of a release, timed in this process: ``python -m edge_runtime.bench.measure RELEASES VARIANT FRAMES THREADS STARTED``.

``STARTED`` is the monotonic clock, in seconds, of the moment before this process was started. Prints one JSON value.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.trust import NotARoot
from edge_runtime.timing import PARTS, Stopwatch

WARM_UP = 2
"""Frames that are not counted: the first ones load kernels and grow buffers."""


def measure(releases: Path, variant: str, count: int, threads: int | None, started: float) -> dict[str, Any]:
    """Milliseconds of frames and their parts, seconds to the first answer, bytes of memory. Raises what opening raises."""
    from edge_runtime.bench.frames import frames
    from edge_runtime.judging.references import References
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import open_release

    imported = time.monotonic() - started
    release = open_release(releases)
    with Recognizer.open(release, variant, threads) as recognizer:
        opened = time.monotonic() - started
        taken = frames(References(release.references), recognizer.gallery.keys, count + WARM_UP)
        if not taken:
            raise ReleaseError(f"release {release.release_id} has no reference pictures: publish one that has")
        before = time.monotonic()
        recognizer.recognize(taken[0][1])
        answered = opened + time.monotonic() - before
        for _, image in taken[:WARM_UP]:
            recognizer.recognize(image)
        rows, right = [], 0
        for key, image in taken[WARM_UP:]:
            row, names = _timed(recognizer, image)
            rows.append(row)
            right += recognizer.gallery.card(key).card_id in names
        return {
            **(recognizer.choice.as_json() if recognizer.choice else {}),
            "release_id": release.release_id,
            "scans": len(recognizer.gallery),
            "frames": len(rows),
            "named_right": right,
            "milliseconds": summary(rows),
            "seconds": {
                name: round(s, 3) for name, s in (("imports", imported), ("opened", opened), ("first answer", answered))
            },
            "bytes": memory(),
        }


def _timed(recognizer: Any, image: Any) -> tuple[dict[str, float], set[str]]:
    """Milliseconds of a frame by part, beside the bare model on as many cards; and the cards that were named."""
    import numpy as np

    sizes: list[int] = []
    embed = recognizer.embedder.embed

    def counting(cards: Any) -> Any:
        sizes.append(len(cards))
        return embed(cards)

    recognizer.embedder.embed = counting
    try:
        with Stopwatch() as watch:
            start = time.perf_counter()
            found = recognizer.recognize(image)
            whole = time.perf_counter() - start
    finally:
        del recognizer.embedder.embed
    width, height = recognizer.embedder.input_size
    start = time.perf_counter()
    for size in sizes:
        embed(np.zeros((size, height, width, 3), np.uint8))
    bare = time.perf_counter() - start
    row = {"frame": whole, "bare model": bare} | {part: watch.spent.get(part, 0.0) for part in PARTS}
    row["the rest"] = whole - sum(watch.spent.values())
    return {part: 1e3 * seconds for part, seconds in row.items()}, {reading.card.card_id for reading in found.cards}


def summary(rows: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each column."""
    import numpy as np

    def at(part: str, percent: int) -> float:
        return round(float(np.percentile([row[part] for row in rows], percent)), 2)

    return {part: {"median": at(part, 50), "p95": at(part, 95)} for part in rows[0]}


def memory() -> dict[str, int]:
    """Bytes of this process in memory: now, and at most so far (Linux, proc(5))."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return {said: int(sizes[name].split()[0]) << 10 for said, name in (("resident", "VmRSS"), ("most", "VmHWM"))}


def rollup(pid: int | str = "self") -> dict[str, int]:
    """Bytes of a process in memory: all, of that what is pages of files, and its share of all (proc_pid_smaps(5))."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {
        name: int(size.split()[0]) << 10 for name, _, size in (line.partition(":") for line in lines) if "kB" in size
    }
    return {"resident": sizes["Rss"], "of files": sizes["Rss"] - sizes["Anonymous"], "share": sizes["Pss"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 2, with a sentence on standard error, where the model can't be opened."""
    releases, variant, count, threads, started = sys.argv[1:] if arguments is None else arguments
    from edge_runtime.embedder import EmbedderError
    from edge_runtime.gallery import GalleryError

    try:
        measured = measure(Path(releases), variant, int(count), int(threads) or None, float(started))
    except (ReleaseError, EmbedderError, GalleryError, NotARoot) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
