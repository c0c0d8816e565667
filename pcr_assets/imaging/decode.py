"""From the bytes of a file to one upright RGB picture, or to the reason why there is none."""

import io
import re
import struct
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

LEAST_SIDE = 96
MOST_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What Pillow may open. Not all that it can: PostScript, for one, would start another program."""

PNG_END = b"IEND\xaeB`\x82"
TURNING = (b"eXIf", b"acTL"), (b"Raw profile type", b"XML:com.adobe.xmp")
"""Chunks, and beginnings of texts, by which a PNG may say that it is turned or animated."""
JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""What may stand in the data of a scan only at its end: neither a byte 255 of the data, nor a place to start again from."""


class Rejected(ValueError):
    """A picture that can't serve as a card scan; the message is the reason, in words for the quarantine table."""


def decode(data: bytes) -> np.ndarray:
    """Decode a picture to uint8 RGB H×W×3, turned upright as its EXIF says.

    CMYK, palette and grey become RGB, 16 bits become 8; what is transparent becomes white, and a fully transparent margin
    is cut off. Raises :class:`Rejected` for files that are empty, truncated, no picture, animated, or smaller or larger
    than any card scan; the size is read from the header, so a decompression bomb is refused before it is decoded.
    """
    if not data:
        raise Rejected("the file is empty (zero bytes): upload it again")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check(picture)
            pixels = _plain(picture, data)
            if pixels is not None:
                return pixels
            ImageOps.exif_transpose(picture, in_place=True)  # loads it, and makes no copy of one that is upright
            return np.array(_rgb(picture))
    except Rejected:
        raise
    except Image.DecompressionBombError as error:
        raise Rejected(_too_large("more pixels")) from error
    except UnidentifiedImageError as error:
        raise Rejected("the file is no picture, whatever its name says: export it as PNG, JPEG or WebP") from error
    except Exception as error:  # whatever comes up inside a decoder that was fed damaged bytes
        raise Rejected(f"the picture is truncated or damaged ({error}): upload it again") from error


def _plain(picture: Image.Image, data: bytes) -> np.ndarray | None:
    """The pixels of an upright opaque WebP, PNG or JPEG, uint8 RGB H×W×3; None for anything else, and for what may be damaged.

    OpenCV has the same libraries decode them, to the same pixels, with less work around: Pillow plays a WebP as an animation, keeps
    each pixel in four bytes, and copies all of them several times, mostly into memory that the system hands out page by page.
    """
    if picture.mode != "RGB" or picture.has_transparency_data or not _usual(picture, data):
        return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)


def _usual(picture: Image.Image, data: bytes) -> bool:
    """Whether OpenCV sees in a file what Pillow does: it turns or plays nothing, and takes some damaged files for whole."""
    if picture.format == "PNG":  # asked for its EXIF, Pillow would decode it, for that may stand behind the pixels
        turned = any(name in TURNING[0] or begins.startswith(TURNING[1]) for name, begins in _chunks(data))
        return data.endswith(PNG_END) and not turned
    if picture.format == "JPEG":
        end = JPEG_MARKER.search(data, data.rfind(JPEG_SCAN) + len(JPEG_SCAN))
        if not end or end.group() != JPEG_END or end.end() != len(data):
            return False
    elif picture.format != "WEBP":
        return False
    return bool(picture.getexif().get(ExifTags.Base.Orientation, 1) == 1)


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


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return _from_deep_grey(picture)
    if picture.mode == "F":
        raise Rejected("the picture has floating-point pixels of unknown range: export it with 8 or 16 bits a channel")
    if picture.has_transparency_data:
        return _on_white(picture.convert("RGBA"))
    return picture.convert("RGB")


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """Grey of 16 bits as 8-bit RGB; convert() alone would clip it to white."""
    values = np.asarray(picture, dtype=np.uint32)
    return Image.fromarray(np.minimum((values + 128) // 257, 255).astype(np.uint8)).convert("RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    box = picture.getchannel("A").getbbox()
    if box is None:
        raise Rejected("the picture is fully transparent: there is no card on it")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).crop(box).convert("RGB")
