"""From the bytes of a file to one upright RGB picture, or to the reason why there is none."""

import re
import struct
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from edge_runtime.picture_file import Trap, opened, upright

LEAST_SIDE = 96
MOST_PIXELS = 64_000_000

READ_BY_OPENCV = {("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "L"), ("JPEG", "RGB"), ("JPEG", "L"), ("WEBP", "RGB")}
"""Formats and modes, as Pillow calls them. It is itself the faster one with palettes."""
PNG_END = b"IEND\xaeB`\x82"
TURNING = (b"eXIf", b"acTL"), (b"Raw profile type", b"XML:com.adobe.xmp")
"""Chunks, and beginnings of texts, by which a PNG may say that it is turned or animated."""
JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""What may stand in the data of a scan only at its end: neither a byte 255 of the data, nor a place to start again from."""


class Rejected(ValueError):
    """A picture that can't serve as a card scan; the message is the reason, in words for the quarantine table."""


class NoMemory(Rejected):
    """The memory ran out over a picture, which may be whole: another time it may be decoded."""


def decode(data: bytes) -> np.ndarray:
    """Decode a picture to uint8 RGB H×W×3, turned upright as its EXIF says.

    CMYK, palette and grey become RGB, 16 bits become 8; what is transparent becomes white, and a fully transparent margin
    is cut off. Raises :class:`Rejected` for files that are empty, truncated, no picture, animated, or smaller or larger
    than any card scan; the size is read from the header, so a decompression bomb is refused before it is decoded. Raises
    :class:`NoMemory`, which is one of those, where the memory ran out.
    """
    if not data:
        raise Rejected("the file is empty (zero bytes): upload it again")
    try:
        with opened(data, MOST_PIXELS) as picture:
            _check(picture)
            pixels = _plain(picture, data)
            if pixels is not None:
                return pixels
            upright(picture)
            return _rgb(picture)
    except Rejected:
        raise
    except Trap as error:
        raise Rejected(f"the file {error}") from error
    except Image.DecompressionBombError as error:
        raise Rejected(_too_large("more pixels")) from error
    except UnidentifiedImageError as error:
        raise Rejected("the file is no picture, whatever its name says: export it as PNG, JPEG or WebP") from error
    except Exception as error:  # whatever comes up inside a decoder that was fed damaged bytes
        if isinstance(error, MemoryError) or getattr(error, "code", None) == cv2.Error.StsNoMem:
            raise NoMemory(
                "the memory ran out while the picture was decoded: free or add some, then run again"
            ) from error
        raise Rejected(f"the picture is truncated or damaged ({error}): upload it again") from error


def _plain(picture: ImageFile.ImageFile, data: bytes) -> np.ndarray | None:
    """The pixels of an upright WebP, PNG or JPEG, uint8 RGB H×W×3; None for unusual ones, and for what may be damaged.

    OpenCV has the same libraries decode them, to the same pixels, with less work around: Pillow plays a WebP as an animation, keeps
    each pixel in four bytes, and copies all of them several times, mostly into memory that the system hands out page by page.
    """
    if (picture.format, picture.mode) not in READ_BY_OPENCV or not _usual(picture, data):
        return None
    encoded = np.frombuffer(_alone(data) if picture.format == "WEBP" else data, np.uint8)
    if not picture.has_transparency_data:
        return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    pixels = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if picture.mode == "RGBA" else None
    if pixels is None or pixels.dtype != np.uint8:  # 16 bits a channel
        return None
    return _on_white(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA))


def _usual(picture: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether OpenCV sees in a file what Pillow does: it turns or plays nothing, and takes some damaged files for whole."""
    if picture.format == "PNG":  # asked for its EXIF, Pillow would decode it, for that may stand behind the pixels
        turned = any(name in TURNING[0] or begins.startswith(TURNING[1]) for name, begins in _chunks(data))
        return data.endswith(PNG_END) and not turned
    if picture.format == "JPEG":
        end = JPEG_MARKER.search(data, _last_scan(picture, data))
        if not end or end.group() != JPEG_END or end.end() != len(data):
            return False
    return bool(picture.getexif().get(ExifTags.Base.Orientation, 1) == 1)


def _last_scan(picture: ImageFile.ImageFile, data: bytes) -> int:
    """Where the last scan of a JPEG begins. Unless progressive it has but one, to which Pillow has read: another is damage."""
    if picture.fp and "progressive" not in picture.info:
        return picture.fp.tell()
    return data.rfind(JPEG_SCAN) + len(JPEG_SCAN)


def _alone(data: bytes) -> bytes:
    """A still WebP with its picture's chunk and nothing behind: libwebp knows damaged data by their needing more than there are."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name in (b"VP8 ", b"VP8L"):
            chunk = data[at : at + 8 + size]
            return struct.pack("<4sI4s", b"RIFF", 4 + len(chunk), b"WEBP") + chunk
        at += 8 + size + size % 2
    return b""


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG, by name and first bytes."""
    at = 8
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        yield name, data[at + 8 : at + 32]
        at += 12 + size


def _check(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise Rejected(_too_large(f"{width}×{height} pixels, more"))
    if min(width, height) < LEAST_SIDE:
        raise Rejected(
            f"{width}×{height} pixels are too few to tell cards apart: scan it with {LEAST_SIDE} pixels a side or more"
        )
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":  # an MPO is a camera's JPEG with a second, smaller rendering behind it
        raise Rejected(f"the picture is animated or has several pages ({frames}): export one still picture")


def _too_large(what: str) -> str:
    return f"the picture has {what} than any card scan: scale it below {MOST_PIXELS // 10**6} megapixels"


def _rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I"):
        return _from_deep_grey(picture)
    if picture.mode == "F":
        raise Rejected("the picture has floating-point pixels of unknown range: export it with 8 or 16 bits a channel")
    if picture.has_transparency_data:
        return _on_white(np.asarray(picture.convert("RGBA")))
    return np.array(picture.convert("RGB"))


def _from_deep_grey(picture: Image.Image) -> np.ndarray:
    """Grey of 16 bits as 8-bit RGB; convert() alone would clip it to white. A TIFF may hold more bits, and less than black."""
    values = np.asarray(picture).clip(0, 65535).astype(np.uint32)
    return cv2.cvtColor(((values + 128) // 257).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """What an RGBA picture shows of itself, laid on white. Of most scans only corners are transparent: other rows cost nothing."""
    left, top, width, height = cv2.boundingRect(cv2.extractChannel(pixels, 3))
    if not width:
        raise Rejected("the picture is fully transparent: there is no card on it")
    shown = pixels[top : top + height, left : left + width]
    image = cv2.cvtColor(shown, cv2.COLOR_RGBA2RGB)
    rows = np.flatnonzero((shown[..., 3] != 255).any(axis=1))
    if rows.size:
        strip = Image.fromarray(shown[rows])
        image[rows] = np.asarray(Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip))[..., :3]
    return image
