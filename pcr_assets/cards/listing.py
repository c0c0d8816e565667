"""What scans there are: a listing of the raw folder, grouped by card set. Nothing is downloaded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import NamedTuple

from pcr_assets import digests
from pcr_assets.cards.catalogue import Catalogue, CatalogueRow, set_names
from pcr_assets.cards.names import is_picture, read_name
from pcr_assets.resources.objects import Entry, spelled

UNPLACED = "_unplaced"
"""The set of scans that no catalogue row, no card id and no folder places."""
UNNAMED = "neither the file's name nor a catalogue row says which card this is: call it like base1-4_Charizard.png"
UNSPELT = "the file's name is not UTF-8: rename it"
EMPTY_FOLDER = "the folder is empty: put its scans there, or delete it"


class Scan(NamedTuple):
    """One raw file and the card it shows; ``fault`` says why it can't show one, before it is even read."""

    key: str
    size: int
    etag: str
    card_id: str
    set_id: str
    number: str
    name: str
    fault: str = ""

    @property
    def entry(self) -> Entry:
        """The file as the store listed it."""
        return Entry(self.key, self.size, self.etag)


@dataclass(frozen=True)
class Listing:
    """The scans of all sets, in the order of their keys; ``set_names``: what sets are called, where the catalogue says it."""

    scans: Mapping[str, tuple[Scan, ...]]
    set_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many scans there are, good or bad."""
        return sum(not scan.key.endswith("/") for scans in self.scans.values() for scan in scans)

    def digest_of(self, set_id: str) -> str:
        """The digest of one set's listing: keys, sizes, etags and what the catalogue or the names say of its scans."""
        return digests.of_json([scan._asdict() for scan in self.scans[set_id]])

    @property
    def digest(self) -> str:
        """The digest of the whole listing. Where no set has a name, it is what it was before sets could have one."""
        sets = {set_id: self.digest_of(set_id) for set_id in self.scans}
        return digests.of_json([sets, self.set_names] if self.set_names else sets)


def list_scans(entries: Iterable[Entry], catalogue: Catalogue) -> Listing:
    """Group a raw listing by set. The set is read from the catalogue, else from the card id, else from the folder.

    What is no picture (``cards.csv``, a README) is left out. An empty folder, which a store lists as a key that ends in
    ``/``, stays as a fault.
    """
    found = sorted(entries)
    by_card = {row.card_id: row for row in catalogue.values()}
    groups: defaultdict[str, list[Scan]] = defaultdict(list)
    for entry, following in zip_longest(found, found[1:]):
        scan = _placed(entry, following, catalogue, by_card)
        if scan is not None:
            groups[scan.set_id].append(scan)
    names = {set_id: name for set_id, name in set_names(catalogue).items() if set_id in groups}
    return Listing({set_id: tuple(groups[set_id]) for set_id in sorted(groups)}, names)


def _placed(
    entry: Entry, following: Entry | None, catalogue: Catalogue, by_card: Mapping[str, CatalogueRow]
) -> Scan | None:
    if entry.key.endswith("/"):
        is_empty = following is None or not following.key.startswith(entry.key)
        return _faulty(entry, PurePosixPath(entry.key).name, EMPTY_FOLDER) if is_empty else None
    return place(entry, catalogue, by_card)


def place(entry: Entry, catalogue: Catalogue, by_card: Mapping[str, CatalogueRow]) -> Scan | None:
    """The scan that a file is, or None for what is no picture. A card is in one set only: the catalogue's word on this file
    counts, else its word on the card that the name means (``by_card``), else the name."""
    if not is_picture(entry.key):
        return None
    if spelled(entry.key) != entry.key:
        return _faulty(entry, PurePosixPath(entry.key).parent.name or UNPLACED, UNSPELT)
    named = read_name(entry.key)
    known = catalogue.get(entry.key) or (by_card.get(named.card_id) if named else None) or named
    if known is None:
        return _faulty(entry, PurePosixPath(entry.key).parent.name or UNPLACED, UNNAMED)
    name = known.name or known.card_id
    return Scan(entry.key, entry.size, entry.etag, known.card_id, known.set_id, known.number, name)


def _faulty(entry: Entry, set_id: str, fault: str) -> Scan:
    return Scan(spelled(entry.key), entry.size, entry.etag, "", spelled(set_id), "", "", fault)
