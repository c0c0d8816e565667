"""Real photos with labels, and what the edge answered about them: right, wrong, uncertain, refused or not found."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from edge_runtime.geometry import area, cross, following, overlap
from pcr_assets.gallery.watched import LABELS

SAME_PLACE = 0.5
"""Least overlap (intersection over union) of an answer's corners and a label's for both to mean the same card."""

BASIC_LANDS = frozenset({"Plains", "Island", "Swamp", "Mountain", "Forest"})
"""Magic cards that are printed many times under one name: any printing counts as right."""


class LabelsError(ValueError):
    """``photos.csv`` can't be read; the message names the line, and the cure."""


@dataclass(frozen=True)
class Label:
    """One card on a photo. ``corners``: float32 4×2 in pixels, or None when the card fills the photo.

    ``in_gallery``: whether the gallery had the card when the label was written.
    """

    corners: np.ndarray | None
    card_id: str
    name: str
    in_gallery: bool


@dataclass(frozen=True)
class Verdict:
    """What became of one labelled card: ``right``, ``wrong``, ``uncertain``, ``refused``, ``not found`` or, for a card that
    is not in the gallery, ``stranger named`` (a card of another name is named, or several alike), ``other printing named`` (one of
    its name, whose id is another) or ``stranger refused``."""

    photo: str
    label: Label
    outcome: str
    answer: str
    similarity: float


def read_labels(data: bytes) -> dict[str, list[Label]]:
    """The labels of a ``photos.csv``, by the photo's path as it stands there. Raises LabelsError.

    Columns: ``photo``; ``quad``, four corners as JSON; ``card_id``; ``name``; ``in_gallery``, 1 or nothing. All but the first may
    lack; without the last one every card is taken to be in the gallery.
    """
    labels: dict[str, list[Label]] = {}
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise LabelsError(f"{LABELS} is not UTF-8: save it as CSV in UTF-8") from error
    rows = csv.DictReader(text, restval="", strict=True)  # else a quote that nobody closes takes all lines after it
    try:
        if data and "photo" not in (rows.fieldnames or ()):
            raise LabelsError(f"{LABELS} has no column photo: its first line must name it")
        for row in rows:
            labels.setdefault(str(PurePosixPath(row["photo"])), []).append(_label(row, rows.line_num))
    except csv.Error as error:
        where = f"the row that begins in line {rows.line_num + 1}"
        raise LabelsError(f"{LABELS} is no CSV file ({where}: {error}): save it as CSV in UTF-8") from error
    return labels


def labels_of(labels: Mapping[str, Sequence[Label]], photo: str) -> Sequence[Label]:
    """The labels of a photo, by its key in the photos' folder.

    A path in the file may begin above that folder, or be the end of the key; of several such paths the nearest is meant:
    ``IMG_1.jpg`` is in many folders.
    """
    meant = [path for path in labels if f"/{path}".endswith(f"/{photo}") or f"/{photo}".endswith(f"/{path}")]
    return labels[min(meant, key=lambda path: abs(len(path) - len(photo)))] if meant else ()


def labels_of_each(labels: Mapping[str, Sequence[Label]], photos: Iterable[str]) -> dict[str, Sequence[Label]]:
    """The same of many photos: each is looked for among the paths of its own name alone, or time would grow with their square."""
    alike: defaultdict[str, dict[str, Sequence[Label]]] = defaultdict(dict)
    for path, said in labels.items():
        alike[PurePosixPath(path).name][path] = said
    return {photo: labels_of(alike.get(PurePosixPath(photo).name, {}), photo) for photo in photos}


def labelled_first(labels: Mapping[str, Sequence[Label]]) -> list[str]:
    """The photos in their order, those with a labelled card of the gallery before all others."""
    return sorted(labels, key=lambda photo: not any(label.in_gallery for label in labels[photo]))


def _label(row: Mapping[str, str], line: int) -> Label:
    corners = _corners(row["quad"], line) if row.get("quad") else None
    return Label(corners, row.get("card_id", ""), row.get("name", ""), row.get("in_gallery", "1") == "1")


def _corners(quad: str, line: int) -> np.ndarray:
    try:
        corners = np.array(json.loads(quad), np.float32)
    except (ValueError, TypeError):
        corners = np.empty(0, np.float32)
    if corners.shape != (4, 2) or not np.isfinite(corners).all() or not _around(corners):
        raise LabelsError(
            f"{LABELS}, line {line}: quad is {quad}, and must be four corners in pixels, one after the other around the card, such "
            "as [[0, 0], [63, 0], [63, 88], [0, 88]], or empty for a card that fills the photo"
        )
    return corners


def _around(corners: np.ndarray) -> bool:
    """Whether corners 4×2 go once around an area. In another order they overlap nothing, and what was named passes for missed."""
    sides = following(corners) - corners
    turns = cross(sides, following(sides))
    return bool((turns > 0).all() or (turns < 0).all())


def judge(
    photo: str, labels: Sequence[Label], answers: Sequence[Mapping[str, Any]], known: frozenset[str]
) -> list[Verdict]:
    """A verdict for each label that says which card it is, by id or name.

    ``answers`` are the cards of the edge's JSON; ``known`` the gallery's ids.

    A label says whether its card was in the gallery when it was written; a gallery that has lost the card since, or
    never had it, makes it a stranger.
    """
    verdicts = []
    for label in labels:
        answer = _answer_at(label, answers)
        if label.in_gallery and label.card_id in known:
            verdicts.append(_named(photo, label, answer))
        elif (label.name or label.card_id) and label.card_id not in known:
            outcome = _of_stranger(label, answer)
            verdicts.append(_verdict(photo, label, outcome, answer))
    return verdicts


def _of_stranger(label: Label, answer: Mapping[str, Any] | None) -> str:
    if answer is None or answer["status"] == "unknown":
        return "stranger refused"
    if answer["name"] != label.name:
        return "stranger named"
    # A label without an id says which card it is, and not which printing.
    return "other printing named" if label.card_id and label.name not in BASIC_LANDS else "stranger refused"


def _named(photo: str, label: Label, answer: Mapping[str, Any] | None) -> Verdict:
    if answer is None:
        return _verdict(photo, label, "not found", None)
    if answer["status"] == "unknown":
        return _verdict(photo, label, "refused", answer)
    lands = label.name in BASIC_LANDS and answer["name"] == label.name
    candidates = {card_id for card_id, _ in answer["candidates"]} if answer["status"] == "uncertain" else set()
    if answer["card_id"] == label.card_id or lands:
        return _verdict(photo, label, "right", answer)
    return _verdict(photo, label, "uncertain" if label.card_id in candidates else "wrong", answer)


def _verdict(photo: str, label: Label, outcome: str, answer: Mapping[str, Any] | None) -> Verdict:
    return Verdict(photo, label, outcome, answer["card_id"] if answer else "", answer["similarity"] if answer else 0.0)


def _answer_at(label: Label, answers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    if not answers:
        return None
    if label.corners is None:
        return max(answers, key=lambda answer: area(np.array(answer["corners"], np.float32)))
    overlaps = [overlap(label.corners, np.array(answer["corners"], np.float32)) for answer in answers]
    best = int(np.argmax(overlaps))
    return answers[best] if overlaps[best] >= SAME_PLACE else None


def tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How often each outcome came."""
    return dict(sorted(Counter(verdict.outcome for verdict in verdicts).items()))
