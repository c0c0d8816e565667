"""The recognition report: how well each variant of a release names cards, and what it must refuse.

Everything is asked through edge_runtime, the program that will run the release. Thresholds are calibrated on validation
cards and on one half of the strangers, and judged on test cards, on the other half, and on photos.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from edge_runtime.cli import card_json
from edge_runtime.decide import Thresholds
from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.gallery import Gallery
from edge_runtime.photo import PhotoError, load_photo
from edge_runtime.recognizer import Recognizer
from pcr_assets.cards.reader import CardImages
from pcr_assets.gallery import photos as labelled
from pcr_assets.gallery import queries
from pcr_assets.gallery.thresholds import accept_threshold, ambiguity_margin, refused_share
from pcr_assets.imaging import camera


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
        0.9, ge=0, le=1, description="recall@1 of test cards that a release must reach at the first strength."
    )


@dataclass(frozen=True)
class Subject:
    """A variant to be judged: its model and index, and the catalogue both share."""

    model: Path
    index: Path
    catalogue: Path


@dataclass(frozen=True)
class Evidence:
    """What a release is judged by. ``splits``: rows of the snapshot, by split."""

    cards: CardImages
    splits: Mapping[str, Sequence[Mapping[str, Any]]]
    strangers: Sequence[Path]
    photos: Sequence[Path]
    labels: Mapping[str, Sequence[labelled.Label]]


def judge_variant(subject: Subject, evidence: Evidence, settings: ReportSettings, say: Any = print) -> dict[str, Any]:
    """Calibrate and judge one variant: thresholds, recall by strength, refusals, and the similarities for the plots."""
    embedder, gallery = OnnxEmbedder(subject.model), Gallery.open(subject.index, subject.catalogue)
    groups = {card_id: card.art_group for card_id, card in gallery.cards.items()}
    asked = {
        (split, strength): _ask(embedder, gallery, evidence, split, strength, settings, groups)
        for split in ("validation", "test")
        for strength in settings.strengths
    }
    first = settings.strengths[0]
    strangers = _strangers(embedder, gallery, evidence.strangers)
    calibration = np.concatenate([asked["validation", first].impostors(), strangers[::2]])
    accept = accept_threshold(calibration, settings.false_accept_rate)
    clear = asked["validation", first]
    accepted = clear.best() >= accept
    margin = ambiguity_margin(clear.gaps()[accepted], clear.right()[accepted], settings.precision)
    test = asked["test", first]
    say(f"report: accept {accept:.3f}, margin {margin:.3f}, recall@1 {test.measured()['recall_at_1']:.1%} ({first})")
    return {
        "thresholds": {"accept": accept, "margin": margin},
        "recall": {strength: asked["test", strength].measured() for strength in settings.strengths},
        "named": {
            s: float((asked["test", s].right() & (asked["test", s].best() >= accept)).mean())
            for s in settings.strengths
        },
        "refused": {
            "unknown cards": refused_share(test.impostors(), accept),
            "strangers": refused_share(strangers[1::2], accept) if strangers.size > 1 else None,
            "strangers asked": len(strangers[1::2]),
        },
        "similarities": {
            "right card": _rounded(test.best()[test.right()]),
            "card not in the gallery": _rounded(test.impostors()),
            "strangers": _rounded(strangers),
        },
    }


def judge_photos(
    subject: Subject, thresholds: Mapping[str, float], evidence: Evidence, settings: ReportSettings, say: Any = print
) -> dict[str, Any]:
    """Every photo through the whole of edge_runtime: what became of each labelled card, and what was found."""
    gallery = Gallery.open(subject.index, subject.catalogue)
    recognizer = Recognizer(OnnxEmbedder(subject.model), gallery, Thresholds(**thresholds))
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
    found = []
    for name, judged in variants.items():
        strength, recall = next(iter(judged["recall"].items()))
        if recall["high"] < settings.least_recall:
            reached = f"{recall['recall_at_1']:.1%} (at most {recall['high']:.1%})"
            found.append(
                f"{name} names {reached} of the test cards at strength {strength}, {settings.least_recall:.0%} is asked"
            )
    return found


def _ask(
    embedder: OnnxEmbedder,
    gallery: Gallery,
    evidence: Evidence,
    split: str,
    strength: str,
    settings: ReportSettings,
    groups: Mapping[str, str],
) -> queries.Answers:
    rows = [row for row in evidence.splits[split] if row["card_id"] in groups]
    picked = (
        [rows[at] for at in np.linspace(0, len(rows) - 1, min(settings.queries, len(rows))).astype(int)] if rows else []
    )
    places = [evidence.cards.row(row["card_id"], row["view"]) for row in picked]

    def picture(index: int) -> np.ndarray:
        rng = np.random.default_rng([settings.seed, index])
        return camera.rectified(evidence.cards.image(places[index]), rng, strength, embedder.input_size)

    found = queries.ask(embedder, gallery, picture, len(picked))
    card_ids = [row["card_id"] for row in picked]
    return queries.Answers(card_ids, [groups[card_id] for card_id in card_ids], found)


def _strangers(embedder: OnnxEmbedder, gallery: Gallery, paths: Sequence[Path]) -> np.ndarray:
    """The best similarity of each stranger in all the looks that the edge takes, float Q."""
    found = queries.ask(embedder, gallery, lambda index: load_photo(paths[index]), len(paths), queries.every_look())
    return np.array([matches[0].similarity if matches else -1.0 for matches in found])


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 3) for value in values]


def _verdict_json(verdict: labelled.Verdict) -> dict[str, Any]:
    label = asdict(verdict.label) | {
        "corners": None if verdict.label.corners is None else verdict.label.corners.tolist()
    }
    return {**asdict(verdict), "label": label, "similarity": round(verdict.similarity, 3)}
