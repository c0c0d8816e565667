"""Cards by what a person would type of them: the beginnings of words of the name and the set, the number, the id."""

import re
import unicodedata
from collections.abc import Iterable
from heapq import nsmallest

from edge_runtime.by_number import by_number
from edge_runtime.gallery import Card

PARTS = re.compile(r"[^\W_]+")
PRINTED = re.compile(r"#?0*(\d+)(?:/\d+)?")
"""A number as cards have it: of how many it is one says nothing that a search needs."""
APOSTROPHES = "'’‘ʼ_"
"""As cards, keyboards and phones have them, and as the names of files have one in its place."""


def find_cards(cards: Iterable[Card], asked: str, most: int) -> list[Card]:
    """The cards of which each word that is asked for begins a word; at most so many. Whole words come first, of these names that
    are just that, then names that begin so; else sets as they are given, and of a set the numbers by their value.

    Capitals, accents, apostrophes and the zeros before a number count for nothing, nor what is printed around it: ``poke ball 7``
    and ``poke ball 007/102`` find Poké Ball, 007. Where nothing is asked, nothing is found.
    """
    start = _joined(_folded(asked)).strip()
    words = [_bare(word) for word in start.split()]
    if not words:
        return []
    ranked = []
    sets: dict[str, int] = {}
    for card in cards:
        of_set = sets.setdefault(card.set_id, len(sets))
        line = _folded(f"{card.name} {card.set_name or card.set_id} {card.number} {card.card_id}")
        joined = _joined(line)
        if all(word in joined for word in words):  # quick, and leaves few to look at closely
            parts = {*joined.split(), *map(_bare, PARTS.findall(line))}
            if all(any(part.startswith(word) for part in parts) for word in words):
                partly = sum(word not in parts for word in words)
                name = _joined(_folded(card.name)).strip()
                ranked.append((partly, name != start, not name.startswith(start), of_set, by_number(card.number), card))
    return [card for *_, card in nsmallest(most, ranked, key=lambda found: found[:5])]


def _folded(text: str) -> str:
    """The text without capitals and accents."""
    text = text.casefold()
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _joined(text: str) -> str:
    """The text without apostrophes."""
    for mark in APOSTROPHES:
        text = text.replace(mark, "")
    return text


def _bare(word: str) -> str:
    """A number without what is printed around it; any other word as it is."""
    printed = PRINTED.fullmatch(word)
    return printed[1] if printed else word
