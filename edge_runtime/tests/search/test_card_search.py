import pytest

from edge_runtime.gallery import Card
from edge_runtime.search.card_search import find_cards

CARDS = [
    Card("base1-4", "Charizard", "base1", "4", "a", "Base Set"),
    Card("base1-46", "Charmander", "base1", "46", "b", "Base Set"),
    Card("sv3pt5-006", "Charizard ex", "sv3pt5", "006", "c", "151"),
    Card("ex3-100", "Dark Charizard", "ex3", "100", "d", "Dragon"),
    Card("A1-216", "Pokédex", "A1", "216", "e", "Genetic Apex"),
    Card("jp-1", "リザードン", "jp", "1", "f"),
    Card("base3-27", "Farfetch'd", "base3", "27", "g", "Fossil"),
    Card("sv3pt5-083", "Farfetch’d", "sv3pt5", "083", "h", "151"),
    Card("gym1-86", "Farfetch_d", "gym1", "86", "i", "Gym Heroes"),
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("charizard", ["base1-4", "sv3pt5-006", "ex3-100"]),
        ("char", ["base1-4", "base1-46", "sv3pt5-006", "ex3-100"]),
        ("CHAR 4", ["base1-4", "base1-46"]),
        ("charizard dragon", ["ex3-100"]),
        ("charizard 6", ["sv3pt5-006"]),
        ("charizard 006", ["sv3pt5-006"]),
        ("base set", ["base1-4", "base1-46"]),
        ("base1-4", ["base1-4", "base1-46"]),
        ("pokedex", ["A1-216"]),
        ("Pokédex", ["A1-216"]),
        ("リザ", ["jp-1"]),
        ("zard", []),
        ("char zard", []),
        ("", []),
        ("  ", []),
        ("charizard 4/102", ["base1-4"]),
        ("#4", ["base1-4", "base1-46"]),
        *[
            (asked, ["sv3pt5-083", "base3-27", "gym1-86"])
            for asked in ("farfetch'd", "Farfetch’d", "farfetchd", "farfetch")
        ],
        ("'", []),
    ],
)
def test_cards_are_found_by_what_a_person_types_of_them(asked, found):
    assert [card.card_id for card in find_cards(CARDS, asked, 10)] == found


def test_no_more_cards_than_asked_for_are_given():
    assert [card.card_id for card in find_cards(CARDS, "char", 2)] == ["base1-4", "base1-46"]


def test_the_card_that_is_called_just_so_comes_first_and_numbers_are_no_words():
    """Enter on the page takes the first: it was the ex with the number 259, and 259 stood before 94."""
    cards = [
        Card(f"A1-{number}", name, "A1", number, number)
        for number, name in (("259", "Pikachu ex"), ("94", "Pikachu"), ("96", "Pikachu ex"), ("10", "Pikachu"))
    ]
    assert [card.number for card in find_cards(cards, "pikachu", 10)] == ["10", "94", "96", "259"]
    assert [card.number for card in find_cards(cards, "Pikachu EX", 10)] == ["96", "259"]


def test_cards_of_one_name_and_number_stay_in_their_order():
    prints = [Card(card_id, "Pikachu", "promo", "1", card_id) for card_id in ("promo-1b", "promo-1a")]
    assert find_cards(prints, "pikachu", 10) == prints
