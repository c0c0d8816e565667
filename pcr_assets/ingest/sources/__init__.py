"""The public catalogues that scans come from: what each of them says of sets and cards, in the ids of this project."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from pcr_assets.ingest.client import Answer, Client, FetchError, Passing

T = TypeVar("T")
GAME = "Pokemon TCG"
NAMES = ("tcgdex", "pokemontcg")
MOST_BYTES = 64_000_000
"""Of a list of cards; the longest has about 1 MB."""


class UnknownSet(Exception):
    """A catalogue has no such set; the message names those that have ids like it."""


class UnknownLanguage(Exception):
    """A catalogue is not in this language; the message names those that it is in."""


@dataclass(frozen=True)
class CardSet:
    """A card set: its id in this project, the catalogue's own id, and its name."""

    set_id: str
    own_id: str
    name: str


@dataclass(frozen=True)
class Card:
    """One card of a catalogue. ``image`` is the picture's address, empty where the catalogue has none."""

    card_id: str
    set_id: str
    number: str
    name: str
    lang: str
    game: str
    image: str
    set_name: str = ""


class Source(Protocol):
    """A catalogue: a module with these."""

    API: str
    """Where it is, unless a mirror is named."""

    def check(self, lang: str) -> None:
        """Raises :class:`UnknownLanguage` for a language that it doesn't have."""

    def sets(self, client: Client, api: str, lang: str) -> list[CardSet]:
        """All its sets, in its own order. Raises FetchError."""

    def cards(self, client: Client, api: str, card_set: CardSet, lang: str) -> list[Card]:
        """The cards of a set, in its own order. Raises FetchError."""


def source(name: str) -> Source:
    """The catalogue of this name, one of :data:`NAMES`."""
    from pcr_assets.ingest.sources import pokemontcg, tcgdex

    found: dict[str, Source] = {"tcgdex": tcgdex, "pokemontcg": pokemontcg}
    return found[name]


def fetched(client: Client, url: str, published: TypeAdapter[T]) -> T:
    """A JSON document, checked against what the catalogue publishes. Raises :class:`FetchError`, naming the address."""

    def read(answer: Answer) -> T:
        try:
            return published.validate_json(answer.data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Passing(
                f"it is not what the catalogue publishes ({where + ': ' if where else ''}{first['msg']})"
            ) from None

    try:
        return client.get(url, read, MOST_BYTES)
    except FetchError as error:
        raise type(error)(f"{url}: {error}") from error


def chosen(sets: Sequence[CardSet], wanted: Iterable[str]) -> list[CardSet]:
    """The sets that were asked for, by their id here or in the catalogue, or all. Raises :class:`UnknownSet`."""
    names = list(wanted)
    if not names:
        return list(sets)
    picked = [_named(sets, name) for name in names]
    return list(dict.fromkeys(card_set for found in picked for card_set in found))


def _named(sets: Sequence[CardSet], name: str) -> list[CardSet]:
    exact = [card_set for card_set in sets if name in (card_set.set_id, card_set.own_id)]
    loose = [card_set for card_set in sets if name.lower() in (card_set.set_id.lower(), card_set.own_id.lower())]
    if exact or loose:
        return exact or loose
    known = {card_set.own_id: card_set for card_set in sets} | {card_set.set_id: card_set for card_set in sets}
    lower = {key.lower(): card_set for key, card_set in known.items()}
    lower |= {card_set.name.lower(): card_set for card_set in sets}
    near = dict.fromkeys(lower[key] for key in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5))
    meant = ", ".join(f"{card_set.set_id} ({card_set.name})" for card_set in near)
    raise UnknownSet(f"there is no set '{name}'{': did you mean ' + meant + '?' if meant else ''}")


def moved(url: str, images: str) -> str:
    """A picture's address on a mirror: scheme, host and a leading path from ``images``, the rest as published."""
    return images.rstrip("/") + path_of(url) if url and images else url


def path_of(url: str) -> str:
    """The path of a picture's address, empty where it is none: who fetches it says so, of that picture alone."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
