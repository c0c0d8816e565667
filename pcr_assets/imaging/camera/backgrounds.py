"""What cards lie on: drawn tables, cloths, papers, clutter, and playmats made of other cards' art."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

Size = tuple[int, int]


def _clouds(size: Size, cells: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise in 0..1 (float32 H×W) with `cells` (columns, rows) of random values over the picture."""
    values = rng.random((cells[1] + 1, cells[0] + 1), dtype=np.float32)
    return np.clip(cv2.resize(values, size, interpolation=cv2.INTER_CUBIC), 0, 1)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """Mostly greyish, now and then strong, from black to white."""
    return np.clip(rng.uniform(10, 245) + rng.normal(0, 45, 3), 0, 255)


def _between(dark: np.ndarray, light: np.ndarray, field: np.ndarray) -> np.ndarray:
    return np.clip(dark + (light - dark) * field[..., None], 0, 255).astype(np.uint8)


def _wood(size: Size, rng: np.random.Generator, cards: Sequence[np.ndarray]) -> np.ndarray:
    rings = 12 * _clouds(size, (2, 9), rng) + 3 * _clouds(size, (3, 40), rng)
    grain = 0.55 * (0.5 + 0.5 * np.sin(rings)) + 0.45 * _clouds(size, (5, 200), rng)
    tone = rng.uniform(50, 220) * np.array([1.0, rng.uniform(0.66, 0.9), rng.uniform(0.4, 0.8)])
    return _between(0.65 * tone, 1.15 * tone, grain)


def _cloth(size: Size, rng: np.random.Generator, cards: Sequence[np.ndarray]) -> np.ndarray:
    columns, rows = np.arange(size[0]), np.arange(size[1])
    pitch = rng.uniform(2.5, 9)
    weave = np.outer(np.sin(2 * np.pi * rows / pitch), np.sin(2 * np.pi * columns / pitch)).astype(np.float32)
    colour = _colour(rng)
    return _between(0.7 * colour, 1.1 * colour, 0.5 + 0.15 * weave + 0.5 * (_clouds(size, (6, 4), rng) - 0.5))


def _gradient(size: Size, rng: np.random.Generator, cards: Sequence[np.ndarray]) -> np.ndarray:
    return cv2.resize(rng.integers(0, 256, (2, 2, 3)).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)


def _speckle(size: Size, rng: np.random.Generator, cards: Sequence[np.ndarray]) -> np.ndarray:
    """Carpet, granite, sand: coarse and fine noise about one colour."""
    colour = _colour(rng)
    fine = _clouds(size, (size[0] // 3, size[1] // 3), rng)
    return _between(0.6 * colour, 1.3 * colour, 0.6 * fine + 0.4 * _clouds(size, (12, 8), rng))


def _paper(size: Size, rng: np.random.Generator, cards: Sequence[np.ndarray]) -> np.ndarray:
    """Sheets with lines of print, whose straight pale edges look like those of cards."""
    page = _between(np.array([190, 185, 175]), np.array([250, 250, 248]), _clouds(size, (4, 3), rng))
    for _ in range(int(rng.integers(1, 4))):
        angle, step = rng.uniform(-20, 20), rng.uniform(14, 34)
        sheet = page.copy()
        for top in np.arange(0, size[1], step):
            for left in np.arange(rng.uniform(0, 60), size[0], rng.uniform(40, 140)):
                end = (int(left + rng.uniform(10, 60)), int(top))
                cv2.line(sheet, (int(left), int(top)), end, (70, 70, 80), max(1, int(step / 8)))
        box = ((rng.uniform(0, size[0]), rng.uniform(0, size[1])), (0.6 * size[0], 0.9 * size[1]), angle)
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), -angle, 1.0)
        sheet = cv2.warpAffine(sheet, turn, size, borderMode=cv2.BORDER_REFLECT)
        mask = np.zeros(size[::-1], np.uint8)
        cv2.fillConvexPoly(mask, cv2.boxPoints(box).astype(np.int32), 255)
        page = cv2.copyTo(sheet, mask, cv2.convertScaleAbs(page, alpha=0.96))
    return page


def _clutter(size: Size, rng: np.random.Generator, cards: Sequence[np.ndarray]) -> np.ndarray:
    """A desk: boxes, coins, cables and labels of any colour."""
    desk = _speckle(size, rng, cards)
    for _ in range(int(rng.integers(10, 40))):
        colour = [int(value) for value in rng.integers(0, 256, 3)]
        at = (int(rng.integers(size[0])), int(rng.integers(size[1])))
        extent = rng.uniform(0.03, 0.3, 2) * size[1]
        kind = rng.integers(4)
        if kind == 0:
            corners = cv2.boxPoints((at, extent.tolist(), rng.uniform(0, 180))).astype(np.int32)
            cv2.fillConvexPoly(desk, corners, colour, cv2.LINE_AA)
        elif kind == 1:
            cv2.ellipse(desk, at, (int(extent[0] / 2), int(extent[1] / 2)), 0, 0, 360, colour, -1, cv2.LINE_AA)
        elif kind == 2:
            bends = np.cumsum(rng.normal(0, 0.12 * size[1], (8, 2)), axis=0) + at
            cv2.polylines(desk, [bends.astype(np.int32)], False, colour, int(rng.integers(2, 12)), cv2.LINE_AA)
        else:
            text = "".join(chr(letter) for letter in rng.integers(65, 91, 8))
            cv2.putText(desk, text, at, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.5, 3), colour, 3, cv2.LINE_AA)
    return cv2.GaussianBlur(desk, (5, 5), 0)


def _playmat(size: Size, rng: np.random.Generator, cards: Sequence[np.ndarray]) -> np.ndarray:
    """The art of a card, enlarged until it fills the frame, as printed on playmats; a gradient where no card is given."""
    if not cards:
        return _gradient(size, rng, cards)
    card = cards[int(rng.integers(len(cards)))]
    height, width = card.shape[:2]
    art = card[int(0.12 * height) : int(0.48 * height), int(0.1 * width) : int(0.9 * width)]
    mat = cv2.resize(np.ascontiguousarray(art), size, interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(mat, (0, 0), rng.uniform(1, 12))


KINDS: dict[str, Callable[[Size, np.random.Generator, Sequence[np.ndarray]], np.ndarray]] = {
    "wood": _wood,
    "cloth": _cloth,
    "gradient": _gradient,
    "speckle": _speckle,
    "paper": _paper,
    "clutter": _clutter,
    "playmat": _playmat,
}


def background(
    size: Size, rng: np.random.Generator, kind: str | None = None, cards: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """A background (uint8 RGB of `size` (width, height)) of one of KINDS, drawn at random when not given.

    `cards`: pictures whose art may become a playmat.
    """
    chosen = kind or tuple(KINDS)[int(rng.integers(len(KINDS)))]
    return KINDS[chosen](size, rng, cards)
