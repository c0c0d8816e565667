"""Does deciding over several frames pay? Frames until a card is named, and wrong names, beside deciding on each frame alone.

    python benchmarks/stream.py --cards DIR --store STORE [--stays N] [--frames N] [--strength medium|hard]

Films of one card each, ten frames a second, through the simulated camera: what lasts (place, tilt, light, glare, sleeve) is
drawn once a film, what flickers (motion, focus, exposure, noise, compression, a shaking hand) anew for each frame. Shown are
test cards that no model was trained or calibrated on, cards that share their art with others, test cards that the gallery lacks,
and strangers. Three ways: each frame decided as a photo; the same readings decided over the frames; and the stream as a device
reads it, most frames with little effort. Ctrl-C counts the films read so far. Writes benchmarks/results/stream.json.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from contest.evidence import Evidence, shown, spread
from contest.without import without
from recognition import REFUSED, evidence_of, releases_of
from scorecard.films import film
from scorecard.places import newest

from edge_runtime.following.belief import vote
from edge_runtime.following.stillness import Stillness
from edge_runtime.following.tracks import Event, Tracker
from edge_runtime.gallery import Card
from edge_runtime.reading.readings import Reading
from edge_runtime.recognizer import Recognizer
from edge_runtime.stream import Follower
from pcr_assets.imaging.camera.strength import STRENGTHS

RESULT = Path(__file__).parent / "results" / "stream.json"
FPS = 10
SEED = 47
KINDS = ("card", "twin", "unknown", "stranger")


@dataclass(frozen=True)
class Stay:
    """A film and what it shows. ``art`` and ``card_id`` are empty for what the gallery lacks. For each frame its readings as a
    photo and the events of the stream, and the seconds of CPU that both took."""

    kind: str
    art: str
    card_id: str
    readings: Sequence[Sequence[Reading]]
    events: Sequence[Sequence[Event]]
    seconds: Sequence[tuple[float, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Film, read, count, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", required=True, help="folder of the raw scans; strangers lie beside it")
    parser.add_argument("--strangers", help="pictures that must be refused (default: beside the cards)")
    parser.add_argument("--store", required=True, help="store with a release of these cards")
    parser.add_argument("--stays", type=int, default=60, help="films of each kind")
    parser.add_argument("--frames", type=int, default=12, help="frames of each film")
    parser.add_argument("--strength", default="hard", choices=sorted(STRENGTHS))
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    given.photos = None
    try:
        project, evidence = evidence_of(given)
        release = newest(releases_of(project))
        stays: list[Stay] = []
        with contextlib.suppress(KeyboardInterrupt):
            stays.extend(_filmed(Recognizer.open(release, threads=1), evidence, given))
    except REFUSED as error:
        print(f"bench-stream: {error}", file=sys.stderr)
        return 2
    result = {
        "question": (__doc__ or "").splitlines()[0],
        "gallery": {"cards": len(evidence.known), "scans": len(evidence.cards)},
        "variant": release.variant().name,
        "strength": given.strength,
        "frames_a_film": given.frames,
        "films": len(stays),
        **{way: _counted(stays, told) for way, told in WAYS.items()},
        "cpu_ms_a_frame": _milliseconds(stays),
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(_table(result))
    print(f"written to {given.output}")
    return 0


def _filmed(recognizer: Recognizer, evidence: Evidence, given: argparse.Namespace) -> Iterator[Stay]:
    """Every film, read, of each kind in turn."""
    ignorant, gallery = without(recognizer)
    for kind, number, row, picture in shown(sorted(_shows(evidence, given.stays), key=lambda show: show[1]), "films"):
        shot = evidence.cards.image(row) if picture is None else picture
        rng = np.random.default_rng([SEED, KINDS.index(kind), number])
        frames = film([shot], given.strength, given.frames, rng)
        if row is not None and kind == "unknown":
            gallery.leave_out(evidence.card_ids[row])
            yield _read(kind, "", "", ignorant, frames)
        else:
            card_id = "" if row is None else evidence.card_ids[row]
            yield _read(kind, evidence.art_groups.get(card_id, ""), card_id, recognizer, frames)


def _read(kind: str, art: str, card_id: str, recognizer: Recognizer, frames: Iterable[np.ndarray]) -> Stay:
    """Each frame as a photo, and as the next one of a stream."""
    follower = Follower(recognizer, stillness=Stillness(0))
    readings, events, seconds = [], [], []
    for number, frame in enumerate(frames):
        began = time.process_time()
        readings.append(recognizer.recognize(frame).cards)
        between = time.process_time()
        events.append(follower.look(frame, number / FPS))
        seconds.append((between - began, time.process_time() - between))
    return Stay(kind, art, card_id, readings, events, seconds)


def _shows(evidence: Evidence, most: int) -> Iterator[tuple[str, int, int | None, np.ndarray | None]]:
    """What to film: its kind, its number among its kind, and a row of the cards, or a stranger's picture."""
    cards: dict[str, set[str]] = {}
    for card_id in evidence.known:
        cards.setdefault(evidence.art_groups[card_id], set()).add(card_id)

    def printings(row: int) -> int:
        return len(cards[evidence.art_groups[evidence.card_ids[row]]])

    alone = [row for row in evidence.tests if printings(row) == 1]
    twins = [row for row in range(len(evidence.cards)) if printings(row) > 1]
    for kind, rows in (("card", alone), ("twin", twins), ("unknown", evidence.tests)):
        yield from ((kind, number, row, None) for number, row in enumerate(spread(rows, most)))
    strangers = evidence.strangers("none", most)
    yield from (("stranger", number, None, query.picture) for number, query in enumerate(strangers))


@dataclass(frozen=True)
class Said:
    """An answer: in which frame of the film it was given, and the card, the candidates, or nothing."""

    frame: int
    art: str = ""
    cards: tuple[str, ...] = ()


def _alone(stay: Stay) -> Iterator[Said]:
    """What deciding on each frame alone says: each time another answer than in the frame before is given."""
    before: set[Said] = set()
    for number, readings in enumerate(stay.readings):
        votes = [vote(reading) for reading in readings]
        now = {Said(0, each.art, _ids(each.cards[:1] if each.clear else each.cards)) for each in votes if each.named}
        yield from (replace(said, frame=number) for said in sorted(now - before, key=lambda said: said.cards))
        yield from (Said(number) for _ in before - now)
        before = now


def _over_frames(stay: Stay) -> Iterator[Said]:
    """What edge_runtime says when it weighs all these readings together."""
    tracker = Tracker()
    return _told(tracker.update(readings, number / FPS) for number, readings in enumerate(stay.readings))


def _as_a_stream(stay: Stay) -> Iterator[Said]:
    """What edge_runtime says of a stream."""
    return _told(stay.events)


def _told(frames: Iterable[Iterable[Event]]) -> Iterator[Said]:
    named: set[int] = set()
    for number, events in enumerate(frames):
        for event in events:
            if event.cards:
                named.add(event.stay)
                yield Said(number, event.cards[0].art_group, _ids(event.cards))
            elif event.stay in named:
                named.discard(event.stay)
                yield Said(number)


WAYS: dict[str, Callable[[Stay], Iterator[Said]]] = {
    "each_frame_alone": _alone,
    "over_frames": _over_frames,
    "as_a_stream": _as_a_stream,
}


def _ids(cards: Sequence[Card]) -> tuple[str, ...]:
    return tuple(card.card_id for card in cards)


def _counted(stays: Sequence[Stay], answers: Callable[[Stay], Iterator[Said]]) -> dict[str, Any]:
    """What was said right, wrong and too often, by kind of film."""
    counted: dict[str, Any] = {}
    for kind in KINDS:
        here = [(stay, list(answers(stay))) for stay in stays if stay.kind == kind]
        frames = sum(len(stay.readings) for stay, _ in here)
        right = [_first(told, lambda said, stay=stay: said.cards == (stay.card_id,)) for stay, told in here]
        among = [
            _first(told, lambda said, stay=stay: said.cards[1:] and stay.card_id in said.cards) for stay, told in here
        ]
        named = [(stay, said) for stay, told in here for said in told if len(said.cards) == 1]
        wrong = [stay for stay, said in named if said.art != stay.art]
        counted[kind] = {
            "films": len(here),
            "frames": frames,
            "named_right": sum(frame > 0 for frame in right),
            "frames_to_the_right_name": float(np.median([frame for frame in right if frame])) if any(right) else None,
            "among_the_candidates": sum(frame > 0 for frame in among),
            "films_with_a_wrong_name": len({id(stay) for stay in wrong}),
            "wrong_names_in_1000_frames": _per_1000(len(wrong), frames),
            "wrong_printings_in_1000_frames": _per_1000(
                sum(said.art == stay.art and said.cards != (stay.card_id,) for stay, said in named), frames
            ),
            "answers_in_1000_frames": _per_1000(sum(len(told) for _, told in here), frames),
        }
    return counted


def _milliseconds(stays: Sequence[Stay]) -> dict[str, dict[str, float]]:
    """What a frame takes in the mean, by kind of film. The first read by both ways is left out: it opens what is needed once."""
    taken = {kind: [pair for stay in stays if stay.kind == kind for pair in stay.seconds] for kind in KINDS}
    taken[KINDS[0]] = taken[KINDS[0]][1:]
    means = {kind: 1000 * np.mean(pairs, axis=0) for kind, pairs in taken.items() if pairs}
    return {
        kind: {"as_a_photo": round(photo, 1), "as_a_stream": round(stream, 1), "ratio": round(stream / photo, 2)}
        for kind, (photo, stream) in means.items()
    }


def _first(told: Sequence[Said], wanted: Callable[[Said], object]) -> int:
    """In how many frames the answer that is wanted was given; 0 for never."""
    return next((said.frame + 1 for said in told if wanted(said)), 0)


def _per_1000(count: int, frames: int) -> float:
    return round(1000 * count / frames, 1) if frames else 0.0


def _table(result: Mapping[str, Any]) -> str:
    lines = [
        f"gallery: {result['gallery']['cards']} cards; {result['strength']} camera, {result['variant']}, "
        f"films of {result['frames_a_film']} frames\n",
        f"{'':17} {'film of a':9} {'named right':>12} {'after':>7} {'candidate':>10} {'wrongly named':>14}"
        f" {'wrong names':>12} {'wrong printings':>16} {'answers':>9}",
        f"{'':17} {'':9} {'films':>12} {'frames':>7} {'films':>10} {'films':>14}"
        f" {'in 1,000':>12} {'in 1,000':>16} {'in 1,000':>9}",
    ]
    for way in WAYS:
        for kind, row in result[way].items():
            right = "" if kind in {"unknown", "stranger"} else f"{row['named_right']} of {row['films']}"
            lines.append(
                f"{way.replace('_', ' '):17} {kind:9} {right:>12} {row['frames_to_the_right_name'] or '':>7}"
                f" {row['among_the_candidates']:>10} {row['films_with_a_wrong_name']:>14}"
                f" {row['wrong_names_in_1000_frames']:>12} {row['wrong_printings_in_1000_frames']:>16}"
                f" {row['answers_in_1000_frames']:>9}"
            )
    lines += [
        f"a frame of a {kind}: {ms['as_a_photo']} ms of CPU as a photo, {ms['as_a_stream']} of a stream ({ms['ratio']})"
        for kind, ms in result["cpu_ms_a_frame"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main())
