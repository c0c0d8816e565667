"""The gallery: embeddings of all known scans in a uSearch index, and the catalogue that says which card each shows."""

import csv
import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sys import intern

import numpy as np
import onnxruntime  # noqa: F401  (uSearch 2.26 loads its kernels for the whole process: loaded after them, ONNX Runtime crashes)
from usearch.index import Index, Matches, MetricKind

from edge_runtime.search.coarse import Coarse, by_distance, vectors
from edge_runtime.search.vector_file import VectorFile, let_go
from edge_runtime.timing import timed

COLUMNS = ("key", "card_id", "name", "set", "number", "art_group")
"""Of a catalogue; it may have others, such as ``set_name``."""
WHOLE_UP_TO = 2_000
"""Scans up to which all are compared by their whole vectors, some 0.3 ms a thousand; of more a short list is made first."""
EXACT_UP_TO = 100_000
"""Scans up to which all are compared, some 2 ms then; a larger gallery is searched through the graph of its index."""
WIDTH = 256
"""Scans that a search through the graph keeps in sight (`ef`; Malkov and Yashunin, TPAMI 2020)."""
VIEWS = 4
"""Neighbours fetched for each card wanted: a card may have several scans, and twins crowd."""
INTERRUPTED = "Operation has been terminated"
"""What uSearch may say when Ctrl-C came during a search; else it fails in some other way, with the interruption as context."""


class GalleryError(RuntimeError):
    """Index and catalogue can't be used together; the message says why."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the catalogue says of a card. Cards of one ``art_group`` show the same art; a set may lack a name."""

    card_id: str
    name: str
    set_id: str
    number: str
    art_group: str
    set_name: str = ""

    def as_json(self) -> dict[str, str]:
        """The card as answers and events tell of it. Where the set has no name, its id serves."""
        return {
            "card_id": self.card_id,
            "name": self.name,
            "set": self.set_id,
            "set_name": self.set_name or self.set_id,
            "number": self.number,
        }


@dataclass(frozen=True, slots=True)
class Match:
    """A card and its similarity: the cosine, in -1..1, of the query and the card's nearest scan, whose key is ``key``."""

    card: Card
    similarity: float
    key: int = 0


class Gallery:
    """Search by embedding. Up to ``EXACT_UP_TO`` scans all are compared, and the answer depends on no build order."""

    def __init__(
        self,
        index: Index,
        cards: dict[int, Card],
        coarse: Coarse | None = None,
        pages: mmap.mmap | None = None,
        file: VectorFile | None = None,
    ):
        """``pages``: the file in which the index lies, where it is one; ``file``: its vectors, where they can be read there."""
        if len(index) != len(cards):
            raise GalleryError(
                f"the index holds {len(index)} scans, the catalogue {len(cards)}: pull the release again"
            )
        if cards and not np.all(index.contains(np.fromiter(cards, np.uint64))):
            raise GalleryError("the index holds other scans than the catalogue: pull the release again")
        if index.metric_kind != MetricKind.Cos:
            raise GalleryError("the index was not built for the cosine: pull the release again")
        self._index = index
        self._exact = len(index) <= EXACT_UP_TO
        self._coarse = coarse
        self._pages = pages
        self._file = file
        if not self._exact:
            index.expansion_search = WIDTH  # type: ignore[misc]  # it has a setter, which the stubs forgot
        self._cards = cards
        self.dim = int(index.ndim)

    @classmethod
    def open(cls, index: Path, catalogue: Path) -> "Gallery":
        """Load an index and its catalogue. Raises :class:`GalleryError`."""
        viewed, pages = _viewed(index)
        coarse, file = None, None
        if WHOLE_UP_TO < len(viewed) <= EXACT_UP_TO:
            file = VectorFile.open(index, pages, viewed)
            coarse = Coarse(viewed, partial(_read, file, keep=False) if file else None)
        gallery = cls(viewed, read_catalogue(catalogue), coarse, pages, file)
        gallery.rest()
        return gallery

    def __len__(self) -> int:
        return len(self._cards)

    @property
    def cards(self) -> dict[str, Card]:
        """All cards by their id."""
        return {card.card_id: card for card in self._cards.values()}

    @property
    def entries(self) -> list[tuple[int, Card]]:
        """The key of each scan and the card that it shows, in the catalogue's order."""
        return list(self._cards.items())

    @property
    def keys(self) -> list[int]:
        """The keys of all scans, in the catalogue's order."""
        return list(self._cards)

    def card(self, key: int) -> Card:
        """The card that a scan shows. Raises KeyError."""
        return self._cards[key]

    def rest(self) -> None:
        """Let go of the index's pages and of the vectors that were read: both stay in the system's cache, and a search that needs
        them is 0.5 ms the slower."""
        if self._pages is not None:
            let_go(self._pages)
        if self._file is not None:
            self._file.forget()

    def vectors(self, keys: Sequence[int]) -> np.ndarray:
        """The vectors of scans, float32 N×D, as the index keeps them: of unit length, but rounded."""
        return vectors(self._index, np.asarray(keys, np.uint64)).astype(np.float32)

    @timed("search")
    def search(self, queries: np.ndarray, count: int = 5) -> list[list[Match]]:
        """For each of N unit vectors float32 N×D the ``count`` most similar cards, best first; several scans count once."""
        wanted = min(len(self), count * VIEWS)
        if not wanted or not len(queries):
            return [[] for _ in queries]
        try:
            return [self._matches(*nearest, count) for nearest in self._nearest(queries, wanted)]
        except Exception as error:
            if isinstance(error.__context__, KeyboardInterrupt) or INTERRUPTED in str(error):
                raise KeyboardInterrupt from error
            raise

    def _nearest(self, queries: np.ndarray, wanted: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """For each query the keys of the nearest scans, and their distances (1 - cosine)."""
        if self._coarse is not None:
            return [self._of_short_list(query, self._coarse.short_list(query, wanted), wanted) for query in queries]
        found = self._index.search(queries, wanted, exact=self._exact)
        # A graph may lead to fewer than are wanted: each query's own matches end there, the common arrays go on with no scan's key.
        return [(each.keys, each.distances) for each in ([found] if isinstance(found, Matches) else found)]

    def _of_short_list(self, query: np.ndarray, keys: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
        order, distances = by_distance(self._listed(keys), query)
        return keys[order[:wanted]], distances[order[:wanted]]

    def _listed(self, keys: np.ndarray) -> np.ndarray:
        """The vectors of a short list, float16 N×D."""
        return vectors(self._index, keys) if self._file is None else _read(self._file, keys)

    def _matches(self, keys: np.ndarray, distances: np.ndarray, count: int) -> list[Match]:
        best: dict[str, Match] = {}
        # Exact twins are equally near: ordering them by key keeps the answer apart from the order they were added in.
        for distance, key in sorted(zip(distances.tolist(), keys.tolist(), strict=True)):
            card = self._cards[key]
            if card.card_id not in best:
                best[card.card_id] = Match(card, 1.0 - distance, key)
                if len(best) == count:
                    break
        return list(best.values())


def _viewed(path: Path) -> tuple[Index, mmap.mmap]:
    """An index as pages of its file, which the kernel may take back, and those. Raises :class:`GalleryError`."""
    try:
        with path.open("rb") as file:
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        viewed = Index.restore(memoryview(pages), view=True)
    except Exception as error:  # uSearch raises ValueError, RuntimeError or MemoryError for damaged files
        raise GalleryError(f"{path} is no index that uSearch can read: pull the release again") from error
    if viewed is None:
        raise GalleryError(f"{path} is no index that uSearch can read: pull the release again")
    return viewed, pages


def _read(file: VectorFile, keys: np.ndarray, keep: bool = True) -> np.ndarray:
    """Vectors as :meth:`VectorFile.vectors` gives them. Raises :class:`GalleryError`."""
    try:
        return file.vectors(keys, keep)
    except (OSError, EOFError) as error:
        raise GalleryError(f"{file.path} is damaged ({error}): pull the release again") from error


def read_catalogue(path: Path) -> dict[int, Card]:
    """The cards by the key of each scan. Raises :class:`GalleryError`.

    Names, sets and numbers come again and again, and a card's art is mostly called by its own id: each is kept once. Scans of one
    card may come from sources that spell its name otherwise: it is called as at its first, or its name would change with the scan
    that happens to be the nearest.
    """
    cards: dict[str, Card] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            head = next(rows, [])
            key, *columns = (head.index(name) for name in COLUMNS + ("set_name",) * ("set_name" in head))
            read = ((int(row[key]), Card(*(intern(row[column]) for column in columns))) for row in rows if row)
            return {scan: cards.setdefault(card.card_id, card) for scan, card in read}
    except (IndexError, ValueError, csv.Error) as error:
        raise GalleryError(f"{path} is no catalogue of this product ({error}): pull the release again") from error
