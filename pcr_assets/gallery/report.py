"""The recognition report: how well each variant of a release names cards, and what it must refuse.

Everything is asked through edge_runtime, the program that will run the release. Confidences and thresholds are calibrated
on validation cards and on one half of the strangers, and judged on test cards, on the other half, and on photos.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from edge_runtime.cli import card_json
from edge_runtime.decide import Calibration
from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.gallery import Gallery
from edge_runtime.judge import Judge
from edge_runtime.photo import PhotoError, load_photo
from edge_runtime.recognizer import Recognizer
from edge_runtime.references import SIZE
from edge_runtime.second_look import SecondLook
from pcr_assets.cards.reader import CardImages
from pcr_assets.gallery import judging, queries
from pcr_assets.gallery import photos as labelled
from pcr_assets.gallery.confidence import calibration_error, reliability
from pcr_assets.gallery.judging import Query
from pcr_assets.imaging import camera

REMEMBERED = 512
"""Queries of a kind whose picture is kept while a variant is judged, a quarter of a megabyte each."""


class ReportSettings(BaseModel):
    """Which queries judge a release, and what it must reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queries: int = Field(
        400, ge=10, description="Test cards, and validation cards, that are asked for at each strength."
    )
    strengths: tuple[str, ...] = Field(("medium", "hard"), description="Of the simulated camera.")
    seed: int = 11
    strangers: int = Field(400, ge=0, description="Pictures that must be refused, half of them for calibration.")
    photos: int = Field(120, ge=0, description="At most so many photos are looked at.")
    false_accept_rate: float = Field(0.005, gt=0, lt=1, description="Share of unknown cards that may be named.")
    precision: float = Field(0.995, gt=0, le=1, description="Share of confirmed answers that are right.")
    least_recall: float = Field(
        0.9,
        ge=0,
        le=1,
        description="recall@1 of test cards at the first strength; a release is refused that surely lies below.",
    )


@dataclass(frozen=True)
class Subject:
    """A variant to be judged: its model and index, and the catalogue and pictures that all share."""

    model: Path
    index: Path
    catalogue: Path
    second_look: SecondLook


@dataclass(frozen=True)
class Evidence:
    """What a release is judged by. ``splits``: rows of the snapshot, by split."""

    cards: CardImages
    splits: Mapping[str, Sequence[Mapping[str, Any]]]
    strangers: Sequence[Path]
    photos: Sequence[Path]
    labels: Mapping[str, Sequence[labelled.Label]]


def judge_variant(subject: Subject, evidence: Evidence, settings: ReportSettings, say: Any = print) -> dict[str, Any]:
    """Calibrate and judge one variant: recall of the search alone and of whole answers, refusals, reliability."""
    embedder, gallery = OnnxEmbedder(subject.model), Gallery.open(subject.index, subject.catalogue)
    second_look = subject.second_look
    asked = {
        (split, strength): _ask(embedder, gallery, evidence, split, strength, settings)
        for split in ("validation", "test")
        for strength in settings.strengths
    }
    strangers = _strangers(embedder, gallery, evidence.strangers)
    known = [query for strength in settings.strengths for query in asked["validation", strength]]
    calibration = judging.calibrate(
        second_look, known, strangers[::2], far=settings.false_accept_rate, precision=settings.precision
    )
    judge = Judge(calibration, second_look)
    answers = {strength: judging.judged(judge, asked["test", strength]) for strength in settings.strengths}
    tested = [query for strength in settings.strengths for query in asked["test", strength]]
    unknown = judging.judged(judge, [query.as_stranger() for query in tested])
    strange = judging.judged(judge, strangers[1::2])
    given = [answer for strength in settings.strengths for answer in answers[strength]]
    right = [judging.right_art(answer, query) for answer, query in zip(given, tested, strict=True)]
    confidence = np.array([answer.confidence for answer in [*given, *unknown, *strange]])
    table = reliability(confidence, np.array([*right, *[False] * len([*unknown, *strange])]))
    found = {strength: judging.measured(asked["test", strength], answers[strength]) for strength in settings.strengths}
    for strength, measured in found.items():
        say(f"report: {strength} camera, recall@1 {measured['recall_at_1']:.1%}, refused {measured['refused']:.1%}")
    return {
        "calibration": calibration.as_json(),
        "recall": {strength: _search_alone(asked["test", strength]) for strength in settings.strengths},
        "answers": found,
        "named": {
            "unknown cards": judging.named_share(unknown),
            "unknown cards asked": len(unknown),
            "strangers": judging.named_share(strange),
            "strangers asked": len(strange),
        },
        "reliability": table,
        "calibration_error": calibration_error(table),
        "confidences": {
            "right card": _rounded(confidence[: len(given)][np.array(right, bool)]),
            "card not in the gallery": _rounded(confidence[len(given) : len(given) + len(unknown)]),
            "strangers": _rounded(confidence[len(given) + len(unknown) :]),
        },
    }


def judge_photos(
    subject: Subject, calibration: Mapping[str, Any], evidence: Evidence, settings: ReportSettings, say: Any = print
) -> dict[str, Any]:
    """Every photo through the whole of edge_runtime: what became of each labelled card, and what was found."""
    gallery = Gallery.open(subject.index, subject.catalogue)
    judge = Judge(Calibration.from_json(calibration), SecondLook(subject.second_look.references))
    recognizer = Recognizer(OnnxEmbedder(subject.model), gallery, judge)
    known = frozenset(gallery.cards)
    verdicts: list[labelled.Verdict] = []
    seen: list[dict[str, Any]] = []
    labelled_first = sorted(
        evidence.photos, key=lambda path: not any(x.in_gallery for x in evidence.labels.get(path.name, ()))
    )
    chosen = labelled_first[: settings.photos]
    for number, path in enumerate(chosen, start=1):
        try:
            answers = [card_json(reading) for reading in recognizer.recognize(load_photo(path)).cards]
        except PhotoError as error:
            seen.append({"photo": path.name, "error": str(error), "cards": []})
            continue
        seen.append({"photo": path.name, "cards": answers})
        verdicts += labelled.judge(path.name, evidence.labels.get(path.name, ()), answers, known)
        if number % 10 == 0 or number == len(chosen):
            say(f"report: photo {number} of {len(chosen)}, so far {labelled.tally(verdicts)}")
    return {
        "outcomes": labelled.tally(verdicts),
        "photos": seen,
        "verdicts": [_verdict_json(verdict) for verdict in verdicts],
    }


def objections(variants: Mapping[str, Mapping[str, Any]], settings: ReportSettings) -> list[str]:
    """Why these variants must not be released, one sentence each; empty when nothing speaks against it."""
    return [
        f"{reached(name, judged)}, {settings.least_recall:.0%} is asked"
        for name, judged in variants.items()
        if next(iter(judged["answers"].values()))["high"] < settings.least_recall
    ]


def reached(name: str, judged: Mapping[str, Any]) -> str:
    """What a variant reached at the first strength, with its interval."""
    strength, recall = next(iter(judged["answers"].items()))
    return (
        f"{name} finds {recall['recall_at_1']:.1%} ({recall['low']:.1%} to {recall['high']:.1%}) of {recall['queries']} "
        f"test cards at strength {strength}"
    )


def _ask(
    embedder: OnnxEmbedder,
    gallery: Gallery,
    evidence: Evidence,
    split: str,
    strength: str,
    settings: ReportSettings,
) -> list[Query]:
    """Queries of one split through the camera, as large as the second look takes them, with their candidates."""
    known = gallery.cards
    rows = [row for row in evidence.splits[split] if row["card_id"] in known]
    picked = (
        [rows[at] for at in np.linspace(0, len(rows) - 1, min(settings.queries, len(rows))).astype(int)] if rows else []
    )
    places = [evidence.cards.row(row["card_id"], row["view"]) for row in picked]

    @lru_cache(REMEMBERED)
    def picture(index: int) -> np.ndarray:
        rng = np.random.default_rng([settings.seed, index])
        return camera.rectified(evidence.cards.image(places[index]), rng, strength, SIZE)

    found = queries.ask(embedder, gallery, picture, len(picked))
    cards = [known[row["card_id"]] for row in picked]
    return [
        Query(partial(picture, index), matches, card.card_id, card.art_group, card.name)
        for index, (card, matches) in enumerate(zip(cards, found, strict=True))
    ]


def _search_alone(asked: Sequence[Query]) -> dict[str, Any]:
    return queries.Answers(
        [query.card_id for query in asked], [query.art_group for query in asked], [query.matches for query in asked]
    ).measured()


def _strangers(embedder: OnnxEmbedder, gallery: Gallery, paths: Sequence[Path]) -> list[Query]:
    """Each stranger in that look of all that the edge takes which comes nearest to some card."""
    looks = queries.every_look()
    found = queries.ask(embedder, gallery, lambda index: load_photo(paths[index]), len(paths), looks)
    return [Query(partial(load_photo, path), matches) for path, matches in zip(paths, found, strict=True)]


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 3) for value in values]


def _verdict_json(verdict: labelled.Verdict) -> dict[str, Any]:
    label = asdict(verdict.label) | {
        "corners": None if verdict.label.corners is None else verdict.label.corners.tolist()
    }
    return {**asdict(verdict), "label": label, "similarity": round(verdict.similarity, 3)}
