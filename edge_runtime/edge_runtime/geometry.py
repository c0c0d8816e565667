"""The one geometry of the product: how a card is cut out of a photo. Training, calibration, gallery and the Pi all call this.

Pictures are uint8 RGB H×W×3. Corners are float32 4×2 in pixels, x to the right and y down, in the order top left, top
right, bottom right, bottom left of the upright card. Coordinates count from the outer edge of the first pixel: a picture
spans (0, 0) to (width, height).
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime.timing import timed

CARD_MM = (63.0, 88.0)
"""Width and height of a trading card."""
CARD_ASPECT = CARD_MM[0] / CARD_MM[1]
MOST_OVERSAMPLING = 4
WORTH_PADDING = 8
"""Pixels of a picture that are given a fourth channel for each one that is cut out of it, at most: with four channels OpenCV 5 cuts
the same pixels in half of the time."""
OVERVIEW = 320
"""Pixels across a picture that is looked at as a whole, at least, where it has so many."""
NEARLY_SQUARE = 0.82
"""Width by height of an outline above which its longer sides may be the card's short ones: tilted by 40° and more."""
BEFORE = (3, 0, 1, 2)
"""The side before each side, the corner before each corner."""
ASKEW = np.array([[math.cos(0.0005), math.sin(0.0005)], [-math.sin(0.0005), math.cos(0.0005)]])
"""A turn by half a thousandth of a radian."""


def full_frame(width: int, height: int) -> np.ndarray:
    """The corners of a picture that is nothing but the card, such as a scan: its outer edges."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def as_numbers(corners: np.ndarray) -> list[list[float]]:
    """Corners float32 4×2 as a JSON value, to a tenth of a pixel."""
    return [[round(float(x), 1), round(float(y), 1)] for x, y in corners]


def turned(corners: np.ndarray, quarters: int = 2) -> np.ndarray:
    """The corners of the same card read after so many quarter turns: two for a card that lies upside down."""
    return np.concatenate([corners[quarters % 4 :], corners[: quarters % 4]])


def ways_up(corners: np.ndarray) -> tuple[int, ...]:
    """By how many quarter turns else a card within corners 4×2 may lie: two, or any number where the slant may have made it wider
    than high."""
    sides = side_lengths(corners)
    return (2, 1, 3) if sides[0] + sides[2] > NEARLY_SQUARE * (sides[1] + sides[3]) else (2,)


def following(points: np.ndarray) -> np.ndarray:
    """The point after each of closed polygons ...×N×2. Like numpy's roll, in a fifth of its time for a few points."""
    return np.concatenate([points[..., 1:, :], points[..., :1, :]], axis=-2)


@timed("rectify")
def rectify(image: np.ndarray, corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut a card out of a picture, upright and border to border: uint8 H×W×3 for ``size`` (width, height).

    A card that is larger in the picture than ``size`` is averaged over areas, not sampled at points, so fine print turns
    grey instead of into noise; a scan and a photo of it then look alike at any resolution.
    """
    width, height = size
    ratio = _longest_side(corners) / height
    if ratio > MOST_OVERSAMPLING:
        image, corners = _shrunk(image, corners, MOST_OVERSAMPLING / ratio)
    times = min(MOST_OVERSAMPLING, max(1, math.ceil(ratio - 0.25)))
    # OpenCV counts from the centre of the first pixel.
    target = full_frame(width * times, height * times) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32) - np.float32(0.5), target)
    if times > 1:  # a small card is cut sooner than padded
        image = _padded(image, corners, WORTH_PADDING * width * height * times * times)
    card = cv2.warpPerspective(
        image, matrix, (width * times, height * times), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    card = card if times == 1 else cv2.resize(card, size, interpolation=cv2.INTER_AREA)
    return card if card.shape[2] == 3 else cv2.cvtColor(card, cv2.COLOR_RGBA2RGB)


def whole_card(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The same of a picture that is nothing but the card, such as a scan: its own frame is the outline."""
    return rectify(picture, full_frame(*picture.shape[1::-1]), size)


def _padded(image: np.ndarray, corners: np.ndarray, most: int) -> np.ndarray:
    """The picture as far right and down as the corners reach, with a fourth channel; as it is where that takes more pixels than
    ``most``. Left and top stay, and so do all coordinates: others would be rounded otherwise."""
    reach = np.ceil(corners.max(axis=0)) + 2
    width, height = (int(each) for each in reach.clip(1, image.shape[1::-1]))
    return image if width * height > most else cv2.cvtColor(image[:height, :width], cv2.COLOR_RGB2RGBA)


def thumbnails(image: np.ndarray, outlines: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Many small, coarse cuts out of one picture: uint8 N×H×W×3 of ``size`` (width, height), one for each float32 4×2.

    Each is sampled once, from the picture halved as often as fits: twenty times as fast as :func:`rectify`, and enough to
    see whether there is a card. A point outside the picture takes the colour of its edge.
    """
    width, height = size
    cut = np.empty((len(outlines), height, width, 3), np.uint8)
    halved = [image]
    target = full_frame(width, height) - np.float32(0.5)
    for row, corners in enumerate(outlines):
        level = max(0, round(math.log2(max(_longest_side(corners), 1e-6) / height)))
        while len(halved) <= level and min(halved[-1].shape[:2]) > 1:
            halved.append(cv2.resize(halved[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        source = halved[min(level, len(halved) - 1)]
        shrink = np.divide(source.shape[1::-1], image.shape[1::-1], dtype=np.float32)
        matrix = cv2.getPerspectiveTransform((corners * shrink - 0.5).astype(np.float32), target)
        cv2.warpPerspective(source, matrix, size, dst=cut[row], borderMode=cv2.BORDER_REPLICATE)
    return cut


def side_lengths(corners: np.ndarray) -> np.ndarray:
    """How long each side is, from a corner to the next: ...×4 of corners ...×4×2."""
    return np.linalg.norm(following(corners) - corners, axis=-1)


def width(corners: np.ndarray) -> float:
    """How wide a card with these corners 4×2 is, in pixels: the mean of its top and its bottom."""
    sides = side_lengths(corners)
    return float(sides[0] + sides[2]) / 2


def scaled_down(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture made smaller, uint8 H×W×3 for ``size`` (width, height): halved as often as fits, then averaged by two pixels and
    blended from the nearest. A frame of 1280×720 takes half the time that averaging over areas takes, and cards are found as often:
    1,205 of 1,211 frames with one card either way, 1,203 without the averaging."""
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        image = cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    if image.shape[1::-1] == tuple(size):
        return image
    return cv2.resize(cv2.blur(image, (2, 2)), size, interpolation=cv2.INTER_LINEAR)


def overview(image: np.ndarray) -> np.ndarray:
    """A picture uint8 RGB H×W×3 halved as often as :data:`OVERVIEW` pixels remain across: what moved can be seen on it.

    A quarter is made at once, of the four pixels in the middle of sixteen: half of the picture is not even read from memory.
    Cards are then followed by 0.19 % of their size off from frame to frame, in place of 0.12 %.
    """
    halvings = max(0, int(math.log2(max(1, image.shape[1] // OVERVIEW))))
    height, width = (max(1, length >> halvings) for length in image.shape[:2])
    if halvings > 1:
        quarter = image.shape[1] // 4, max(1, image.shape[0] // 4)
        image = cv2.resize(image, quarter, interpolation=cv2.INTER_LINEAR)
    return scaled_down(image, (width, height))


def narrowed(image: np.ndarray, across: int) -> np.ndarray:
    """A picture uint8 H×W×3 averaged over areas to so many pixels across; one that is no wider stays as large as it is."""
    height, width = image.shape[:2]
    across = min(across, width)
    return cv2.resize(image, (across, max(1, round(across * height / width))), interpolation=cv2.INTER_AREA)


def scaled(corners: np.ndarray, factor: float) -> np.ndarray:
    """The corners moved towards (factor < 1) or away from their centre."""
    centre = corners.mean(axis=0)
    return ((corners - centre) * factor + centre).astype(np.float32)


def area(corners: np.ndarray) -> float:
    """The area inside the corners, in square pixels: half the cross product of the diagonals."""
    (ax, ay), (bx, by) = (corners[2] - corners[0]).tolist(), (corners[3] - corners[1]).tolist()
    return abs(ax * by - ay * bx) / 2


def areas(outlines: np.ndarray) -> np.ndarray:
    """The same for many outlines N×4×2: float64 N."""
    diagonals = (outlines[:, 2:] - outlines[:, :2]).astype(float)
    return np.abs(cross(diagonals[:, 0], diagonals[:, 1])) / 2


def cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The cross product of vectors ...×2: positive where the second is clockwise of the first on a picture."""
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def within(outlines: np.ndarray, card: np.ndarray, times: float) -> np.ndarray:
    """Which of N outlines N×4×2 have all corners within those of a card 4×2 so many times as large: bool N."""
    large = scaled(card, times)
    turns = cross(following(large) - large, outlines[:, :, None] - large)  # N×4×4: of each corner, along each side
    return np.asarray((turns >= 0).all(axis=(1, 2)) | (turns <= 0).all(axis=(1, 2)))


def met(
    starts: np.ndarray, ways: np.ndarray, others: np.ndarray, other_ways: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where each line (a point and a way, ...×2 both) meets its partner, ...×2, and how many ways along it that is; far away
    where they never meet."""
    turns = cross(ways, other_ways)
    far = cross(others - starts, other_ways) / np.where(np.abs(turns) < 1e-6, 1e-6, turns)
    return starts + ways * far[..., None], far


def corners_of(starts: np.ndarray, ways: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the line of each side (a point and a way, ...×4×2 both) meets that of the side before, float32 ...×4×2, and the cross
    product of the two ways."""
    before, way_before = starts[..., BEFORE, :], ways[..., BEFORE, :]
    return met(before, way_before, starts, ways)[0].astype(np.float32), cross(way_before, ways)


def shared_area(first: np.ndarray, second: np.ndarray) -> float:
    """The area that two convex quadrilaterals share, in square pixels, to a thousandth of the smaller one.

    OpenCV may miscount by most of the area where corners or sides of the one lie on those of the other, so the second is turned
    a little: of 12,000 such pairs it then miscounted none, as they were 60.
    """
    if _far(first, second):
        return 0.0
    about = second.mean(axis=0)
    askew = (second - about) @ ASKEW + about
    shared, _ = cv2.intersectConvexConvex(first.astype(np.float32), askew.astype(np.float32))
    return min(float(shared), area(first), area(second))


def _far(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the boxes around both lie apart, also once the second was turned: most do, and this takes a seventh of the time."""
    (xs, ys), (other_xs, other_ys) = first.T.tolist(), second.T.tolist()
    left, right, top, bottom = min(other_xs), max(other_xs), min(other_ys), max(other_ys)
    play = 0.001 * (right - left + bottom - top)
    beside = min(xs) > right + play or max(xs) < left - play
    return beside or min(ys) > bottom + play or max(ys) < top - play


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two convex quadrilaterals."""
    shared = shared_area(first, second)
    union = area(first) + area(second) - shared
    return float(shared / union) if union > 0 else 0.0


def _shrunk(image: np.ndarray, corners: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """The part of a picture around the corners, made smaller by averaging, and the corners in it."""
    height, width = image.shape[:2]
    left, top = np.floor(corners.min(axis=0)).clip(0, (width - 1, height - 1)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).clip((left + 1, top + 1), (width, height)).astype(int)
    size = max(1, round((right - left) * factor)), max(1, round((bottom - top) * factor))
    part = cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    return part, (corners - (left, top)) * (size[0] / (right - left), size[1] / (bottom - top))


def _longest_side(corners: np.ndarray) -> float:
    return float(side_lengths(corners).max())
