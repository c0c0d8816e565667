"""TCGdex's ids as those of the Pokémon TCG data: pairs that both publish under one name and date."""

import pytest

from pcr_assets.cards import tcgdex

SAME = "base1 base2 basep gym2 neo4 si1 ecard1 ex16 np pop9 dpp dp7 pl4 ru1 hgss4 col1 bwp bw11 dv1 xyp xy0 dc1 g1 xy12 smp sma"
SAME += " sm1 sm115 det1 sm12 swshp swsh1 swsh9tg swsh12tg cel25 swsh11 svp sve mee A1 A1a B2b"


@pytest.mark.parametrize("set_id", SAME.split())
def test_most_sets_have_one_id(set_id):
    assert tcgdex.set_id(set_id) == set_id


@pytest.mark.parametrize(
    ("theirs", "ours", "name"),
    [
        ("lc", "base6", "Legendary Collection"),
        ("bog", "bp", "Best of Game"),
        ("tk-ex-latia", "tk1a", "EX Trainer Kit Latias"),
        ("tk-ex-latio", "tk1b", "EX Trainer Kit Latios"),
        ("tk-ex-p", "tk2a", "EX Trainer Kit 2 Plusle"),
        ("tk-ex-m", "tk2b", "EX Trainer Kit 2 Minun"),
        ("exu", "ex10", "Unseen Forces, its Unown"),
        ("hgssp", "hsp", "HGSS Black Star Promos"),
        ("2011bw", "mcd11", "McDonald's Collection 2011"),
        ("2016xy", "mcd16", "McDonald's Collection 2016"),
        ("2019sm", "mcd19", "McDonald's Collection 2019"),
        ("2022swsh", "mcd22", "McDonald's Collection 2022"),
        ("sm3.5", "sm35", "Shining Legends"),
        ("sm7.5", "sm75", "Dragon Majesty"),
        ("fut2020", "fut20", "Pokémon Futsal"),
        ("swsh3.5", "swsh35", "Champion's Path"),
        ("swsh4.5", "swsh45", "Shining Fates"),
        ("swsh4.5sv", "swsh45sv", "Shining Fates Shiny Vault"),
        ("swsh10.5", "pgo", "Pokémon GO"),
        ("swsh12.5", "swsh12pt5", "Crown Zenith"),
        ("swsh12.5gg", "swsh12pt5gg", "Crown Zenith Galarian Gallery"),
        ("sv01", "sv1", "Scarlet & Violet"),
        ("sv03.5", "sv3pt5", "151"),
        ("sv10", "sv10", "Destined Rivals"),
        ("sv10.5b", "zsv10pt5", "Black Bolt"),
        ("sv10.5w", "rsv10pt5", "White Flare"),
        ("me01", "me1", "Mega Evolution"),
        ("me02.5", "me2pt5", "Ascended Heroes"),
        ("P-A", "PROMO-A", "Promos of the Pocket game"),
    ],
)
def test_a_set_that_has_two_ids_is_one(theirs, ours, name):
    assert tcgdex.set_id(theirs) == ours
    assert tcgdex.set_id(ours) == ours, f"{name}: an id of ours stays"


def test_an_asian_set_is_never_taken_for_an_international_one():
    assert tcgdex.set_id("neo1", "ja") == "neo1.ja"
    assert tcgdex.set_id("neo1", "fr") == "neo1"
    assert tcgdex.set_id("SV2a", "ja") == "SV2a"


@pytest.mark.parametrize(
    ("set_id", "theirs", "ours"),
    [
        ("base1", "4", "4"),
        ("sv03.5", "025", "25"),
        ("sv03.5", "100", "100"),
        ("A1", "001", "1"),
        ("swshp", "SWSH001", "SWSH001"),
        ("swsh4.5sv", "SV001", "SV001"),
        ("swsh9tg", "TG01", "TG01"),
        ("ecard3", "H05", "H5"),
        ("ecard3", "H32", "H32"),
        ("ecard2", "103a", "103a"),
        ("hgssp", "HGSS01", "HGSS01"),
        ("hgss1", "ONE", "ONE"),
        ("exu", "!", "!"),
        ("exu", "%3F", "?"),
    ],
)
def test_a_number_is_written_without_filling(set_id, theirs, ours):
    assert tcgdex.number(set_id, theirs) == ours
