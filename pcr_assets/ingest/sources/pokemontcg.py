"""The Pokémon TCG data (https://github.com/PokemonTCG/pokemon-tcg-data), from the files that it publishes.

``sets/en.json`` and ``cards/en/{set}.json``: one request a set, where its HTTP API would take pages of 250 cards from a
quota of 30 requests a minute. Its ids are those of this project.
"""

from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from pcr_assets.ingest.client import Client
from pcr_assets.ingest.sources import GAME, Card, CardSet, UnknownLanguage, fetched

API = "https://raw.githubusercontent.com/PokemonTCG/pokemon-tcg-data/master"


class _SetEntry(BaseModel):
    id: str
    name: str


class _Images(BaseModel):
    small: str | None = None
    large: str | None = None


class _CardEntry(BaseModel):
    id: str
    name: str
    images: _Images | None = None


_SETS, _CARDS = TypeAdapter(list[_SetEntry]), TypeAdapter(list[_CardEntry])


def check(lang: str) -> None:
    """See ``Source.check``."""
    if lang != "en":
        raise UnknownLanguage(f"the Pokémon TCG data is in English only, not in '{lang}': take SOURCE=tcgdex")


def sets(client: Client, api: str, lang: str) -> list[CardSet]:
    """See ``Source.sets``."""
    return [CardSet(entry.id, entry.id, entry.name) for entry in fetched(client, f"{api}/sets/{lang}.json", _SETS)]


def cards(client: Client, api: str, card_set: CardSet, lang: str) -> list[Card]:
    """See ``Source.cards``."""
    found = fetched(client, f"{api}/cards/{lang}/{quote(card_set.own_id, safe='')}.json", _CARDS)
    return [_card(card_set, entry, lang) for entry in found]


def _card(card_set: CardSet, entry: _CardEntry, lang: str) -> Card:
    """The number is what the id says: the printed one is that of several cards in sets of reprints."""
    number = entry.id.removeprefix(f"{card_set.set_id}-")
    images = entry.images or _Images()
    image = images.large or images.small or ""
    return Card(entry.id, card_set.set_id, number, entry.name, lang, GAME, image, card_set.name)
