"""What everyone is asked: the gallery, simulated queries of test cards, strangers, and photos with labels.

Pictures are made once and shown to every method as they are: 252×352, four pixels for a millimetre of card.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow.parquet as pq
from tqdm import tqdm

from edge_runtime.geometry import full_frame, rectify
from edge_runtime.photo import PhotoError, load_photo
from pcr_assets import layout
from pcr_assets.cards.names import is_picture
from pcr_assets.cards.processed import groups_of
from pcr_assets.cards.reader import CardImages
from pcr_assets.gallery.photos import BASIC_LANDS, Label, labels_of, read_labels
from pcr_assets.gallery.watched import labels_file
from pcr_assets.imaging import camera
from pcr_assets.measures import even_sample
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import FolderStore, Store, StoreError

SIZE = (252, 352)
SEED = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Query:
    """A cut-out card and the gallery's truth about it; a stranger's ``card_id`` is empty.

    ``name``: what stands on the card, where a label says so. Any printing of a basic land answers for it. A stranger's
    ``source`` is its file.
    """

    picture: np.ndarray
    card_id: str
    art_group: str = ""
    name: str = ""
    source: str = ""

    def right(self, card_id: str, name: str) -> bool:
        """Whether a card of the gallery answers it."""
        lands = self.name in BASIC_LANDS and name == self.name
        return bool(self.card_id) and (card_id == self.card_id or lands)


class Evidence:
    """The published cards and split of a store. Raises StoreError when something was never built."""

    def __init__(self, project: Project, photos: Path | None):
        self._project, self._photos = project, photos
        processed = project.artifacts.current(layout.PROCESSED)
        sets = processed.record["sets"]
        shards = [project.artifacts.fetch(processed, sets[set_id]["file"]) for set_id in sorted(sets)]
        self.cards = CardImages(shards)
        self.card_ids = self.cards.scans["card_id"].to_pylist()
        self.names = self.cards.scans["name"].to_pylist()
        self.art_groups = groups_of(processed.record, self.card_ids)
        self.rows = {card_id: row for row, card_id in reversed(list(enumerate(self.card_ids)))}
        snapshot = project.artifacts.current(layout.SNAPSHOT)
        table = pq.read_table(
            project.artifacts.fetch(snapshot, "snapshot.parquet"), columns=["card_id", "view", "split"]
        )
        scans = {(row["card_id"], row["view"]) for row in self.cards.scans.to_pylist()}
        self.tests = [
            self.cards.row(row["card_id"], row["view"])
            for row in table.to_pylist()
            if row["split"] == "test" and (row["card_id"], row["view"]) in scans
        ]
        if not self.tests:
            raise StoreError(f"the store {project.root.root} has no test cards: `make refresh` splits them off")

    def gallery(self) -> Iterator[np.ndarray]:
        """Every scan, cut out like a query."""
        return (straight(self.cards.image(row)) for row in range(len(self.cards)))

    def queries(self, strength: str, most: int) -> list[Query]:
        """Test cards spread evenly, through the camera, every second one upside down."""
        picked = spread(self.tests, most)
        return [self._asked(row, strength, number) for number, row in enumerate(shown(picked, f"{strength} queries"))]

    def _asked(self, row: int, strength: str, number: int) -> Query:
        picture = through_camera(self.cards.image(row), strength, number)
        return Query(picture, self.card_ids[row], self.art_groups[self.card_ids[row]])

    def strangers(self, strength: str, most: int) -> list[Query]:
        """Pictures that are in no gallery, through the same camera; none where the folder is empty."""
        if not self._project.strangers_root:
            return []
        files = [entry.key for entry in self._strange.list() if is_picture(entry.key)]
        picked = shown(spread(files, most), f"{strength} strangers")
        return [
            Query(through_camera(load_photo(self._strange.fetch(key)), strength, number), "", source=key)
            for number, key in enumerate(picked)
        ]

    @cached_property
    def _strange(self) -> Store:
        return self._project.open(self._project.strangers_root)

    @cached_property
    def known(self) -> frozenset[str]:
        """The ids of all cards in the gallery."""
        return frozenset(self.card_ids)

    def photos(self) -> Iterator[tuple[str, np.ndarray, list[Label]]]:
        """Each readable photo on which a label names a card: its name, its picture, its labels."""
        labels = _labels(self._photos) if self._photos else {}
        for path in sorted(self._photos.iterdir()) if self._photos else ():
            judged = [label for label in labels_of(labels, path.name) if label.name or label.card_id in self.known]
            if judged and is_picture(path.name):
                try:
                    yield path.name, load_photo(path), judged
                except PhotoError:
                    continue

    def photo_crops(self) -> list[Query]:
        """The labelled cards, cut out along their labelled corners; those that no scan is here of are strangers."""
        return [
            self._cropped(picture, label)
            for _, picture, labels in shown(list(self.photos()), "photo crops")
            for label in labels
            if label.card_id not in self.known or label.in_gallery
        ]

    def _cropped(self, picture: np.ndarray, label: Label) -> Query:
        corners = full_frame(picture.shape[1], picture.shape[0]) if label.corners is None else label.corners
        card_id = label.card_id if label.card_id in self.known else ""
        return Query(rectify(picture, corners, SIZE), card_id, self.art_groups.get(card_id, ""), label.name)


def straight(card: np.ndarray) -> np.ndarray:
    """A scan, cut out along its own frame."""
    return rectify(card, full_frame(card.shape[1], card.shape[0]), SIZE)


def through_camera(card: np.ndarray, strength: str, number: int) -> np.ndarray:
    """Query ``number`` of a strength: the same picture in every run."""
    picture = camera.rectified(card, np.random.default_rng([SEED, number]), strength, SIZE)
    return np.ascontiguousarray(picture[::-1, ::-1]) if number % 2 else picture


def spread(things: Sequence[T], most: int) -> list[T]:
    """At most so many things, evenly."""
    return [things[at] for at in even_sample(len(things), most)]


def shown(things: Iterable[T], what: str) -> Iterable[T]:
    """Progress on standard error."""
    return tqdm(things, desc=what, unit="", leave=False)


def _labels(folder: Path) -> dict[str, list[Label]]:
    return read_labels(labels_file(FolderStore(str(folder)), FolderStore(str(folder.parent))))
