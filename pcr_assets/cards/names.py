"""Card ids, and reading them from file names. A card id is ``<set>-<number>``: ``base1-4``, ``swsh12pt5-160``.

The ids are those of the Pokémon TCG data (https://pokemontcg.io). Names in the longer shape are TCGdex's
(https://tcgdex.dev), which writes sets of the last years and numbers in its own way; they are read as the same cards.
"""

import re
import unicodedata
from posixpath import splitext
from typing import NamedTuple
from urllib.parse import quote

from pcr_assets import digests
from pcr_assets.cards import tcgdex

PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
    | {".heic", ".heif", ".jp2", ".psd"}  # decode() refuses these: better a line in quarantine than silence
)

LONGEST = 100
"""Characters by which a set is called in the name of a file, which has 255 bytes in all."""

_SET = r"(?=[0-9.]*[A-Za-z])[A-Za-z0-9.]+(?:-[A-Z])?"
_REPRINT = r"(?<=cel25c-)[0-9]{1,3}_A(?=_|$)"  # elsewhere what follows the number is a name, be it A
_NUMBER = rf"(?:{_REPRINT}|[A-Za-z]{{0,5}}[0-9]{{1,3}}[A-Za-z]?(?:_A[0-9](?=_|$))?|(?:[A-Z]{{1,5}}|[!?])(?=_))"
_ID_FIRST = re.compile(rf"(?P<set>{_SET})-(?P<number>{_NUMBER})(?:_(?P<name>.+))?")
_NAME_FIRST = re.compile(
    rf"(?P<name>.+)-(?P<lang>[a-z]{{2}}(?:-[a-z]{{2}})?)_[^_]+_(?P<set>{_SET})_(?P<number>{_NUMBER})(?:_[a-z]+)?"
)
_ENERGY = re.compile(r"^basic(.+energy)$")


class Named(NamedTuple):
    """What a file name says of its card; ``name`` may be empty."""

    card_id: str
    set_id: str
    number: str
    name: str


def read_name(key: str) -> Named | None:
    """The card that a file name means, or None when it means none.

    >>> read_name("base1-4_Charizard.png")
    Named(card_id='base1-4', set_id='base1', number='4', name='Charizard')
    >>> read_name("Charizard-en_base_base1_4_high.png").card_id
    'base1-4'
    >>> read_name("Pikachu-en_sv_sv03.5_025_high.png").card_id
    'sv3pt5-25'
    """
    name = key[key.rfind("/") + 1 :]
    stem = name[:dot] if (dot := name.rfind(".")) > 0 else name
    long = stem.count("_") >= 3  # the longer shape has as many; looking for it in vain takes as long as all the rest
    if long and (found := _NAME_FIRST.fullmatch(stem)):
        set_id, number = tcgdex.set_id(found["set"], found["lang"]), tcgdex.number(found["set"], found["number"])
    elif found := _ID_FIRST.fullmatch(stem):
        set_id, number = found["set"], found["number"]
    else:
        return None
    return Named(f"{set_id}-{number}", set_id, number, (found["name"] or "").replace("_", " "))


def is_picture(key: str) -> bool:
    """Whether a file's suffix says that it is a picture."""
    return splitext(key)[1].lower() in PICTURES


def plain(name: str) -> str:
    """What a card's name comes down to, however a source writes it: without case, accents and punctuation, but with signs such as
    ♀. Basic energies bear the word since Scarlet & Violet, and are the same cards as before.

    >>> plain("Pokémon Trader") == plain("POKEMON TRADER"), plain("Basic Psychic Energy") == plain("Psychic Energy")
    (True, True)
    """
    letters = unicodedata.normalize("NFKD", name.casefold())
    return _ENERGY.sub(r"\1", "".join(each for each in letters if each.isalnum() or unicodedata.category(each) == "So"))


def file_label(set_id: str) -> str:
    """What a set is called in the names of files. A catalogue may call it anything: a long one ends in a digest, for its letters
    take up to twelve characters each; and what begins with a dot would be hidden from listings.

    >>> file_label("base1"), file_label("Sword & Shield"), file_label(".5")
    ('base1', 'Sword%20%26%20Shield', '%2E5')
    """
    label = re.sub(r"^\.", "%2E", quote(set_id, safe=""))
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 17]}-{digests.of_bytes(set_id.encode())[:16]}"
