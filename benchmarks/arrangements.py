"""Is each card named, however cards lie together? Alone, scattered, in rows, in fans and in piles.

    python benchmarks/arrangements.py --cards DIR --store STORE [--scenes N] [--strength easy|medium|hard]

Whole 1280×720 frames with test cards (art that no model was trained or calibrated on), through edge_runtime: as it is, and by
outlines alone, without the looks beside known cards (gaps in rows, cards half under others). Each frame is asked once more with one
of its cards taken out of the gallery, its art and its name: what that one is called is wrong. Writes
benchmarks/results/arrangements.json.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from contest.evidence import Evidence, shown
from contest.without import without
from recognition import REFUSED, evidence_of, releases_of
from scorecard.places import newest

from edge_runtime.geometry import overlap
from edge_runtime.judging.decide import Status
from edge_runtime.reading.half_hidden import LEAST_SEEN, seen_of
from edge_runtime.reading.readings import Reading
from edge_runtime.recognizer import Recognizer
from pcr_assets import measures
from pcr_assets.gallery.photos import SAME_PLACE
from pcr_assets.imaging import camera
from pcr_assets.imaging.camera.layouts import Layout, in_a_fan, in_a_pile, in_rows, scattered

RESULT = Path(__file__).parent / "results" / "arrangements.json"
LAYOUTS: dict[str, tuple[Layout, int]] = {
    "alone": (scattered, 1),
    "six scattered": (scattered, 6),
    "nine in rows": (in_rows, 9),
    "24 in rows": (in_rows, 24),
    "a fan of three": (in_a_fan, 3),
    "a fan of six": (in_a_fan, 6),
    "a pile of five": (in_a_pile, 5),
}
"""How cards lie, and how many of them."""
SEEN = {"whole": 0.98, "most of it": 0.7, "half of it": LEAST_SEEN}
"""What is seen of a card, by the least share of it; cards of which less is seen are not asked about."""
SEED = 61


class OutlinesAlone(Recognizer):
    """What is recognised where nothing is looked for beside known cards."""

    def _beside_known(
        self, image: np.ndarray, outlines: object, read: object, seen: Sequence[Reading]
    ) -> list[Reading]:
        return list(seen)


@dataclass(frozen=True)
class Scene:
    """A frame uint8 RGB; of each card on it the row among the scans, the corners (float32 4×2), and what share of it is seen."""

    photo: np.ndarray
    rows: Sequence[int]
    corners: Sequence[np.ndarray]
    seen: Sequence[float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", required=True, help="folder of the raw scans")
    parser.add_argument("--store", required=True, help="store with a release of these cards")
    parser.add_argument("--scenes", type=int, default=60, help="frames of each kind")
    parser.add_argument("--strength", default="easy", choices=sorted(camera.STRENGTHS))
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments, argparse.Namespace(photos=None, strangers=None))
    try:
        project, evidence = evidence_of(given)
        recognizer = Recognizer.open(newest(releases_of(project)), threads=1)
        rows = [row for kind in LAYOUTS for row in _measured(kind, recognizer, evidence, given)]
    except REFUSED as error:
        print(f"arrangements: {error}", file=sys.stderr)
        return 2
    gallery = {"cards": len(evidence.known), "scans": len(evidence.cards)}
    result = {"gallery": gallery, "strength": given.strength, "scenes": given.scenes, "rows": rows}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(f"written to {given.output}")
    return 0


def _measured(
    kind: str, recognizer: Recognizer, evidence: Evidence, given: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """A row for the cards of which all is seen, one for those of which most is, and one for the half hidden ones."""
    alone = OutlinesAlone(recognizer.embedder, recognizer.gallery, recognizer.judge, recognizer.outline_filter)
    ignorant, gallery = without(recognizer)
    told: dict[str, list[dict[str, Any]]] = {seen: [] for seen in SEEN}
    wrong, ms = [], []
    for number in shown(range(given.scenes), kind):
        scene = _scene(kind, evidence, number, given.strength)
        began = time.process_time()
        answers = recognizer.recognize(scene.photo).cards
        ms.append(1e3 * (time.process_time() - began))
        by_outlines = alone.recognize(scene.photo).cards
        left_out = number % len(scene.rows)
        gallery.leave_out(evidence.card_ids[scene.rows[left_out]])
        strange = ignorant.recognize(scene.photo).cards
        wrong += _wrong(answers, evidence, scene.rows)
        for at, (row, corners, seen) in enumerate(zip(scene.rows, scene.corners, scene.seen, strict=True)):
            how = next((how for how, least in SEEN.items() if seen >= least), None)
            if how is None:
                continue
            art = evidence.art_groups[evidence.card_ids[row]]
            here = _named(answers, art, corners)
            told[how].append(
                {
                    "named": here is not None,
                    "confirmed": here is not None and here.status is Status.CONFIRMED,
                    "by outlines": _named(by_outlines, art, corners) is not None,
                    "within": overlap(here.corners, corners) if here else None,
                    "as a stranger": [_name(each) for each in _at(strange, corners)] if at == left_out else None,
                }
            )
    for how, cards in told.items():
        if cards:
            row = _row(kind, how, cards)
            yield _said(row | ({"ms": round(float(np.median(ms)), 1), "wrong": wrong} if how == "whole" else {}))


def _scene(kind: str, evidence: Evidence, number: int, strength: str) -> Scene:
    layout, count = LAYOUTS[kind]
    rng = np.random.default_rng([SEED, list(LAYOUTS).index(kind), number])
    rows = [evidence.tests[at] for at in rng.choice(len(evidence.tests), count, replace=count > len(evidence.tests))]
    photo, corners = camera.scene([evidence.cards.image(row) for row in rows], rng, strength=strength, layout=layout)
    seen = [float(seen_of(place, corners[at + 1 :], photo.shape[1::-1]).mean()) for at, place in enumerate(corners)]
    return Scene(photo, rows, corners, seen)


def _at(answers: Sequence[Reading], corners: np.ndarray) -> list[Reading]:
    """The names that are given in the place of a card."""
    return [
        each for each in answers if each.status is not Status.UNKNOWN and overlap(each.corners, corners) >= SAME_PLACE
    ]


def _named(answers: Sequence[Reading], art: str, corners: np.ndarray) -> Reading | None:
    """The answer that shows the art of a card in its place."""
    return next((each for each in _at(answers, corners) if each.card.art_group == art), None)


def _wrong(answers: Sequence[Reading], evidence: Evidence, rows: Sequence[int]) -> list[str]:
    """The names of which no card lies on the frame."""
    arts = {evidence.art_groups[evidence.card_ids[row]] for row in rows}
    return [_name(each) for each in answers if each.status is not Status.UNKNOWN and each.card.art_group not in arts]


def _name(reading: Reading) -> str:
    return f"{reading.card.card_id} {reading.card.name} {reading.confidence:.3f}"


def _row(kind: str, seen: str, cards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares with their 95 % intervals, how well the corners fit, and what cards out of the gallery were called."""
    within = [card["within"] for card in cards if card["within"] is not None]
    asked = [card["as a stranger"] for card in cards if card["as a stranger"] is not None]
    low, high = measures.wilson(sum(card["named"] for card in cards), len(cards))
    return {
        "kind": kind,
        "seen": seen,
        "cards": len(cards),
        **{
            what: round(float(np.mean([card[what] for card in cards])), 4)
            for what in ("named", "confirmed", "by outlines")
        },
        "interval": [round(low, 4), round(high, 4)],
        "overlap": [round(float(value), 3) for value in np.quantile(within, (0.05, 0.5))] if within else None,
        "strangers": len(asked),
        "strangers named": [name for names in asked for name in names],
    }


def _said(row: dict[str, Any]) -> dict[str, Any]:
    strangers = f"{len(row['strangers named'])} of {row['strangers']}"
    print(
        f"{row['kind']:16} {row['seen']:10} {row['cards']:5} cards: named {row['named']:6.1%},"
        f" by outlines alone {row['by outlines']:6.1%}, corners {row['overlap']}, as strangers named {strangers}"
        + (f", {row['ms']} ms a frame; wrong names: {len(row['wrong'])}" if "ms" in row else ""),
        flush=True,
    )
    return row


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main())
