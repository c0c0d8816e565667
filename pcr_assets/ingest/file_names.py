"""What a scan is called in the raw folder: ``base1-4_Charizard.png``, which ``pcr_assets.cards.names`` reads."""

import re
import unicodedata
from pathlib import PurePosixPath

from pcr_assets.cards.names import is_picture
from pcr_assets.ingest.sources import Card, path_of
from pcr_assets.ingest.sources.tcgdex import LANGUAGES

ENGLISH = "en"
LONGEST = 100
"""Bytes of UTF-8 that a card's name may take of the 255 that a file name may have."""
_UNSAFE = re.compile(r'[<>:"/\\|?*]')
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!?+_-]{0,39}")


def is_safe_id(card_id: str) -> bool:
    """Whether a card's id may begin a file name: it comes from elsewhere, and must not lead out of the folder."""
    return bool(_SAFE_ID.fullmatch(card_id)) and ".." not in card_id


def key_of(card: Card) -> str:
    """The key of a card's scan in the raw store. Other languages than English have a folder each.

    >>> key_of(Card("base1-4", "base1", "4", "Charizard", "en", "Pokemon TCG", "https://images.example/base1/4_hires.png"))
    'base1-4_Charizard.png'
    """
    path, name = path_of(card.image), safe_name(card.name)
    suffix = PurePosixPath(path).suffix.lower() if is_picture(path) else ".png"
    file = f"{card.card_id}_{name}{suffix}" if name else f"{card.card_id}{suffix}"
    return file if card.lang == ENGLISH else f"{card.lang}/{file}"


def language_of(key: str) -> str:
    """The language of a scan that no catalogue lists: that of its folder, else English."""
    folder = key.partition("/")[0]
    return folder if folder in LANGUAGES else ENGLISH


def safe_name(name: str) -> str:
    """A card's name as part of a file name. Letters and signs of any script stay, composed; what no file system takes goes.

    >>> safe_name("Nidoran♀"), safe_name("Poké Ball"), safe_name("Type: Null"), safe_name("../N's  Zoroark")
    ('Nidoran♀', 'Poké_Ball', 'Type_Null', "N's_Zoroark")
    """
    composed = unicodedata.normalize("NFC", _UNSAFE.sub(" ", name))
    printable = "".join(sign if not unicodedata.category(sign).startswith(("C", "Z")) else " " for sign in composed)
    return "_".join(printable.split()).strip("._").encode()[:LONGEST].decode(errors="ignore").rstrip("._")
