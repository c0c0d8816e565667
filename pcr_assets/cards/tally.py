"""How many scans each set has, and a digest of them, from a listing in any order that is never held as a whole.

For whoever asks every half minute whether anything changed: :class:`pcr_assets.cards.listing.Listing` holds all scans, this
holds two numbers a set. Both put a scan into the same set.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pcr_assets.cards.catalogue import Catalogue, set_names
from pcr_assets.cards.listing import Scan, place
from pcr_assets.resources.store import Entry

BITS = 128


@dataclass
class Tally:
    """One set: how many scans it has, and the sum of their digests, modulo 2^128; the order of adding does not matter."""

    scans: int = 0
    digest: int = 0

    def add(self, mark: bytes) -> None:
        """Count one scan in."""
        self.scans += 1
        self.digest = (self.digest + int.from_bytes(mark)) % (1 << BITS)


def mark_of(scan: Scan, set_name: str = "") -> bytes:
    """The digest of one scan: its key, size, etag, and what the catalogue or the name says of it and its set (16 bytes)."""
    said = f"{scan.key}\0{scan.size}\0" + "\0".join([*scan[2:], set_name] if set_name else scan[2:])
    return hashlib.blake2b(said.encode(), digest_size=BITS // 8).digest()


def tally(
    entries: Iterable[Entry],
    catalogue: Catalogue,
    on_scan: Callable[[Scan, bytes], None] | None = None,
    name: Callable[[str], str] = str,
    before: Mapping[str, Tally] = MappingProxyType({}),
) -> dict[str, Tally]:
    """Count the scans of each set; ``on_scan`` is given each one with its digest. What is no picture is passed over.

    ``name``: under which name a set is counted; ``before``: what was counted already, of a listing that goes on.
    """
    by_card = {row.card_id: row for row in catalogue.values()}
    names = set_names(catalogue)
    sets = {counted: replace(sums) for counted, sums in before.items()}
    for entry in entries:
        scan = None if entry.key.endswith("/") else place(entry, catalogue, by_card)
        if scan is None:
            continue
        mark = mark_of(scan, names.get(scan.set_id, ""))
        counted = name(scan.set_id)
        if counted not in sets:
            sets[counted] = Tally()
        sets[counted].add(mark)
        if on_scan:
            on_scan(scan, mark)
    return sets
