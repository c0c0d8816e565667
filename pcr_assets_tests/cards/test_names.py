"""File names and the cards that they mean."""

import pytest

from pcr_assets.cards.names import LONGEST, Named, file_label, is_picture, plain, read_name


def named(name: str) -> Named:
    found = read_name(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "card_id"),
    [
        ("base1-4_Charizard.png", "base1-4"),
        ("base1-4.png", "base1-4"),
        ("swsh12pt5-160_Pikachu.png", "swsh12pt5-160"),
        ("swsh9tg-TG01_Flareon.png", "swsh9tg-TG01"),
        ("cel25c-15_A1_Venusaur.png", "cel25c-15_A1"),
        ("cel25c-4_A_Charizard.png", "cel25c-4_A"),
        ("hgss1-ONE_Alph_Lithograph.png", "hgss1-ONE"),
        ("2011bw-3_Oshawott.png", "2011bw-3"),
        ("PROMO-A-12_Pikachu.png", "PROMO-A-12"),
        ("some/folder/base1-4_Charizard.png", "base1-4"),
    ],
)
def test_a_name_may_begin_with_the_card_id(name, card_id):
    assert named(name).card_id == card_id


@pytest.mark.parametrize(
    ("name", "card_id"),
    [
        ("Charizard-en_base_base1_4_high.png", "base1-4"),
        ("Charizard-en_base_base1_4.png", "base1-4"),
        ("Ho-Oh-en_neo_neo3_7_high.webp", "neo3-7"),
        ("Mr. Mime-en_base_base2_6_low.jpg", "base2-6"),
        ("Pikachu-pt-br_sv_sv1_63_high.png", "sv1-63"),
        ("Pikachu-en_sv_sv03.5_025_high.png", "sv3pt5-25"),
        ("Mewtwo-en_sm_sm3.5_39_high.png", "sm35-39"),
        ("Pikachu-en_swsh_swsh12.5_160_high.png", "swsh12pt5-160"),
        ("Flareon-en_swsh_swsh9_TG01_high.png", "swsh9-TG01"),
        ("Pikachu-en_tcgp_P-A_009_high.png", "PROMO-A-9"),
        ("Oddish-ja_neo_neo1_001_high.png", "neo1.ja-1"),
        ("Pikachu-en_mc_2021swsh_25_high.png", "mcd21-25"),
        ("Snivy-en_sv_sv10.5b_001_high.png", "zsv10pt5-1"),
    ],
)
def test_a_name_may_begin_with_what_the_card_is_called(name, card_id):
    assert named(name).card_id == card_id


def test_both_shapes_tell_set_number_and_name():
    short, long = named("base1-4_Dark_Charizard.png"), named("Dark Charizard-en_base_base1_4_high.png")
    assert short == long
    assert (short.set_id, short.number, short.name) == ("base1", "4", "Dark Charizard")


@pytest.mark.parametrize(
    "name",
    [
        "holiday picture.png",
        "IMG_1234.jpg",
        "IMG-2021_holiday.png",
        "card-back.png",
        "4.png",
        "base1.png",
        "12-34.png",
        "",
    ],
)
def test_other_names_mean_no_card(name):
    assert read_name(name) is None


def test_pictures_are_told_by_their_suffix():
    assert is_picture("a/b.PNG") and is_picture("phone.heic")
    assert not any(map(is_picture, ["cards.csv", "README.md", ".DS_Store", "base1-4"]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pokémon Trader", "pokemon trader"),
        ("Nidoran ♀", "Nidoran♀"),
        ("Farfetch'd", "Farfetch\u2019d"),
        ("Basic Psychic Energy", "Psychic Energy"),
    ],
)
def test_sources_that_write_a_name_differently_mean_one_card(one, other):
    assert plain(one) == plain(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Nidoran♀", "Nidoran♂"), ("Psychic Energy", "Water Energy"), ("Basic Instinct", "Instinct"), ("Mew", "Mewtwo")],
)
def test_names_of_different_cards_stay_different(one, other):
    assert plain(one) != plain(other)


@pytest.mark.parametrize(
    ("set_id", "label"),
    [("base1", "base1"), ("Sword & Shield", "Sword%20%26%20Shield"), ("promos/2027", "promos%2F2027"), (".5", "%2E5")],
)
def test_a_set_is_called_in_the_names_of_files_by_its_id_whatever_that_holds(set_id, label):
    assert file_label(set_id) == label


def test_two_sets_whose_long_names_begin_alike_are_called_apart():
    assert file_label("x" * LONGEST) == "x" * LONGEST
    one, other = (file_label("x" * LONGEST + end) for end in "ab")
    assert one != other
    assert one[:80] == other[:80]
    assert {len(one), len(other)} == {LONGEST}
