"""Many small pictures on one sheet, small enough to travel inside an asset's metadata."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime.jpeg import jpeg

MOST_BYTES = 40_000
MOST = 24
CAPTION_HEIGHT = 14
GAP = 4
QUALITIES = (85, 70, 55, 40, 25)
_PAPER, _INK = (255, 255, 255), (40, 40, 40)
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.32


def contact_sheet(
    images: Sequence[np.ndarray], captions: Sequence[str] = (), *, columns: int = 8, width: int = 88
) -> bytes:
    """A JPEG of at most about 40 kB with the first :data:`MOST` pictures (uint8 RGB, any sizes), each ``width`` pixels wide.

    Captions stand below the pictures and are cut to the width; quality, then size, give way to the limit.
    """
    shown = list(images)[:MOST]
    lines = [*captions, *[""] * len(shown)][: len(shown)]
    while True:
        sheet = _sheet(shown, lines, columns, width)
        for quality in QUALITIES:
            data = jpeg(sheet, quality)
            if len(data) <= MOST_BYTES:
                return data
        width = width * 3 // 4


def _sheet(images: Sequence[np.ndarray], captions: Sequence[str], columns: int, width: int) -> np.ndarray:
    cells = [_scaled(image, width) for image in images] or [np.full((width, width, 3), 255, np.uint8)]
    height = max(cell.shape[0] for cell in cells)
    columns = min(columns, len(cells))
    step_x, step_y = width + GAP, height + CAPTION_HEIGHT + GAP
    sheet = np.full((-(-len(cells) // columns) * step_y + GAP, columns * step_x + GAP, 3), _PAPER, np.uint8)
    for place, cell in enumerate(cells):
        top, left = place // columns * step_y + GAP, place % columns * step_x + GAP
        sheet[top : top + cell.shape[0], left : left + width] = cell
        if place < len(captions):
            _write(sheet, captions[place], left, top + height + CAPTION_HEIGHT - 4, width)
    return sheet


def _scaled(image: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _write(sheet: np.ndarray, text: str, left: int, baseline: int, width: int) -> None:
    text = text.encode("ascii", "replace").decode()
    while text and cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)[0][0] > width:
        text = text[:-1]
    cv2.putText(sheet, text, (left, baseline), _FONT, _FONT_SCALE, _INK, 1, cv2.LINE_AA)
