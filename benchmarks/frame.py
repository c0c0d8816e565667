"""Does anything around the network cost more than the network? A whole frame on one core, part by part.

    python benchmarks/frame.py --store STORE [--cards DIR] [--gallery N] [--frames N] [--output FILE]

Frames of 1280×720 from the camera simulator, with one card, six cards and none, go through the release of the store. As a
stream's, whose camera shakes so that none is spared: all that is done with one is timed, up to what is believed of its cards. Once
the cards, settled by the frames before, are *followed* to where they lie by now, as on most frames; once something came to the
scene, and *others* are looked for besides; and all frames of a scene to which nothing comes *in the mean*, whose few thorough looks
are read as a photo is. And as a photo, with the release's outline filter and without it: so is read the first frame.

Each part is timed on one thread, in CPU time, beside the named limit: a bare ONNX Runtime call of the same model on as many
cards, in the same run. Prints a table of medians, of means where it says so, and writes it as JSON. The cards on the frames come
from `--cards`, else they are rendered. With `--gallery` the release is first grown to so many scans (`device/grown.py`).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from device.alone import unsigned
from device.grown import grow
from scorecard.films import film
from scorecard.places import cards_from, ended, newest
from scorecard.ratio import Ratio, write
from tqdm import tqdm

from edge_runtime.following.scene import Scene
from edge_runtime.judging.decide import Status
from edge_runtime.reading.effort import Effort
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.release import open_release
from edge_runtime.stream import OTHERS as EVERY
from edge_runtime.stream import THOROUGH, Follower
from edge_runtime.timing import PARTS, Stopwatch
from pcr_assets import layout
from pcr_assets.imaging import camera
from pcr_assets.learning import onnx_graph
from pcr_assets.resources.store import StoreError

SIZE = (1280, 720)
COUNTS = {"one card": 1, "six cards": 6, "no card": 0}
FOLLOWED, OTHERS, MEAN = "a frame, cards followed", "a frame, others looked for", "a frame, in the mean"
"""What a stream does with most frames once its cards are known, with one to which something came, and with all in the mean."""
EFFORTS = {
    FOLLOWED: (Effort.SETTLED, Effort.FOLLOWED),
    OTHERS: (Effort.ONE, Effort.QUICK),
    MEAN: tuple(Effort),
}
FRAMES = {FOLLOWED: 2, OTHERS: 2 * EVERY, MEAN: THOROUGH}
"""Of a film that are looked at, of which those count that took such efforts; of the mean's one is looked at thoroughly."""
MOST_FRAMES = 28
"""Of a film before these: one whose cards are not settled by then is left out."""
Look = Callable[[], Sequence[Status] | None]
"""Looks at one frame, and says what it is sure of; None for a frame that doesn't count."""
RESULT = Path(__file__).parent / "results" / "frame.json"


def frames(count: int, number: int, cards: list[np.ndarray]) -> list[np.ndarray]:
    """So many frames with ``count`` cards each."""
    made = []
    for frame in range(number):
        rng = np.random.default_rng([count, frame])
        laid = [cards[int(row)] for row in rng.integers(0, len(cards), count)]
        made.append(camera.scene(laid, rng, SIZE, strength="easy")[0])
    return made


def photographed(whole: Recognizer, photos: Sequence[np.ndarray]) -> Iterator[Look]:
    """Looks at each picture as at a photo."""
    for photo in photos:
        yield lambda photo=photo: [card.status for card in whole.recognize(photo).cards]


def filmed(whole: Recognizer, cards: Sequence[np.ndarray], count: int, films: int, way: str) -> Iterator[Look]:
    """Looks at frames of so many films with ``count`` cards each, once all that is seen is settled, in one of the three ways."""
    for row in range(films):
        rng = np.random.default_rng([count, row])
        laid = [cards[int(one)] for one in rng.integers(0, len(cards), count)]
        taken = enumerate(film(laid, "easy", MOST_FRAMES + FRAMES[way], rng))
        follower = Follower(whole)
        for now, frame in islice(taken, MOST_FRAMES):
            follower.look(frame, now)
            if follower.tracker.tracks and follower.tracker.unchanged:
                break
        else:
            continue
        something_came = patch.object(Scene, "changed", lambda *_: True) if way == OTHERS else nullcontext()
        with something_came:
            for now, frame in islice(taken, FRAMES[way]):
                yield partial(_looked, whole, follower, frame, now, EFFORTS[way])


def _looked(
    whole: Recognizer, follower: Follower, frame: np.ndarray, now: float, wanted: Container[Effort]
) -> list[Status] | None:
    """What each card in view is by this frame; None where it took another effort than what is wanted."""
    efforts: list[Effort] = []
    recognize = whole.recognize
    with patch.object(
        whole, "recognize", lambda *given, **how: efforts.append(how["effort"]) or recognize(*given, **how)
    ):
        follower.look(frame, now)
    here = [track.votes[-1] for track in follower.tracker.tracks if track.missing_since is None]
    named = [Status.CONFIRMED if vote.named else Status.UNKNOWN for vote in here]
    return named if all(effort in wanted for effort in efforts) else None


def measured(
    whole: Recognizer, looks: Iterable[Look], what: str, average: Callable[[list[float]], Any] = np.median
) -> dict[str, float]:
    """Averages over looks, which progress calls ``what``: CPU milliseconds of each part and of what is no part, cards embedded, and
    the bare call of the network on as many."""
    bare = onnx_graph.session(whole.embedder.path, threads=1)
    name, (width, height) = bare.get_inputs()[0].name, whole.embedder.input_size
    embed, rows = whole.embedder.embed, []
    for look in tqdm(looks, desc=what, unit="frame", leave=False, disable=None):
        batches: list[int] = []
        counted = patch.object(
            whole.embedder, "embed", lambda cards, batches=batches: batches.append(len(cards)) or embed(cards)
        )
        start = time.process_time()
        with counted, Stopwatch(time.process_time) as watch:
            found = look()
        answered = 1e3 * (time.process_time() - start)
        if found is None:
            continue
        start = time.process_time()
        for batch in batches:
            bare.run(None, {name: np.zeros((batch, height, width, 3), np.uint8)})
        network = 1e3 * (time.process_time() - start)
        spent = {part: 1e3 * watch.spent.get(part, 0.0) for part in PARTS}
        row = {
            **spent,
            "the rest": answered - sum(spent.values()),
            "cards embedded": sum(batches),
            "bare network": network,
            "all but the network": answered - spent["embed"],
        }
        rows.append({**row, "cards named": sum(status is not Status.UNKNOWN for status in found)})
    if not rows:
        raise StoreError(
            "of no film all cards were settled in time: name more --frames, or a store that knows these --cards"
        )
    return {key: round(float(average([row[key] for row in rows])), 2) for key in rows[0]}


def measured_ways(whole: Recognizer, cards: list[np.ndarray], count: int) -> dict[str, dict[str, dict[str, float]]]:
    """What each way of looking costs with each number of cards, asked of so many frames or films."""
    results: dict[str, dict[str, dict[str, float]]] = {}
    for way in (FOLLOWED, OTHERS, MEAN):
        films, average = (max(1, count // 4), np.mean) if way == MEAN else (count, np.median)
        results[way] = {
            kind: measured(whole, filmed(whole, cards, number, films, way), f"{way}, {kind}", average)
            for kind, number in COUNTS.items()
            if number
        }
    photos = {kind: frames(number, count, cards) for kind, number in COUNTS.items()}
    whole.recognize(photos["one card"][0])
    for way, outline_filter in (("a photo", whole.outline_filter), ("no filter", None)):
        whole.outline_filter = outline_filter
        results[way] = {
            kind: measured(whole, photographed(whole, taken), f"{way}, {kind}") for kind, taken in photos.items()
        }
    return results


@contextmanager
def _opened(store: Path, scans: int | None) -> Iterator[Recognizer]:
    """The newest release of a store, or what it is when grown to so many scans, on one thread."""
    release = newest(store / layout.PROJECT / layout.RELEASES)
    with tempfile.TemporaryDirectory(prefix="frame-bench-") as work:
        if scans is not None:
            with unsigned():
                release = open_release(grow(release, scans, Path(work) / "grown"))
        with Recognizer.open(release, threads=1) as whole:
            yield whole


def shown(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Print a line for each part, a column for each kind of frame."""
    for way, kinds in results.items():
        print(f"\n{way:24}" + "".join(f"{kind:>12}" for kind in kinds))
        for part in next(iter(kinds.values())):
            unit = "" if part.startswith("cards") else "ms"
            print(f"{part:20} {unit:3}" + "".join(f"{kind[part]:12.1f}" for kind in kinds.values()))
        for part in ("find", "filter", "all but the network"):
            ratios = [
                kind[part] / kind["bare network"] if kind["bare network"] else float("nan") for kind in kinds.values()
            ]
            print(f"{part} ÷ bare network".ljust(24) + "".join(f"{ratio:12.2f}" for ratio in ratios))


def ratios(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Ratio]:
    """A frame of a stream, its cards known from the frames before, beside the bare network on as many cards: all of it, and all
    but the network. Most frames, and the mean of all."""
    found = []
    for way, said in ((FOLLOWED, ""), (MEAN, ", in the mean")):
        for kind, parts in results[way].items():
            around, bare = parts["all but the network"], parts["bare network"]
            answer = Ratio(
                f"{kind}: frame to answer{said}", "the bare network", (around + parts["embed"]) / bare, asked=1.5
            )
            found += [answer, Ratio(f"{kind}: all but the network{said}", "the bare network", around / bare, asked=1.0)]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="store with a release")
    parser.add_argument("--cards", type=Path, help="folder of scans to lay on the table (default: rendered ones)")
    parser.add_argument("--gallery", type=int, help="scans to grow the release to (default: as it is)")
    parser.add_argument("--frames", type=int, default=40, help="frames of each kind")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    cards = cards_from(given.cards)
    with _opened(given.store, given.gallery) as whole:
        scans = len(whole.gallery.keys)
        results = measured_ways(whole, cards, given.frames)
    shown(results)
    described = {
        "frames": given.frames,
        "size": list(SIZE),
        "cards": "own" if given.cards else "rendered",
        "gallery": scans,
    }
    write({**described, "medians": results}, ratios(results), given.output)
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
