"""The box on the device: one folder of bounded size, the oldest out first.

``<date>/<id>.jpg`` is a rectified card, ``<date>/<id>.json`` what was answered; ``<date>/tally.json`` counts all answers of
the day, those without a picture too. A picture is whole once its JSON is there. Dates are those of UTC.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.disk import ASIDE, read_object, replace
from edge_runtime.geometry import rectify
from edge_runtime.jpeg import jpeg
from edge_runtime.judging.decide import Status
from edge_runtime.judging.references import SIZE

if TYPE_CHECKING:
    from edge_runtime.reading.readings import Reading, Recognition

SCHEMA = 1
MOST_BYTES = 200 << 20
PARTS = 8
"""A folder is walked once for each such part of its room that is filled: a walk takes its time, and the recogniser waits."""
AGAIN = 60.0
"""Seconds in which the same card in the same state counts once: a card that lies there is one card, not a thousand frames."""
DOUBT = 0.02
"""Confidence from which an unknown card is worth a look: below it, the outline held no card that resembles one of the gallery."""
QUALITY = 90
RIGHTS = 0o666
"""Of what is kept, less the umask: who sends it may be another user."""
BINS = 20
"""Of the similarities 0..1 in a tally."""
SHOWN: Mapping[str, Any] = {
    "id": str,
    "at": str,
    "status": str,
    "card_id": str,
    "similarity": float | int | None,
    "corrected": str | None,
}
"""Of what was said of a kept card: what is told of it here. A file that lacks one of these, or has it otherwise, is not whole."""
TALLY = "tally.json"
SENT = ".tally.sent"
"""Beside a tally: what of it was sent where."""
MOST_DAYS = 400
"""Days whose tallies are kept: 3 MB or so, and a year that can be compared with the one before."""


log = logging.getLogger(__name__)


class NoSuchCard(ValueError):
    """No kept card has this id."""


class FeedbackBox:
    """Keeps what a recogniser is unsure of, for one release and one model of it. Not for several threads at once.

    ``now``: seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        release_id: str,
        variant: str,
        most_bytes: int = MOST_BYTES,
        now: Callable[[], float] = time.time,
    ):
        self.folder = Path(folder)
        self.release_id, self.variant = release_id, variant
        self._most_bytes = most_bytes
        self._until_walk = 0
        """Bytes that may be kept before the folder is walked: none at first, for nobody knows what is there."""
        self._now = now
        self._counted: dict[tuple[str, Status], float] = {}

    def notice(self, image: np.ndarray, found: "Recognition") -> None:
        """Count what was answered for a picture uint8 RGB H×W×3, and keep the cards that it left in doubt."""
        fresh = [reading for reading in found.cards if reading.matches and self._is_fresh(reading)]
        if not fresh:
            return
        try:
            self._take(image, fresh)
        except OSError as error:  # a full or broken disk must not stop the recogniser
            log.warning("feedback is not kept: %s (%s)", error.filename or self.folder, error.strerror)

    def _take(self, image: np.ndarray, fresh: "list[Reading]") -> None:
        day = self._day()
        kept = sum(self._keep(day, image, reading) for reading in fresh if _in_doubt(reading))
        self._count(day, fresh)
        self._until_walk -= kept
        if kept and self._until_walk < 0:
            taken = make_room(self.folder, self._most_bytes)
            self._until_walk = min(self._most_bytes - taken, self._most_bytes // PARTS)

    def _is_fresh(self, reading: "Reading") -> bool:
        what, now = (reading.card.card_id, reading.status), self._now()
        self._counted = {seen: at for seen, at in self._counted.items() if 0 <= now - at < AGAIN}
        fresh = what not in self._counted
        self._counted.setdefault(what, now)
        return fresh

    def _day(self) -> Path:
        day = self.folder / datetime.fromtimestamp(self._now(), UTC).date().isoformat()
        if not day.is_dir():
            forget_days(self.folder, MOST_DAYS)
            day.mkdir(parents=True, exist_ok=True)
        return day

    def _keep(self, day: Path, image: np.ndarray, reading: "Reading") -> int:
        """Keep the card's picture; gives its bytes."""
        picture = jpeg(rectify(image, reading.corners, SIZE), QUALITY)
        put(day, picture, self._said(reading))
        return len(picture)

    def _said(self, reading: "Reading") -> dict[str, Any]:
        return {
            "at": datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds"),
            "release_id": self.release_id,
            "variant": self.variant,
            "status": reading.status.value,
            "card_id": reading.card.card_id,
            "set": reading.card.set_id,
            "similarity": round(reading.similarity, 4),
            "confidence": round(reading.confidence, 4),
            "candidates": [[match.card.card_id, round(match.similarity, 4)] for match in reading.candidates],
            "other_printing": reading.other_printing,
            "corrected": None,
        }

    def _count(self, day: Path, readings: "list[Reading]") -> None:
        try:
            tally = self._counted_to(read_object(day / TALLY), readings)
        except (AttributeError, IndexError, KeyError, TypeError):  # rotted, or not of our making
            tally = self._counted_to({}, readings)
        replace(day / TALLY, json.dumps(tally, ensure_ascii=False).encode(), mode=RIGHTS)

    def _counted_to(self, said: dict[str, Any], readings: "list[Reading]") -> dict[str, Any]:
        """A tally to which these are counted; an empty one is begun."""
        tally = said or {"schema": SCHEMA, "answers": {}}
        counts = tally["answers"].setdefault(
            f"{self.release_id} {self.variant}", {"similarity": [0] * BINS, "sets": {}}
        )
        for reading in readings:
            counts["similarity"][min(BINS - 1, max(0, int(reading.similarity * BINS)))] += 1
            of_set = counts["sets"].setdefault(reading.card.set_id, {})
            of_set[reading.status.value] = of_set.get(reading.status.value, 0) + 1
        return tally


def put(day: Path, picture: bytes, said: Mapping[str, Any], name: str = "") -> None:
    """Keep a picture (JPEG) with what was said of it, under a name of 32 hex digits: a new one, or in the place of what has it."""
    name = name or uuid.uuid4().hex
    whole = {"schema": SCHEMA, "id": name, **said}
    replace(day / f"{name}.jpg", picture, mode=RIGHTS)
    replace(day / f"{name}.json", json.dumps(whole, ensure_ascii=False).encode(), mode=RIGHTS)


def make_room(folder: Path, most_bytes: int) -> int:
    """Where pictures take more than so many bytes, remove the oldest, with what was said of them, until a part of the room is free.

    Gives the bytes that are taken then.
    """
    files = []
    for path in folder.rglob("*.jpg"):
        with suppress(FileNotFoundError):  # it was sent, and removed, since it was listed
            stat = path.stat()
            files.append((stat.st_mtime_ns, path, stat.st_size))
    taken = sum(size for _, _, size in files)
    if taken <= most_bytes:
        return taken
    for _, path, size in sorted(files):
        if taken <= most_bytes - most_bytes // PARTS:
            break
        path.with_suffix(".json").unlink(missing_ok=True)  # first: a picture without it is not whole
        path.unlink(missing_ok=True)
        taken -= size
    return taken


def forget_days(folder: Path, most: int) -> None:
    """Remove the tallies of all but so many of the newest days, and the folders that this leaves empty."""
    for day in sorted(path.parent for path in folder.glob(f"*/{TALLY}"))[:-most]:
        for path in (day / SENT, day / TALLY, *day.glob(f"{ASIDE}-*")):  # the last as a power cut left them
            path.unlink(missing_ok=True)
        with suppress(OSError):  # pictures of that day are still kept
            day.rmdir()


def _in_doubt(reading: "Reading") -> bool:
    """Whether its picture may teach something. Another printing's confidence may be next to nothing, and it be refused wrongly."""
    resembles = reading.confidence >= DOUBT or reading.other_printing
    return reading.status is Status.UNCERTAIN or (reading.status is Status.UNKNOWN and resembles)


def kept(folder: Path) -> Iterator[dict[str, Any]]:
    """What was answered for each kept card, the oldest day first."""
    for path in sorted(folder.glob("*/*.json")):
        said = _card(path)
        if said and path.with_suffix(".jpg").exists():
            yield said


def correct(folder: Path, name: str, card_id: str) -> None:
    """Say which card a kept one is; ``name`` is its id, or the beginning of it. Raises :class:`NoSuchCard`."""
    found = [(path, said) for path in folder.glob("*/*.json") if path.stem.startswith(name) and (said := _card(path))]
    if len(found) != 1:
        raise NoSuchCard(f"{len(found)} kept cards begin with '{name}': `edge-runtime feedback list` names them all")
    ((path, said),) = found
    replace(path, json.dumps({**said, "corrected": card_id}, ensure_ascii=False).encode(), mode=RIGHTS)


def _card(path: Path) -> dict[str, Any] | None:
    """What was said of a kept card; None where the file is a tally, or no such thing any more."""
    said = read_object(path) if path.name != TALLY else {}
    whole = all(name in said and isinstance(said[name], kind) for name, kind in SHOWN.items())
    return said if whole else None
