"""TCGdex (https://tcgdex.dev): ``/v2/{lang}/sets`` and ``/v2/{lang}/sets/{id}``, pictures at ``{image}/high.png``.

The shapes are those of its ``meta/definitions/api.d.ts`` and of its documents on assets.
"""

from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from pcr_assets.cards import tcgdex as ids
from pcr_assets.ingest.client import Client
from pcr_assets.ingest.sources import GAME, Card, CardSet, UnknownLanguage, fetched

API = "https://api.tcgdex.net/v2"
LANGUAGES = frozenset({"en", "fr", "es", "es-mx", "it", "pt", "pt-br", "pt-pt", "de", "nl", "pl", "ru"} | ids.ASIAN)
QUALITY = "high.png"
POCKET = "tcgp"


class _SetBrief(BaseModel):
    id: str
    name: str


class _CardBrief(BaseModel):
    localId: str
    name: str
    image: str | None = None


class _Serie(BaseModel):
    id: str


class _Set(BaseModel):
    id: str
    serie: _Serie
    cards: list[_CardBrief]


_SETS, _SET = TypeAdapter(list[_SetBrief]), TypeAdapter(_Set)


def check(lang: str) -> None:
    """See ``Source.check``."""
    if lang not in LANGUAGES:
        raise UnknownLanguage(f"TCGdex has no language '{lang}': it has {', '.join(sorted(LANGUAGES))}")


def sets(client: Client, api: str, lang: str) -> list[CardSet]:
    """See ``Source.sets``."""
    return [
        CardSet(ids.set_id(brief.id, lang), brief.id, brief.name)
        for brief in fetched(client, f"{api}/{lang}/sets", _SETS)
    ]


def cards(client: Client, api: str, card_set: CardSet, lang: str) -> list[Card]:
    """See ``Source.cards``."""
    found = fetched(client, f"{api}/{lang}/sets/{quote(card_set.own_id, safe='')}", _SET)
    game = f"{GAME} Pocket" if found.serie.id == POCKET else GAME
    return [_card(card_set, brief, lang, game) for brief in found.cards]


def _card(card_set: CardSet, brief: _CardBrief, lang: str, game: str) -> Card:
    number = ids.number(card_set.own_id, brief.localId)
    image = f"{brief.image}/{QUALITY}" if brief.image else ""
    return Card(f"{card_set.set_id}-{number}", card_set.set_id, number, brief.name, lang, game, image, card_set.name)
