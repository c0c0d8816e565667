"""What is said of a card that was read."""

import pytest

from edge_runtime.answers import card_json, in_words
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading
from edge_runtime.server.loop import reading_json


def reading(status, prints):
    """A fox of so many prints that share their art, and five herons that are near as well."""
    twins = [Match(Card(f"fox-{at}", "Amber Fox", "demo", str(at), "fox"), 0.9, at) for at in range(prints)]
    others = [Match(Card(f"heron-{at}", "Blue Heron", "demo", str(at), f"heron-{at}"), 0.5, 99 + at) for at in range(5)]
    return Reading(status, 0.97, full_frame(63, 88), (*twins, *others), 0.9)


@pytest.mark.parametrize("prints", [2, 7])
def test_a_card_is_one_of_all_prints_that_it_may_be_and_of_no_other_card(prints):
    uncertain = reading(Status.UNCERTAIN, prints)
    told = [f"fox-{at}" for at in range(prints)]
    assert [card_id for card_id, _ in card_json(uncertain)["candidates"]] == told
    assert [card["card_id"] for card in reading_json(uncertain)["candidates"]] == told


@pytest.mark.parametrize(
    ("prints", "said"), [(2, "or fox-1"), (3, "or fox-1, fox-2"), (7, "or fox-1, fox-2 and 4 more")]
)
def test_a_person_is_told_the_other_prints(prints, said):
    answer = {
        "photo": "fox.png",
        "status": "uncertain",
        "ms": 1.0,
        "cards": [card_json(reading(Status.UNCERTAIN, prints))],
    }
    assert in_words(answer).endswith(f"uncertain, {said}")


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.UNKNOWN])
def test_of_other_cards_the_nearest_are_listed(status):
    assert [card_id for card_id, _ in card_json(reading(status, 1))["candidates"]] == [
        "fox-0",
        *(f"heron-{at}" for at in range(4)),
    ]


def test_a_photos_name_neither_colours_the_terminal_nor_begins_another_line():
    answer = {
        "photo": "a\x1b[31m\nb\u00e9.jpg",
        "status": "error",
        "ms": 1.0,
        "cards": [],
        "error": "a\x1b[31m is no picture",
    }
    assert in_words(answer) == r"a\x1b[31m\nb" + "é.jpg" + " " * 11 + r"      1 ms  a\x1b[31m is no picture"
