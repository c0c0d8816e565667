"""TCGdex's ids (https://tcgdex.dev) as those of the Pokémon TCG data, which are the card ids of this project.

Compared with what both publish: sets up to June 2023 by name and date of release (tcgdex/cards-database at d9083b7,
``sets/en.json`` of PokemonTCG/pokemon-tcg-data), later ones by the names of the latter's card files. A set that only TCGdex
has is written by the same rules.
"""

import re
from urllib.parse import unquote

_SETS = {
    "bog": "bp",
    "exu": "ex10",
    "fut2020": "fut20",
    "hgssp": "hsp",
    "lc": "base6",
    "sm3.5": "sm35",
    "sm7.5": "sm75",
    "sm11.5": "sm115",
    "sv10.5b": "zsv10pt5",
    "sv10.5w": "rsv10pt5",
    "swsh3.5": "swsh35",
    "swsh4.5": "swsh45",
    "swsh4.5sv": "swsh45sv",
    "swsh10.5": "pgo",
    "tk-ex-latia": "tk1a",
    "tk-ex-latio": "tk1b",
    "tk-ex-m": "tk2b",
    "tk-ex-p": "tk2a",
}
"""Sets whose id follows no rule."""


ASIAN = frozenset({"ja", "ko", "zh-tw", "zh-cn", "id", "th"})
"""Languages in which other sets are printed than in the rest of the world."""


def set_id(tcgdex: str, lang: str = "en") -> str:
    """A set's id. Series and number are separated by no zero, halves are written ``pt5``.

    Asian sets are called otherwise than international ones (``SV2a``), but for a few: those get their language behind.

    >>> set_id("sv03.5"), set_id("2021swsh"), set_id("P-A"), set_id("neo1", "ja")
    ('sv3pt5', 'mcd21', 'PROMO-A', 'neo1.ja')
    """
    if lang in ASIAN and tcgdex[:1].islower():
        return f"{tcgdex}.{lang.replace('-', '')}"
    if tcgdex in _SETS:
        return _SETS[tcgdex]
    if meal := re.fullmatch(r"20(\d\d)(?:bw|xy|sm|swsh|sv)", tcgdex):
        return f"mcd{meal[1]}"
    if promos := re.fullmatch(r"P-([A-Z])", tcgdex):  # of Pokémon TCG Pocket, which prints PROMO-A on them
        return f"PROMO-{promos[1]}"
    return re.sub(r"^([a-z]+)0+(?=[1-9])", r"\1", tcgdex).replace(".", "pt")


def number(tcgdex_set: str, local_id: str) -> str:
    """A card's number: without the zeros that fill up plain numbers, and those of the e-Card series.

    >>> number("sv03.5", "025"), number("swshp", "SWSH001"), number("ecard3", "H05"), number("exu", "%3F")
    ('25', 'SWSH001', 'H5', '?')
    """
    plain = unquote(local_id)
    letter = "H?" if tcgdex_set in {"ecard2", "ecard3"} else ""
    return re.sub(rf"^({letter})0+(?=[0-9]+$)", r"\1", plain)
