"""What scans are called."""

import unicodedata

import pytest

from pcr_assets.cards.names import read_name
from pcr_assets.ingest.file_names import is_safe_id, key_of, language_of, safe_name
from pcr_assets.ingest.sources import Card


def card(card_id="base1-4", name="Charizard", lang="en", image="https://images.example/4_hires.png"):
    set_id, _, number = card_id.rpartition("-")
    return Card(card_id, set_id, number, name, lang, "Pokemon TCG", image)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Charizard", "base1-4_Charizard.png"),
        ("Mr. Mime", "base1-4_Mr._Mime.png"),
        ("Nidoran♀", "base1-4_Nidoran♀.png"),
        ("Farfetch'd", "base1-4_Farfetch'd.png"),
        ("Pikachu & Zekrom-GX", "base1-4_Pikachu_&_Zekrom-GX.png"),
        ("Type: Null", "base1-4_Type_Null.png"),
        ("Gardevoir δ", "base1-4_Gardevoir_δ.png"),
        ("_____'s Pikachu", "base1-4_'s_Pikachu.png"),
        ("Poké\tBall \N{ZERO WIDTH SPACE}", "base1-4_Poké_Ball.png"),
        ("../../etc/passwd", "base1-4_etc_passwd.png"),
        ("フシギダネ", "base1-4_フシギダネ.png"),
        ("half \ud83d a pair", "base1-4_half_a_pair.png"),
        ("???", "base1-4.png"),
        ("", "base1-4.png"),
    ],
)
def test_a_name_is_a_safe_part_of_a_file_name(name, file):
    assert key_of(card(name=name)) == file
    found = read_name(file)
    assert found is not None
    assert found.card_id == "base1-4"


def test_a_composed_and_a_decomposed_name_are_the_same_file():
    assert key_of(card(name=unicodedata.normalize("NFD", "Pokémon Breeder"))) == "base1-4_Pokémon_Breeder.png"


def test_a_long_name_is_cut_between_letters():
    name = safe_name("é" * 80)
    assert name == "é" * 50


@pytest.mark.parametrize(
    "card_id", ["swsh12pt5gg-GG01", "PROMO-A-9", "ecard3-H5", "hgss1-ONE", "cel25c-15_A1", "ex10-?"]
)
def test_an_id_is_read_back_from_its_file_name(card_id):
    found = read_name(key_of(card(card_id)))
    assert found is not None
    assert (found.card_id, found.name) == (card_id, "Charizard")


def test_the_suffix_is_that_of_the_picture():
    assert key_of(card(image="https://images.example/4.webp?size=big")) == "base1-4_Charizard.webp"
    assert key_of(card(image="https://images.example/4.php")) == "base1-4_Charizard.png"


def test_other_languages_have_a_folder():
    assert key_of(card(lang="pt-br")) == "pt-br/base1-4_Charizard.png"
    assert [language_of(key) for key in ("pt-br/x.png", "x.png", "np/x.png")] == ["pt-br", "en", "en"]


@pytest.mark.parametrize("card_id", ["../x", "base1/4", "", ".hidden-1", "a" * 50, "base1-4\n", "base1-..", "C:\\x"])
def test_an_id_that_could_leave_the_folder_is_not_safe(card_id):
    assert not is_safe_id(card_id)
