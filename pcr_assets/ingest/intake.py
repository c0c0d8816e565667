"""An intake from end to end: which sets, which cards are missing, fetch them, keep the catalogue in step."""

import math
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from tqdm import tqdm

from pcr_assets.ingest.catalogue_file import CatalogueFile
from pcr_assets.ingest.client import Busy, Client, FetchError, Passing, Unreachable
from pcr_assets.ingest.fetch import fetch_all
from pcr_assets.ingest.plan import Plan, Scan, make_plan, pictures
from pcr_assets.ingest.sources import Card, Source, chosen, moved
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Store, StoreError

SAVED_EVERY = 200
"""Scans after which ``cards.csv`` is brought up to date; what a kill leaves out, the next run adds."""
LISTS_IN_A_ROW, PICTURES_IN_A_ROW = 4, 12
"""Failures after which a server or the network is taken to be out of order."""
SIZED = 8
"""Pictures whose size a dry run asks for."""


class GaveUp(Exception):
    """Too much failed in a row to go on."""


class _Streak:
    """Failures in a row that may be the server's or the network's. A 404 is an answer about one address alone."""

    def __init__(self, what: str, most: int):
        self.what, self.most, self.count = what, most, 0

    def note(self, error: FetchError | None) -> None:
        self.count = self.count + 1 if isinstance(error, Passing) else 0
        if self.count == self.most:
            raise GaveUp(f"{self.most} {self.what} in a row failed, the last one as {error}")


@dataclass(frozen=True)
class Order:
    """What is to be fetched, from where."""

    source: Source
    api: str
    images: str = ""
    """A mirror of the pictures, else where the catalogue says that they are."""
    sets: Sequence[str] = ()
    """Ids of sets, none for all."""
    lang: str = "en"

    @property
    def plain(self) -> bool:
        """Whether a person named a place without encryption."""
        return any(place.startswith("http://") for place in (self.api, self.images))


@dataclass
class Intake:
    """What became of it: sizes of the fetched scans in bytes by key, and failures as a name and a reason."""

    plan: Plan
    sets: int = 0
    tried: int = 0
    fetched: dict[str, int] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)


def open_raw(project: Project) -> tuple[Store, Store | None]:
    """The raw store and the one above it. Raises StoreError where the sample cards lie: real ones would mix with them."""
    from pcr_assets.imaging.sample.rendering import STAMP

    raw, above = project.open(project.raw_root), project.above(project.raw_root)
    if above is not None and above.size(STAMP) is not None:
        raise StoreError(
            f"{raw.root} holds the sample cards of `make demo`: name another folder in CARDS or another STORE, or delete "
            f"{above.root}"
        )
    return raw, above


def look(client: Client, order: Order, raw: Store, above: Store | None) -> tuple[Intake, CatalogueFile]:
    """Ask the catalogue for the sets and their cards, and compare them with the raw store.

    A set whose list can't be had is a failure of its own. Raises FetchError when the list of sets can't be had or the
    network is gone, :class:`GaveUp`, UnknownSet, StoreError, CatalogueError.
    """
    keys = pictures(raw.list())
    catalogue = CatalogueFile(raw, above, keys)
    sets = chosen(order.source.sets(client, order.api, order.lang), order.sets)
    cards: list[Card] = []
    failures: list[tuple[str, str]] = []
    streak = _Streak("lists of cards", LISTS_IN_A_ROW)
    for card_set in tqdm(sets, desc="lists", unit=" set", disable=None, leave=False):
        try:
            cards += order.source.cards(client, order.api, card_set, order.lang)
            streak.note(None)
        except (Unreachable, Busy):
            raise
        except FetchError as error:
            failures.append((f"set {card_set.set_id}", str(error)))
            streak.note(error)
    found = make_plan((replace(card, image=moved(card.image, order.images)) for card in cards), keys, catalogue.rows)
    failures += [(repr(card.card_id), "such an id can't be part of a file name") for card in found.unsafe]
    return Intake(found, len(sets), failures=failures), catalogue


def fill(client: Client, intake: Intake, raw: Store, catalogue: CatalogueFile, workers: int) -> None:
    """Fetch what is wanted. Ended early, by whatever, it leaves whole scans and a catalogue that names them.

    Raises :class:`GaveUp`, ``Busy``, StoreError.
    """
    for scan in intake.plan.held:
        catalogue.add(scan)
    try:
        _fetch(client, intake, raw, catalogue, workers)
    finally:
        catalogue.save()


def _fetch(client: Client, intake: Intake, raw: Store, catalogue: CatalogueFile, workers: int) -> None:
    wanted, streak = intake.plan.wanted, _Streak("pictures", PICTURES_IN_A_ROW)
    with (
        closing(fetch_all(wanted, client, raw, workers)) as outcomes,
        tqdm(total=len(wanted), desc="cards", unit=" card", disable=None) as bar,
    ):
        for outcome in outcomes:
            bar.update()
            intake.tried += 1
            if outcome.error is None:
                streak.note(None)
                intake.fetched[outcome.scan.key] = outcome.size
                catalogue.add(outcome.scan)
                bar.set_postfix_str(f"{sum(intake.fetched.values()) / 1e6:.0f} MB", refresh=False)
                if len(intake.fetched) % SAVED_EVERY == 0:
                    catalogue.save()
                continue
            intake.failures.append((label(outcome.scan.card), str(outcome.error)))
            streak.note(outcome.error)


def label(card: Card) -> str:
    """``base1-4 Charizard``"""
    return f"{card.card_id} {card.name}"


def expected_bytes(client: Client, wanted: Sequence[Scan]) -> tuple[float | None, int]:
    """About how many bytes are to be fetched, from the sizes of a few pictures, and of how many. None: no server says."""
    sizes = [size for scan in _spread(wanted, SIZED) if (size := _size(client, scan)) is not None]
    return (sum(sizes) / len(sizes) * len(wanted) if sizes else None), len(sizes)


def _spread(scans: Sequence[Scan], count: int) -> Iterable[Scan]:
    return scans[:: max(1, math.ceil(len(scans) / count))]


def _size(client: Client, scan: Scan) -> int | None:
    try:
        return client.size(scan.card.image)
    except (Unreachable, Busy):
        raise
    except FetchError:
        return None
