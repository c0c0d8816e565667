"""Does anything around the network cost more than the network? A whole frame on one core, part by part.

    python benchmarks/frame.py --store STORE [--cards DIR] [--frames N] [--output FILE]

Frames of 1280×720 from the camera simulator, with one card, six cards and none, go through the release of the store: as
those of a stream that follows one card, as those of one that follows several, as photos (so is a stream's frame read until its
cards are known), and without its outline filter. Each part is timed on one thread, in CPU time, beside the named limit: a bare
ONNX Runtime call of the same model on as many cards, in the same run. Prints a table of medians and writes it as JSON. The cards
on the frames come from `--cards`, else they are rendered.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from scorecard.places import cards_from, ended, opened
from scorecard.ratio import Ratio, write

from edge_runtime.decide import Status
from edge_runtime.effort import Effort
from edge_runtime.recognizer import Recognizer
from edge_runtime.timing import PARTS, Stopwatch
from pcr_assets.imaging import camera
from pcr_assets.learning import onnx_graph

SIZE = (1280, 720)
COUNTS = {"one card": 1, "six cards": 6, "no card": 0}
FOLLOWED, QUICKLY = "a frame, one followed", "a frame, quickly"
"""How a stream looks at a frame while it follows one card, and while it follows several."""
RESULT = Path(__file__).parent / "results" / "frame.json"


def frames(count: int, number: int, cards: list[np.ndarray]) -> list[np.ndarray]:
    """So many frames with ``count`` cards each."""
    made = []
    for frame in range(number):
        rng = np.random.default_rng([count, frame])
        laid = [cards[int(row)] for row in rng.integers(0, len(cards), count)]
        made.append(camera.scene(laid, rng, SIZE, strength="easy")[0])
    return made


def measured(whole: Recognizer, photos: list[np.ndarray], *, effort: Effort) -> dict[str, float]:
    """Medians over frames: CPU milliseconds of each part and of what is no part, cards embedded, and the bare call of the network
    on as many."""
    bare = onnx_graph.session(whole.embedder.path, threads=1)
    name, (width, height) = bare.get_inputs()[0].name, whole.embedder.input_size
    whole.recognize(photos[0])
    embed, rows = whole.embedder.embed, []
    for photo in photos:
        batches: list[int] = []
        counted = patch.object(
            whole.embedder, "embed", lambda cards, batches=batches: batches.append(len(cards)) or embed(cards)
        )
        start = time.process_time()
        with counted, Stopwatch(time.process_time) as watch:
            found = whole.recognize(photo, effort=effort)
        answered = 1e3 * (time.process_time() - start)
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
        rows.append({**row, "cards named": sum(card.status is not Status.UNKNOWN for card in found.cards)})
    return {key: round(float(np.median([row[key] for row in rows])), 2) for key in rows[0]}


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
    but the network."""
    found = []
    for kind in COUNTS:
        parts = results[FOLLOWED if COUNTS[kind] == 1 else QUICKLY][kind]
        if bare := parts["bare network"]:
            around = parts["all but the network"]
            found.append(
                Ratio(f"{kind}: frame to answer", "the bare network", (around + parts["embed"]) / bare, asked=1.5)
            )
            found.append(Ratio(f"{kind}: all but the network", "the bare network", around / bare, asked=1.0))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="store with a release")
    parser.add_argument("--cards", type=Path, help="folder of scans to lay on the table (default: rendered ones)")
    parser.add_argument("--frames", type=int, default=40, help="frames of each kind")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    whole = opened(given.store)
    cards = cards_from(given.cards)
    photos = {kind: frames(count, given.frames, cards) for kind, count in COUNTS.items()}
    results = {}
    ways = {
        FOLLOWED: (Effort.ONE, whole.outline_filter),
        QUICKLY: (Effort.QUICK, whole.outline_filter),
        "a photo": (Effort.THOROUGH, whole.outline_filter),
        "no filter": (Effort.THOROUGH, None),
    }
    for way, (effort, chosen) in ways.items():
        whole.outline_filter = chosen
        results[way] = {kind: measured(whole, taken, effort=effort) for kind, taken in photos.items()}
    shown(results)
    described = {"frames": given.frames, "size": list(SIZE), "cards": "own" if given.cards else "rendered"}
    write({**described, "medians": results}, ratios(results), given.output)
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
