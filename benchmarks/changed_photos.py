"""Do the answers stay when a photo is turned, shrunk, darkened, …? Labelled photos, changed in one way, then in many at once.

    python benchmarks/changed_photos.py --cards DIR --photos DIR --store STORE [--again N]

A person's photo is one of many that could have been taken: what is named on it must not hang on a lucky angle or light. Each way
is named in CHANGES. *Taken again* is a photo turned, tilted and shrunk, in the light and by the lens of the simulated camera, as
chance has it. Corners of the labels move along. Writes benchmarks/results/changed_photos.json.
"""

import argparse
import json
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from contest.evidence import Evidence, shown
from recognition import REFUSED, evidence_of, releases_of
from scorecard.places import newest

from edge_runtime.answers import card_json
from edge_runtime.geometry import full_frame, side_lengths
from edge_runtime.recognizer import Recognizer
from pcr_assets.gallery.photos import Label, judge
from pcr_assets.imaging.camera.effects import applied
from pcr_assets.imaging.camera.scenes import ON_FRAME
from pcr_assets.imaging.camera.strength import named

RESULT = Path(__file__).parent / "results" / "changed_photos.json"
TABLE = (90, 80, 70)
"""The colour around a photo that is laid on something larger."""
GOOD = ("right", "stranger refused")
SEED = 5
AGAIN = ("easy", "medium")
"""Strengths of the camera that takes a photo again."""
LEANS, SHRINKS = 0.12, (0.6, 1.0)
"""How far each corner of such a photo moves at most, as a share of its sides, and the sizes that it may get."""

Change = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A picture uint8 RGB H×W×3 to the changed one, and where its points went: float64 3×3."""
Changes = Callable[[str, float], Sequence[Change]]
"""Of a photo's name, and the height of a card on it in pixels, the ways to change it."""


def turned(degrees: float) -> Change:
    """Counterclockwise, on a picture large enough for all of it; mirrored beyond its edges."""

    def change(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, width = image.shape[:2]
        way = np.eye(3)
        way[:2] = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        cos, sin = abs(way[0, 0]), abs(way[0, 1])
        size = int(height * sin + width * cos), int(height * cos + width * sin)
        way[:2, 2] += (size[0] - width) / 2, (size[1] - height) / 2
        return cv2.warpPerspective(image, way, size, borderMode=cv2.BORDER_REFLECT_101), way

    return change


def scaled(factor: float) -> Change:
    """Of another size."""

    def change(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, width = image.shape[:2]
        size = max(1, round(width * factor)), max(1, round(height * factor))
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        return cv2.resize(image, size, interpolation=how), np.diag([size[0] / width, size[1] / height, 1.0])

    return change


def from_the_side(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As if the camera stood a little to the right."""
    height, width = image.shape[:2]
    there = np.float32([[0.12, 0.05], [0.9, 0], [1, 1], [0, 0.94]]) * np.float32([width, height])
    way = cv2.getPerspectiveTransform(full_frame(width, height), there)
    return cv2.warpPerspective(image, way, (width, height), borderValue=TABLE), way


def farther(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Laid on a plain table that is half as large again."""
    around = max(image.shape[:2]) // 4
    way = np.eye(3)
    way[:2, 2] = around
    return cv2.copyMakeBorder(image, *[around] * 4, cv2.BORDER_CONSTANT, value=TABLE), way


def of_light(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """A change of values that moves nothing; ``change`` takes float32 of 0 to 255, what it gives is cut off there."""

    def changed(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.clip(change(image.astype(np.float32)), 0, 255).astype(np.uint8), np.eye(3)

    return changed


def taken_again(strength: str, rng: np.random.Generator, unit: float) -> Change:
    """As a camera may see the photo itself: from another side, another way up, smaller, in another light, less sharp.

    ``unit``: the height of a card on it in pixels, by which lengths of blur are meant.
    """

    def change(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        image, way = turned(rng.uniform(0, 360))(image)
        height, width = image.shape[:2]
        whole, inwards = full_frame(width, height), np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (width, height)
        there = whole + rng.uniform(0, LEANS, (4, 2)) * inwards
        lean = cv2.getPerspectiveTransform(whole, there.astype(np.float32))
        image = cv2.warpPerspective(image, lean, (width, height), borderValue=TABLE)
        image, shrunk = scaled(rng.uniform(*SHRINKS))(image)
        amounts = {name: amount for name, amount in named(strength).draw(rng).items() if name in ON_FRAME}
        return applied(image, amounts, rng, unit=unit * shrunk[0, 0]), shrunk @ lean @ way

    return change


def _noisy(image: np.ndarray) -> np.ndarray:
    return image + np.random.default_rng(3).normal(0, 12, image.shape)


def _as_jpeg(image: np.ndarray) -> np.ndarray:
    data = cv2.imencode(".jpg", image.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


CHANGES: dict[str, Change] = {
    "as it is": of_light(lambda image: image),
    "turned by 90°": turned(90),
    "turned by 180°": turned(180),
    "turned by 7°": turned(7),
    "turned by 33°": turned(33),
    "0.7 of its size": scaled(0.7),
    "half its size": scaled(0.5),
    "1.5 times its size": scaled(1.5),
    "from the side": from_the_side,
    "on a larger table": farther,
    "darkened to 0.4": of_light(lambda image: image * 0.4),
    "brightened to 1.5, cut off": of_light(lambda image: image * 1.5),
    "gamma 2": of_light(lambda image: 255 * (image / 255) ** 2),
    "gamma 0.5": of_light(lambda image: 255 * (image / 255) ** 0.5),
    "half the contrast": of_light(lambda image: image * 0.5 + 64),
    "warm light": of_light(lambda image: image * np.float32([1.15, 1, 0.7])),
    "cold light": of_light(lambda image: image * np.float32([0.75, 1, 1.2])),
    "without colour": of_light(lambda image: np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)),
    "blurred by 1/900 of its side": of_light(lambda image: cv2.GaussianBlur(image, (0, 0), max(image.shape) / 900)),
    "noise of 12 levels": of_light(_noisy),
    "JPEG of quality 30": of_light(_as_jpeg),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", required=True, help="folder of the raw scans")
    parser.add_argument("--photos", required=True, help="folder of labelled photos")
    parser.add_argument("--store", required=True, help="store with a release of these cards")
    parser.add_argument("--again", type=int, default=4, help="times that each photo is taken again at each strength")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments, argparse.Namespace(strangers=None))
    try:
        project, evidence = evidence_of(given)
        recognizer = Recognizer.open(newest(releases_of(project)))
        rows = {name: measured(recognizer, evidence, name, changes) for name, changes in _all_changes(given.again)}
    except REFUSED as error:
        print(f"changed_photos: {error}", file=sys.stderr)
        return 2
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps({"cards": len(evidence.known), "changes": rows}, indent=1) + "\n")
    print(f"written to {given.output}")
    return 0


def _all_changes(again: int) -> Iterator[tuple[str, Changes]]:
    """Each row's name, and how its photos are changed."""
    for name, change in CHANGES.items():
        yield name, lambda photo, unit, change=change: [change]
    for strength in AGAIN:
        yield f"taken again, {strength}", partial(_taken_again, strength, again)


def _taken_again(strength: str, again: int, photo: str, unit: float) -> list[Change]:
    seeds = ([SEED, zlib.crc32(photo.encode()), number] for number in range(again))
    return [taken_again(strength, np.random.default_rng(seed), unit) for seed in seeds]


def measured(recognizer: Recognizer, evidence: Evidence, name: str, changes: Changes) -> dict[str, Any]:
    """How often each verdict came on all photos that were changed so, and which ones were not good."""
    outcomes: Counter[str] = Counter()
    misses = []
    for photo, picture, labelled in shown(list(evidence.photos()), name):
        labels = [_placed(label, picture) for label in labelled]
        for change in changes(photo, float(np.mean([side_lengths(label.corners[None])[0, 1] for label in labels]))):
            changed, way = change(picture)
            answers = [card_json(reading) for reading in recognizer.recognize(np.ascontiguousarray(changed)).cards]
            for verdict in judge(photo, [_moved(label, way) for label in labels], answers, evidence.known):
                outcomes[verdict.outcome] += 1
                if verdict.outcome not in GOOD:
                    misses.append([photo, verdict.label.card_id or verdict.label.name, verdict.outcome, verdict.answer])
    print(f"{name:30} {dict(sorted(outcomes.items()))}", flush=True)
    return {"outcomes": dict(sorted(outcomes.items())), "misses": misses}


def _placed(label: Label, picture: np.ndarray) -> Label:
    """A label with corners: a card that fills the photo lies where the photo lies."""
    return label if label.corners is not None else replace(label, corners=full_frame(*picture.shape[1::-1]))


def _moved(label: Label, way: np.ndarray) -> Label:
    """A label whose corners lie where a change put them."""
    return replace(label, corners=cv2.perspectiveTransform(label.corners[None], way)[0])


if __name__ == "__main__":
    sys.exit(main())
