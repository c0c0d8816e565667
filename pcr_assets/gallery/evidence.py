"""What a release is judged by: its variants, test cards through the camera, strangers and photos, as queries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.gallery import Card, Gallery, Match
from edge_runtime.judging.decide import Calibration
from edge_runtime.judging.judge import Judge
from edge_runtime.judging.printing_verifier import PrintingVerifier
from edge_runtime.judging.references import SIZE
from edge_runtime.judging.second_look import SecondLook
from edge_runtime.photo import PhotoError, load_photo
from pcr_assets.cards.reader import CardImages
from pcr_assets.gallery import queries
from pcr_assets.gallery.judging import Query
from pcr_assets.gallery.photos import Label
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets.imaging import printings
from pcr_assets.imaging.camera import Strength, rectified
from pcr_assets.measures import even_sample

T = TypeVar("T")
REMEMBERED = 512
"""Queries of a kind whose picture is kept while a variant is judged, a quarter of a megabyte each."""


@dataclass(frozen=True)
class Subject:
    """A variant to be judged: its model and index, and the catalogue, pictures and small networks that all share."""

    model: Path
    index: Path
    catalogue: Path
    second_look: SecondLook
    outline_filter: Path | None = None
    printing_verifier: Path | None = None

    def judge(self, calibration: Calibration, second_look: SecondLook | None = None) -> Judge:
        """The judge that the edge would have."""
        verifier = PrintingVerifier(self.printing_verifier) if self.printing_verifier else None
        return Judge(calibration, second_look or self.second_look, verifier)


@dataclass(frozen=True)
class Evidence:
    """What a release is judged by. ``splits``: rows of the snapshot, by split, and under ``new`` scans of cards that came after it;
    ``photos``, and the ``labels`` of each: by their key in the photos' folder."""

    cards: CardImages
    splits: Mapping[str, Sequence[Mapping[str, Any]]]
    strangers: Sequence[Path]
    photos: Mapping[str, Path]
    labels: Mapping[str, Sequence[Label]]
    lacking: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each photo that could not be fetched, a sentence by its key."""
    unreadable: Sequence[str] = ()
    """What is wrong with each stranger that was left out, a sentence for each."""


def readable(pictures: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The pictures that can be read, and what is wrong with each of the others: one bad file stops no report."""
    good: list[Path] = []
    faults: list[str] = []
    for path in pictures:
        try:
            load_photo(path)
        except PhotoError as error:
            faults.append(fault(error, path, path.name))
        else:
            good.append(path)
    return good, faults


def fault(error: PhotoError, path: Path, name: str) -> str:
    """What is wrong with a picture, by its name: where it lies on this machine is no part of what is published."""
    return str(error).replace(str(path), name)


def held_out(rows: Sequence[Mapping[str, Any]], art_groups: Mapping[str, str]) -> dict[str, list[Mapping[str, Any]]]:
    """The snapshot's rows of the splits ``validation`` and ``test``, but for those whose art a training card shows as well, by
    what is known of art now, and test cards whose art a validation card shows.

    ``art_groups``: the group of each card of the snapshot. The splits were drawn by the groups of their time. A card that came
    since, or a better rule, may have joined some, and what was trained on is found too well.
    """
    shown = {art_groups[row["card_id"]] for row in rows if row["split"] == "train"}
    found = {}
    for split in ("validation", "test"):
        found[split] = [row for row in rows if row["split"] == split and art_groups[row["card_id"]] not in shown]
        shown |= {art_groups[row["card_id"]] for row in found[split]}
    return found


def newcomers(
    scans: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], art_groups: Mapping[str, str], most: int
) -> list[Mapping[str, Any]]:
    """Up to so many scans of cards that came after the snapshot, evenly, but for those whose art models or thresholds know from it.

    ``scans``: those of the gallery; ``rows``: the snapshot's; ``art_groups``: the group of each card of either. A card that got
    another id since is known by its pixels: under the old one it is in no group any more.
    """
    pinned, learnt = {row["card_id"] for row in rows}, [row for row in rows if row["split"] != "test"]
    pixels = {row["pixel_digest"] for row in learnt}
    renamed = [scan for scan in scans if scan["pixel_digest"] in pixels]
    known = {art_groups[row["card_id"]] for row in [*learnt, *renamed]}
    new = [scan for scan in scans if scan["card_id"] not in pinned and art_groups[scan["card_id"]] not in known]
    return evenly(new, most)


def evenly(rows: Sequence[T], most: int) -> list[T]:
    """At most so many rows, evenly over all, the first and the last among them."""
    return [rows[at] for at in even_sample(len(rows), most)]


DRAWS = {"validation": (), "test": (3,), "new": (4,)}
"""What the draws of a split are told apart by; made-up printings have 1 and 2."""


def camera_of(seed: int, index: int, split: str) -> np.random.Generator:
    """What the camera draws for a card of a split, by its number. Under the draws that thresholds were made with, the test cards
    would be a second look at the same tilts and lights, and the two rates err together."""
    return np.random.default_rng([seed, index, *DRAWS[split]])


class Asking:
    """Asks one variant: cards of a split through the camera, and strangers, each with its candidates."""

    def __init__(self, subject: Subject, evidence: Evidence, settings: ReportSettings):
        self.embedder = OnnxEmbedder(subject.model)
        self.gallery = Gallery.open(subject.index, subject.catalogue)
        self.evidence = evidence
        self.settings = settings

    def cards(self, split: str, strength: str | Strength, most: int | None = None) -> list[Query]:
        """Queries of one split, evenly over its cards, as large as the second look takes them."""
        scans, shown = self._picked(split, most)

        @lru_cache(REMEMBERED)
        def picture(index: int) -> np.ndarray:
            rng = camera_of(self.settings.seed, index, split)
            return rectified(scans(index), rng, strength, SIZE)

        found = queries.ask(self.embedder, self.gallery, picture, len(shown))
        return [
            self._query(partial(picture, index), matches, card.card_id, card.art_group, card.name, card.set_id)
            for index, (card, matches) in enumerate(zip(shown, found, strict=True))
        ]

    def other_printings(self, split: str, strength: str) -> list[Query]:
        """The same cards as made-up other printings, see :mod:`pcr_assets.imaging.printings`: strangers, although their artwork is
        known. Cards of the split lend them their frame, name and text."""
        scans, shown = self._picked(split)
        art_groups = [card.art_group for card in shown]
        others = [
            printings.lender(art_groups, index, np.random.default_rng([self.settings.seed, index, 1]))
            for index in range(len(shown))
        ]
        asked = [(index, other) for index, other in enumerate(others) if other is not None]

        @lru_cache(REMEMBERED)
        def picture(number: int) -> np.ndarray:
            index, other = asked[number]
            rng = np.random.default_rng([self.settings.seed, index, 2])
            way = printings.WAYS[index % len(printings.WAYS)]
            printing = printings.other_printing(scans(index), scans(other), way, rng)
            return rectified(printing, rng, strength, SIZE)

        found = queries.ask(self.embedder, self.gallery, picture, len(asked))
        return [self._query(partial(picture, number), matches) for number, matches in enumerate(found)]

    def _picked(self, split: str, most: int | None = None) -> tuple[queries.Picture, list[Card]]:
        """Scans of one split, evenly over its cards, by number, and the cards that they show."""
        known, cards = self.gallery.cards, self.evidence.cards
        rows = [row for row in self.evidence.splits[split] if row["card_id"] in known]
        picked = evenly(rows, most or self.settings.queries)
        places = [cards.row(row["card_id"], row["view"]) for row in picked]
        return lambda index: cards.image(places[index]), [known[row["card_id"]] for row in picked]

    def strangers(self) -> list[Query]:
        """All strangers, each as a whole picture."""
        paths = self.evidence.strangers
        found = queries.ask(self.embedder, self.gallery, lambda index: load_photo(paths[index]), len(paths))
        return [self._query(partial(load_photo, path), matches) for path, matches in zip(paths, found, strict=True)]

    def _query(self, picture: Callable[[], np.ndarray], matches: Sequence[Match], *truth: str) -> Query:
        return Query(picture, matches, *truth, embedder=self.embedder, gallery=self.gallery)
