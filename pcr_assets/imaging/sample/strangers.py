"""Pictures that must be refused: cards of other invented games, backs of cards, and things that are no cards."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from pcr_assets.imaging.sample import words
from pcr_assets.imaging.sample.brush import Brush, Colour, Image, clouds, gradient, hsv, mixed, resized
from pcr_assets.imaging.sample.frame import OVERSAMPLED, SIZE, font
from pcr_assets.imaging.sample.scans import COLUMNS, each, write_csv, write_png
from pcr_assets.imaging.sample.shapes import box, curve, leaf, limb, oval, ridge, spike, star

Rng = np.random.Generator
WIDTH, HEIGHT = SIZE
_WHOLE = (WIDTH * OVERSAMPLED, HEIGHT * OVERSAMPLED)


@dataclass(frozen=True)
class Stranger:
    """A picture that is not of the Wild Atlas."""

    game: str
    number: int
    name: str
    seed: int

    @property
    def path(self) -> str:
        """Below the folder of strangers."""
        return f"{self.game.lower().replace(' ', '_')}_{self.number}_{self.name}.png"


def strangers(seed: int, count: int = 40) -> list[Stranger]:
    """`count` pictures, in turn from each game."""
    rng = np.random.default_rng([seed, 3])
    games = list(_GAMES)
    seeds = rng.integers(2**31, size=count)
    names = words.names(count, rng)
    return [Stranger(games[i % len(games)], 1 + i // len(games), names[i], int(seeds[i])) for i in range(count)]


def render_stranger(stranger: Stranger) -> Image:
    """The picture, uint8 512×367×3."""
    rng = np.random.default_rng(stranger.seed)
    card = np.full((*_WHOLE[::-1], 3), 240, np.uint8)
    texts = _GAMES[stranger.game](Brush(card, scale=OVERSAMPLED, shade=0.3), rng)
    canvas = Pillow.fromarray(card)
    draw = ImageDraw.Draw(canvas)
    for x, y, size, anchor, colour, text in texts:
        line = text.replace("NAME", stranger.name)
        draw.text((x * OVERSAMPLED, y * OVERSAMPLED), line, colour, font(size), anchor)
    return resized(np.asarray(canvas), SIZE)


def write_strangers(folder: Path, seed: int, count: int) -> None:
    """Renders them into `folder`, and `strangers.csv` beside it."""
    found = strangers(seed, count)
    each(lambda stranger: write_png(folder / stranger.path, render_stranger(stranger)), found, "strangers")
    rows = [(f"{folder.name}/{s.path}", "", s.name, s.game, s.number, "en", s.game) for s in found]
    write_csv(folder.parent / "strangers.csv", COLUMNS, (dict(zip(COLUMNS, row, strict=True)) for row in rows))


Text = tuple[float, float, int, str, Colour, str]


def _colour(rng: Rng, value: float = 0.8, saturation: float = 0.6) -> Colour:
    return hsv(rng.random(), saturation, value)


def _sigil_court(brush: Brush, rng: Rng) -> list[Text]:
    ground, metal = _colour(rng, 0.2), _colour(rng, 0.85, 0.4)
    brush.fill(box(0, 0, WIDTH, HEIGHT), ground)
    brush.stroke(oval(183, 256, 168, 240, square=12), metal, 4, closed=True)
    for k, radius in enumerate(np.linspace(150, 30, int(rng.integers(4, 7)))):
        form = star(183, 240, radius, int(rng.integers(3, 10)), rng.uniform(0.4, 0.95), k * 0.4)
        brush.paint(form, mixed(ground, metal, 0.25 + 0.7 * (k % 2)))
    return [(183, 452, 26, "mm", metal, "NAME"), (183, 50, 30, "mm", metal, str(rng.choice(["I", "IV", "VII", "XII"])))]


def _starfreight(brush: Brush, rng: Rng) -> list[Text]:
    brush.image[:] = gradient(*_WHOLE, [(8, 8, 26), _colour(rng, 0.4), (6, 6, 18)])
    for x, y, r in rng.uniform((0, 0, 0.4), (WIDTH, HEIGHT, 1.6), (130, 3)):
        brush.fill(oval(x, y, r, r), (255, 255, 240))
    x, y, r = rng.uniform(60, 300), rng.uniform(90, 160), rng.uniform(40, 100)
    brush.paint(oval(x, y, r, r), _colour(rng))
    hull, long = _colour(rng, 0.8, 0.2), rng.uniform(90, 150)
    for side in (-1, 1):
        brush.paint(spike(183, 270, long, rng.uniform(20, 50), np.pi / 2 + side * rng.uniform(0.9, 1.5)), _colour(rng))
    brush.paint(limb(curve((183, 270 - long), (183, 270 + long)), [4, rng.uniform(24, 50), 34, 20]), hull)
    for k in range(int(rng.integers(2, 6))):
        brush.paint(oval(183, 250 + 26 * k, 9, 9), (120, 220, 255))
    brush.fill(box(0, 430, WIDTH, HEIGHT), (20, 24, 40))
    return [
        (14, 452, 24, "lm", (120, 220, 255), "NAME class"),
        (
            14,
            486,
            14,
            "lm",
            (220, 220, 220),
            f"HULL {rng.integers(9)}  CARGO {rng.integers(9)}  CREW {rng.integers(9)}",
        ),
    ]


def _potion_ledger(brush: Brush, rng: Rng) -> list[Text]:
    paper, brew = (232, 214, 176), _colour(rng)
    brush.fill(box(0, 0, WIDTH, HEIGHT), paper)
    brush.stroke(box(12, 12, WIDTH - 12, HEIGHT - 12), (96, 62, 34), 3, closed=True)
    neck, wide, tall = rng.uniform(18, 34), rng.uniform(70, 125), rng.uniform(70, 110)
    brush.paint(box(183 - neck, 90, 183 + neck, 260), (206, 222, 222))
    brush.paint(oval(183, 260, wide, tall, square=rng.choice([2.0, 3.0, 6.0])), (206, 222, 222))
    brush.paint(oval(183, 275, wide * 0.88, tall * 0.75, square=2.4), brew)
    for x, y in rng.uniform((130, 230), (240, 310), (9, 2)):
        brush.fill(oval(x, y, 6, 6), mixed(brew, (255, 255, 255), 0.6))
    brush.paint(box(183 - neck * 0.9, 66, 183 + neck * 0.9, 104), (150, 100, 60))
    lines: list[Text] = [(183, 410 + 18 * k, 12, "mm", (70, 44, 24), words.lore(rng)) for k in range(4)]
    return [(183, 40, 24, "mm", (70, 44, 24), "Tincture of NAME"), *lines]


def _iron_league(brush: Brush, rng: Rng) -> list[Text]:
    team = _colour(rng)
    brush.fill(box(0, 0, WIDTH, HEIGHT), (250, 250, 250))
    brush.fill(np.array([[10, 10], [WIDTH - 10, 10], [WIDTH - 10, 400], [10, 440]]), team)
    metal = _colour(rng, 0.7, 0.15)
    brush.paint(box(90, 300, 277, 420), mixed(metal, team, 0.4))
    brush.paint(oval(183, 200, rng.uniform(75, 110), rng.uniform(80, 110), square=rng.uniform(3, 8)), metal)
    for x in (148, 218):
        brush.paint(star(x, 185, 24, int(rng.integers(3, 9)), 0.9), (255, 240, 140))
    for x in range(140, 230, int(rng.integers(12, 26))):
        brush.fill(box(x, 238, x + 9, 262), (40, 40, 44))
    brush.stroke(curve((183, 100), (183 + rng.normal(0, 30), 50)), metal, 6)
    return [
        (24, 468, 26, "lm", (30, 30, 30), "NAME"),
        (340, 468, 34, "rm", team, f"#{rng.integers(1, 99)}"),
        (24, 494, 12, "lm", (90, 90, 90), f"GAMES {rng.integers(200)}   GOALS {rng.integers(90)}"),
    ]


def _old_deck(brush: Brush, rng: Rng) -> list[Text]:
    colour: Colour = (186, 30, 40) if rng.random() < 0.5 else (24, 24, 30)
    brush.fill(box(0, 0, WIDTH, HEIGHT), (252, 250, 244))
    rank, suit = int(rng.integers(2, 11)), int(rng.integers(4))
    for i in range(rank):
        x, y = (110, 257)[i % 2], 90 + 330 * (i // 2) / max(1, (rank - 1) // 2)
        forms = (star(x, y, 30, 4, 0.5), oval(x, y, 24, 24, waves=[(3, 0.3, 0.5)]), leaf(x, y + 30, 60, 22, -np.pi / 2))
        brush.fill(forms[suit] if suit < 3 else star(x, y, 28, 2, 0.6), colour)
    return [(30, 40, 40, "mm", colour, str(rank)), (337, 472, 40, "mm", colour, str(rank))]


def _city_deeds(brush: Brush, rng: Rng) -> list[Text]:
    band = _colour(rng)
    brush.fill(box(0, 0, WIDTH, HEIGHT), (248, 248, 246))
    brush.stroke(box(16, 16, WIDTH - 16, HEIGHT - 16), (20, 20, 20), 3, closed=True)
    brush.fill(box(26, 26, WIDTH - 26, 120), band)
    rents = np.sort(rng.integers(2, 99, 6)) * 5
    rows: list[Text] = [(50, 180 + 40 * k, 18, "lm", (20, 20, 20), f"Rent with {k} houses") for k in range(6)]
    sums: list[Text] = [(320, 180 + 40 * k, 18, "rm", (20, 20, 20), str(rent)) for k, rent in enumerate(rents)]
    return [(183, 74, 30, "mm", (20, 20, 20), "NAME Street"), *rows, *sums]


def _back(brush: Brush, rng: Rng) -> list[Text]:
    ground, line = _colour(rng, 0.45, 0.7), _colour(rng, 0.9, 0.35)
    brush.fill(box(0, 0, WIDTH, HEIGHT), mixed(ground, (0, 0, 0), 0.4))
    brush.fill(box(16, 16, WIDTH - 16, HEIGHT - 16), ground)
    step, points = int(rng.integers(22, 46)), int(rng.integers(3, 8))
    for y in range(30, HEIGHT - 20, step):
        for x in range(30, WIDTH - 20, step):
            brush.stroke(
                star(x, y, step * 0.55, points, rng.choice([0.4, 0.9])), mixed(ground, line, 0.5), 1.5, closed=True
            )
    brush.paint(oval(183, 256, 92, 92, waves=[(points, 0.15, 0)]), line)
    brush.paint(star(183, 256, 66, points, 0.5), ground)
    return []


def _no_card(brush: Brush, rng: Rng) -> list[Text]:
    kind = int(rng.integers(4))
    if kind == 0:
        lines = [(30.0, 40 + 17 * k, 12, "lm", (40, 40, 40), f"{words.lore(rng)} {words.name(rng)}") for k in range(26)]
        return [*lines]
    if kind == 1:
        noise = clouds(*_WHOLE, int(rng.integers(20, 160)), rng)[:, :, None]
        brush.image[:] = np.clip(np.array(_colour(rng)) + noise * rng.uniform(30, 90, 3), 0, 255)
        return []
    brush.image[:] = gradient(*_WHOLE, [_colour(rng, 0.9, 0.4), _colour(rng, 0.95, 0.2)])
    if kind == 2:
        for k, level in enumerate((250, 320, 390)):
            waves = [(c, 24 / c, rng.uniform(0, 6)) for c in (1.3, 3.1, 5.7)]
            brush.paint(ridge(WIDTH, level, HEIGHT + 5, waves), _colour(rng, 0.7 - 0.2 * k))
        return []
    for x, y, r in rng.uniform((0, 0, 20), (WIDTH, HEIGHT, 70), (16, 3)):
        brush.paint(oval(x, y, r, r * rng.uniform(0.5, 1), tilt=r), _colour(rng))
    return []


_GAMES: dict[str, Callable[[Brush, Rng], list[Text]]] = {
    "Sigil Court": _sigil_court,
    "Starfreight": _starfreight,
    "Potion Ledger": _potion_ledger,
    "Iron League": _iron_league,
    "Old Deck": _old_deck,
    "City Deeds": _city_deeds,
    "Card back": _back,
    "No card": _no_card,
}
