"""Does a release reach what was asked of it? Each target beside what the release does, through edge_runtime.

    python benchmarks/targets.py --cards DIR --photos DIR --store STORE [--queries N]

Test cards (art that no model was trained or calibrated on) through the simulated camera and on whole 1280×720 frames,
strangers, photos, and how far apart the embeddings of different cards lie. Writes benchmarks/results/targets.json.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from contest.evidence import Evidence, Query, shown, spread
from contest.without import without
from recognition import REFUSED, evidence_of, releases_of
from scorecard.places import newest

from edge_runtime.answers import card_json
from edge_runtime.geometry import full_frame, overlap, rectify
from edge_runtime.judging.decide import Status
from edge_runtime.judging.references import SIZE
from edge_runtime.reading.readings import Reading
from edge_runtime.recognizer import Recognizer
from pcr_assets import measures
from pcr_assets.gallery.photos import SAME_PLACE, judge
from pcr_assets.imaging import camera
from pcr_assets.imaging.camera import STRENGTHS, Strength
from pcr_assets.imaging.camera.strength import Dose

RESULT = Path(__file__).parent / "results" / "targets.json"
ANY_LIGHT = replace(
    STRENGTHS["easy"],
    shadow=Dose(1.0, 0.2, 1.0),
    light=Dose(1.0, 0.2, 1.0),
    exposure=Dose(1.0, 0.2, 1.0),
    contrast=Dose(1.0, 0.2, 1.0),
)
"""An easy camera in any light: its frames are tilted by up to 45°, as `scene` does."""
OCCLUDED = replace(STRENGTHS["medium"], occlusion=Dose(1.0, 1.0, 1.0))
"""A fifth of the card is covered, on top of everything that medium does."""
FOIL = replace(STRENGTHS["medium"], glare=Dose(1.0, 0.6, 1.0), shine=Dose(1.0, 0.6, 1.0))
"""Glare on foil, on top of everything that medium does."""
CAMERAS, VIEWS = ("easy", "medium", "hard"), 3
"""Cameras that see a card that the gallery lacks, and how often each does."""
FRAMES, LOOKED_AT = 3, 10
"""Whole frames of each such card; the draws before these were looked at while the rules were made that refuse it."""
PAIRS = 200_000
ALL = 10**6
"""More pictures than there are; and where the numbers of second views begin."""
SEED = 31


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", required=True, help="folder of the raw scans; strangers lie beside it")
    parser.add_argument("--photos", help="folder of labelled photos")
    parser.add_argument("--strangers", help="pictures that must be refused (default: beside the cards)")
    parser.add_argument("--store", required=True, help="store with a release of these cards")
    parser.add_argument("--queries", type=int, default=400, help="test cards for each target")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    try:
        project, evidence = evidence_of(given)
        release = newest(releases_of(project))
        rows = list(_measured(Recognizer.open(release), evidence, given.queries))
    except REFUSED as error:
        print(f"bench-targets: {error}", file=sys.stderr)
        return 2
    gallery = {"cards": len(evidence.known), "scans": len(evidence.cards)}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps({"gallery": gallery, "targets": rows}, indent=1, ensure_ascii=False) + "\n")
    print(f"gallery: {gallery['cards']} cards, {gallery['scans']} scans\n")
    print(_table(rows))
    for said in (said for row in rows for said in row.get("named", ())):
        print(f"named: {said}")
    print(f"\nwritten to {given.output}")
    return 0


def _measured(recognizer: Recognizer, evidence: Evidence, count: int) -> Iterator[dict[str, Any]]:
    """A row for each target, in the order of the table."""
    whole = _frames(recognizer, evidence, count)
    yield _row("whole frame, tilt up to 45°, any light: art at 1", 0.99, whole)
    occluded = _crops(recognizer, evidence, OCCLUDED, "a fifth covered", count)
    yield _row(
        "medium camera, a fifth of the card covered: in the top 3", 0.97, [_rank(*each) < 3 for each in occluded]
    )
    foil = _crops(recognizer, evidence, FOIL, "glare on foil", count)
    yield _row("medium camera, glare on foil: in the top 5", 0.97, [_rank(*each) < 5 for each in foil])
    for name, judged in (
        ("photos", _photos(recognizer, evidence)),
        ("photo crops", _photo_crops(recognizer, evidence)),
    ):
        known = {outcome: n for outcome, n in judged.items() if not outcome.startswith(("stranger", "other printing"))}
        right = [outcome == "right" for outcome, n in known.items() for _ in range(n)]
        least = 0.95 if name == "photos" else 1.0
        yield _row(f"{name} of cards in the gallery: right at 1", least, right) | {"outcomes": dict(judged)}
    named = _strangers(recognizer, evidence)
    what = "strangers named, as scans and through the medium camera"
    yield _row(what, 0.001, list(map(bool, named)), most=True, times=2) | {"named": [said for said in named if said]}
    for where, named, times in (
        ("cut out, three cameras", _unknown_crops, len(CAMERAS) * VIEWS),
        ("on whole frames", _unknown_frames, FRAMES),
    ):
        said = named(recognizer, evidence, count)
        row = _row(f"cards that the gallery lacks named, {where}", 0.001, list(map(bool, said)), most=True, times=times)
        yield row | {"named": [each for each in said if each]}
    apart, pairs_of_each = _apart(recognizer, evidence), max(1, PAIRS // len(evidence.cards))
    yield _row("pairs of different cards with cosine below 0.5", 0.99, apart, times=pairs_of_each)
    for strength in ("easy", "medium"):
        views = _two_views(recognizer, evidence, strength, count)
        yield _row(f"two views of a card through the {strength} camera with cosine above 0.8", 0.95, views)


def _row(
    target: str, asked: float, hits: Sequence[bool] | np.ndarray, *, most: bool = False, times: int = 1
) -> dict[str, Any]:
    """``most``: what is asked is the most that may be, not the least that must. ``times``: how often each card was asked; what is
    hard about it is so every time, so in the interval it counts once."""
    share, count = float(np.mean(hits)) if len(hits) else 0.0, len(hits)
    low, high = measures.wilson(int(np.sum(hits)) / times, count // times)
    reached = "not asked" if not count else "yes" if (share <= asked if most else share >= asked) else "no"
    return {
        "target": target,
        "asked": f"{'≤' if most else '≥'} {asked:.1%}",
        "measured": round(share, 5),
        "low": round(low, 5),
        "high": round(high, 5),
        "count": count,
        "reached": reached,
    }


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [f"{'target':72} {'asked':>8} {'measured':>9} {'95 % interval':>17} {'of':>7}  reached"]
    for row in rows:
        interval = f"{100 * row['low']:.1f} – {100 * row['high']:.1f}"
        measured = f"{100 * row['measured']:.2f} %"
        lines.append(
            f"{row['target']:72} {row['asked']:>8} {measured:>9} {interval:>17} {row['count']:>7}  {row['reached']}"
        )
    return "\n".join(lines)


def _frames(recognizer: Recognizer, evidence: Evidence, count: int) -> list[bool]:
    """Of whole frames with one test card: whether the card was found, and named by its art."""
    right = []
    for number, row in enumerate(shown(spread(evidence.tests, count), "whole frames")):
        photo, (corners,) = camera.scene([evidence.cards.image(row)], _rng(number), strength=ANY_LIGHT)
        here = [each for each in recognizer.recognize(photo).cards if overlap(each.corners, corners) >= SAME_PLACE]
        group = evidence.art_groups[evidence.card_ids[row]]
        right.append(any(each.status is not Status.UNKNOWN and each.card.art_group == group for each in here))
    return right


def _crops(
    recognizer: Recognizer, evidence: Evidence, strength: Strength, what: str, count: int
) -> list[tuple[Reading, str]]:
    """Test cards cut out with a camera's errors: what was read, and the id of the card."""
    return [
        (recognizer.read_at(picture, _whole(picture)), card_id)
        for picture, card_id in (
            (_seen(evidence, row, number, strength), evidence.card_ids[row])
            for number, row in enumerate(shown(spread(evidence.tests, count), what))
        )
    ]


def _rank(reading: Reading, card_id: str) -> int:
    """The place of a card among the different cards of an answer; their number when it is not there."""
    cards = list(dict.fromkeys(match.card.card_id for match in reading.matches))
    return cards.index(card_id) if card_id in cards else len(cards)


def _photos(recognizer: Recognizer, evidence: Evidence) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for name, picture, labels in shown(list(evidence.photos()), "photos"):
        answers = [card_json(reading) for reading in recognizer.recognize(picture).cards]
        outcomes.update(verdict.outcome for verdict in judge(name, labels, answers, evidence.known))
    return outcomes


def _photo_crops(recognizer: Recognizer, evidence: Evidence) -> Counter[str]:
    return Counter(_crop_outcome(recognizer, crop) for crop in evidence.photo_crops())


def _crop_outcome(recognizer: Recognizer, crop: Query) -> str:
    reading = recognizer.read_at(crop.picture, _whole(crop.picture))
    named = reading.status is not Status.UNKNOWN
    if not crop.card_id:
        return "stranger named" if named and reading.card.name != crop.name else "stranger refused"
    return "right" if named and crop.right(reading.card.card_id, reading.card.name) else "not right"


def _strangers(recognizer: Recognizer, evidence: Evidence) -> list[str]:
    """What each stranger was taken for, ``""`` where it was refused."""
    said = []
    for strength in ("none", "medium"):
        for query in evidence.strangers(strength, ALL):
            reading = recognizer.read_at(query.picture, _whole(query.picture))
            said.append(_taken(f"{query.source}, camera {strength}", reading))
    return said


def _unknown_crops(recognizer: Recognizer, evidence: Evidence, count: int) -> list[str]:
    """What test cards are taken for while their art and their name are missing, ``""`` where they are refused: each is asked
    by every camera, ``VIEWS`` times."""
    ignorant, gallery = without(recognizer)
    said = []
    for strength in CAMERAS:
        for number, row in enumerate(shown(spread(evidence.tests, count), f"unknown cards, {strength}")):
            gallery.leave_out(evidence.card_ids[row])
            for view in range(VIEWS):
                picture = _seen(evidence, row, number + view * ALL, strength)
                reading = ignorant.read_at(picture, _whole(picture))
                said.append(_taken(f"{evidence.card_ids[row]}, camera {strength}", reading))
    return said


def _unknown_frames(recognizer: Recognizer, evidence: Evidence, count: int) -> list[str]:
    """The same on whole frames, ``FRAMES`` of each card, where whatever is named anywhere counts."""
    ignorant, gallery = without(recognizer)
    said = []
    for number, row in enumerate(shown(spread(evidence.tests, count), "unknown cards on whole frames")):
        gallery.leave_out(evidence.card_ids[row])
        for view in range(LOOKED_AT, LOOKED_AT + FRAMES):
            photo, _ = camera.scene([evidence.cards.image(row)], _rng(number + view * ALL), strength=ANY_LIGHT)
            named = [_taken(f"{evidence.card_ids[row]} on a frame", each) for each in ignorant.recognize(photo).cards]
            said.append("; ".join(filter(None, named)))
    return said


def _taken(asked: str, reading: Reading) -> str:
    """What a stranger was taken for; ``""`` where it was refused."""
    if reading.status is Status.UNKNOWN:
        return ""
    return f"{asked}: {reading.card.card_id} {reading.card.name} {reading.confidence:.2f}"


def _apart(recognizer: Recognizer, evidence: Evidence) -> np.ndarray:
    """Whether the gallery's embeddings of random pairs of cards with different art lie apart."""
    every = range(len(evidence.cards))
    vectors = _embedded(recognizer, (evidence.cards.image(row) for row in shown(every, "gallery")))
    groups = np.array([evidence.art_groups[card_id] for card_id in evidence.card_ids])
    one, other = np.random.default_rng(SEED).integers(len(vectors), size=(2, PAIRS))
    differ = groups[one] != groups[other]
    return np.einsum("nd,nd->n", vectors[one[differ]], vectors[other[differ]]) < 0.5


def _two_views(recognizer: Recognizer, evidence: Evidence, strength: str, count: int) -> np.ndarray:
    tests = spread(evidence.tests, count)

    def views(start: int) -> Iterator[np.ndarray]:
        return (_seen(evidence, row, start + number, strength) for number, row in enumerate(tests))

    first, second = (_embedded(recognizer, views(start)) for start in (0, ALL))
    return np.einsum("nd,nd->n", first, second) > 0.8


def _embedded(recognizer: Recognizer, pictures: Iterator[np.ndarray]) -> np.ndarray:
    size = recognizer.embedder.input_size
    return np.concatenate(
        [recognizer.embedder.embed(rectify(picture, _whole(picture), size)[None]) for picture in pictures]
    )


def _seen(evidence: Evidence, row: int, number: int, strength: str | Strength) -> np.ndarray:
    return camera.rectified(evidence.cards.image(row), _rng(number), strength, SIZE)


def _rng(number: int) -> np.random.Generator:
    return np.random.default_rng([SEED, number])


def _whole(picture: np.ndarray) -> np.ndarray:
    return full_frame(picture.shape[1], picture.shape[0])


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main())
