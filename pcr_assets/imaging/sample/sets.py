"""The sets of the Wild Atlas and every card in them: new creatures, reprints, exact twins. Nothing is drawn here."""

from dataclasses import dataclass, replace

import numpy as np

from pcr_assets.imaging.sample import words
from pcr_assets.imaging.sample.art import painting
from pcr_assets.imaging.sample.brush import Image, hsv
from pcr_assets.imaging.sample.frame import Frame, Texts, framed, window_size
from pcr_assets.imaging.sample.genome import Genome, genome

GAME = "Wild Atlas"
_INDIGO, _GOLD, _CREAM = (38, 40, 84), (214, 172, 84), (244, 236, 214)
_FRAMES = (
    Frame(_CREAM, (120, 84, 50), 1.0, (24, 56, 343, 276), "rect", "grain", 36, "bar"),
    Frame((24, 92, 116), (236, 214, 160), 0.92, (26, 60, 341, 300), "arch", "scales", 38, "pill"),
    Frame((66, 26, 30), (226, 120, 60), 0.12, (20, 20, 347, 292), "slant", "stripes", 304, "ribbon"),
    Frame(_INDIGO, _GOLD, 0.1, (14, 14, 353, 498), "full", "plain", 34, "pill", 12),
    Frame((46, 82, 44), (214, 196, 130), 0.85, (22, 62, 345, 290), "hexagon", "dots", 38, "bar", 16),
    Frame((188, 190, 200), (96, 60, 130), 0.96, (30, 58, 337, 288), "oval", "rays", 36, "ribbon", 10),
    Frame((232, 150, 60), (250, 244, 226), 0.95, (18, 18, 349, 268), "wave", "grain", 286, "pill", 12),
)
_SETS = (
    ("dawn", "First Dawn"),
    ("tide", "Tidewoken"),
    ("ashe", "Ashen Peaks"),
    ("moon", "Moonlit Streets"),
    ("root", "Deep Roots"),
    ("hail", "Hailsong"),
)
_ECHO = ("echo", "Echoes")


@dataclass(frozen=True)
class Design:
    """What is printed: two cards of one design are the same pixels."""

    genome: Genome
    frame: Frame
    texts: Texts


@dataclass(frozen=True)
class Card:
    """A card of the catalogue."""

    set: str
    number: int
    name: str
    design: Design

    @property
    def card_id(self) -> str:
        """`<set>-<number>`."""
        return f"{self.set}-{self.number}"


def render_card(design: Design) -> Image:
    """The printed card, uint8 512×367×3."""
    return framed(painting(*window_size(design.frame), design.genome), design.frame, design.texts)


def set_codes(sets: int) -> list[str]:
    """Codes of `sets` sets; the last one reprints from the others.

    Raises:
        ValueError: fewer than two sets.
    """
    if sets < 2:
        raise ValueError(f"the sample needs at least 2 sets (the last one reprints from the others), not {sets}")
    own = [f"{_SETS[i % len(_SETS)][0]}{1 + i // len(_SETS)}" for i in range(sets - 1)]
    return [*own, f"{_ECHO[0]}1"]


def set_name(code: str) -> str:
    """What is printed nowhere, but every player knows: ``dawn1`` is First Dawn, ``dawn2`` First Dawn 2."""
    series = code.rstrip("0123456789")
    volume = code.removeprefix(series)
    return dict((*_SETS, _ECHO))[series] + (f" {volume}" if volume != "1" else "")


def specs(seed: int = 0, *, sets: int = 6, cards_per_set: int = 40) -> list[Card]:
    """Every card, set by set. Of the last set's 40, 15 are near twins of others and 3 exact twins.

    Raises:
        ValueError: fewer than two sets or four cards.
    """
    if cards_per_set < 4:
        raise ValueError(f"the sample needs at least 4 cards for each set, not {cards_per_set}")
    codes = set_codes(sets)
    near, exact = max(1, cards_per_set * 15 // 40), max(1, cards_per_set * 3 // 40)
    fresh = cards_per_set - near - exact
    rng = np.random.default_rng(seed)
    names = iter(words.names((sets - 1) * cards_per_set + fresh, rng))
    cards: list[Card] = []
    for index, code in enumerate(codes):
        frame = _FRAMES[-1] if index == sets - 1 else _set_frame(index)
        for number in range(1, (fresh if index == sets - 1 else cards_per_set) + 1):
            gene = genome(seed, len(cards))
            texts = _texts(next(names), gene, index, _imprint(number, cards_per_set), rng)
            cards.append(Card(code, number, texts.name, Design(gene, frame, texts)))
    picked = rng.choice((sets - 1) * cards_per_set, near + exact, replace=False)
    for number, pick in enumerate(picked, fresh + 1):
        twin = cards[pick]
        same = number > fresh + near
        design = twin.design if same else _reprint(twin.design, number, sets - 1, cards_per_set)
        cards.append(replace(twin, set=codes[-1], number=number, design=design))
    return cards


def _set_frame(index: int) -> Frame:
    frame = _FRAMES[index % (len(_FRAMES) - 1)]
    return frame if index < len(_FRAMES) - 1 else replace(frame, border=hsv(0.13 * index, 0.6, 0.5))


def _reprint(design: Design, number: int, index: int, total: int) -> Design:
    """The same art and name with the new set's mark and number; every other one in another frame colour."""
    texts = replace(design.texts, symbol=index, imprint=_imprint(number, total))
    frame = design.frame
    if number % 2:
        frame = replace(frame, border=hsv(0.07 * number, 0.45, 0.62), rim=(245, 245, 250))
    return replace(design, texts=texts, frame=frame)


def _imprint(number: int, total: int) -> str:
    return f"{number}/{total}"


def _texts(name: str, gene: Genome, index: int, imprint: str, rng: np.random.Generator) -> Texts:
    return Texts(
        name=name,
        element=gene.element,
        hp=10 * int(rng.integers(4, 22)),
        kind=f"{gene.element.title()} {gene.plan} of the {gene.place} · {rng.uniform(0.2, 9):.1f} m",
        attacks=tuple(words.attacks(gene.element, rng)),
        lore=words.lore(rng),
        painter=words.painter(rng),
        symbol=index,
        imprint=imprint,
    )
