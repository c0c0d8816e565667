"""What there is to do: the cards of a catalogue beside the scans that lie in the raw folder. Nothing is downloaded."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pcr_assets.cards.names import is_picture, read_name
from pcr_assets.ingest.file_names import ENGLISH, is_safe_id, key_of, language_of
from pcr_assets.ingest.sources import Card
from pcr_assets.resources.store import Entry


@dataclass(frozen=True)
class Scan:
    """A card and the key of its scan in the raw store."""

    card: Card
    key: str


@dataclass
class Plan:
    """The cards of the chosen sets, each in one of the lists: in the catalogue's order."""

    wanted: list[Scan] = field(default_factory=list)
    """To be fetched."""
    held: list[Scan] = field(default_factory=list)
    """Fetched before: it lies where it would be put."""
    known: list[Card] = field(default_factory=list)
    """There under another name: a scan of somebody else's."""
    pictureless: list[Card] = field(default_factory=list)
    """The catalogue has no picture of them."""
    unsafe: list[Card] = field(default_factory=list)
    """Their id can't be part of a file name."""

    @property
    def count(self) -> int:
        """All cards."""
        return len(self.wanted) + len(self.held) + len(self.known) + len(self.pictureless) + len(self.unsafe)


def pictures(entries: Iterable[Entry]) -> set[str]:
    """The keys of the scans that lie in a raw store. An empty file is none."""
    return {entry.key for entry in entries if entry.size and is_picture(entry.key)}


def make_plan(cards: Iterable[Card], keys: Collection[str], rows: Mapping[str, Mapping[str, str]]) -> Plan:
    """Compare cards with the scans under ``keys`` and with the rows of ``cards.csv``, by path.

    A card is there when a scan lies under its own key, or when the catalogue or a file name says that a scan shows it in
    that language.
    """
    shown = {_shown(key, rows.get(key)) for key in keys}
    plan, seen = Plan(), set()
    for card in cards:
        if (card.card_id, card.lang) in seen:  # published twice
            continue
        seen.add((card.card_id, card.lang))
        if not is_safe_id(card.card_id):
            plan.unsafe.append(card)
            continue
        scan = Scan(card, key_of(card))
        if scan.key in keys:
            plan.held.append(scan)
        elif (card.card_id, card.lang) in shown:
            plan.known.append(card)
        elif card.image:
            plan.wanted.append(scan)
        else:
            plan.pictureless.append(card)
    return plan


def _shown(key: str, row: Mapping[str, str] | None) -> tuple[str, str]:
    """The card that a scan shows, and its language; no card where nothing says which."""
    if row and row.get("card_id"):
        return row["card_id"], row.get("lang") or ENGLISH
    named = read_name(key)
    return named.card_id if named else "", language_of(key)
