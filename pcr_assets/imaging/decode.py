"""From the bytes of a file to one upright RGB picture, or to the reason why there is none."""

import io

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

LEAST_SIDE = 96
MOST_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What Pillow may open. Not all that it can: PostScript, for one, would start another program."""


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
            pixels = _plain_webp(picture, data)
            if pixels is not None:
                return pixels
            picture.load()
            upright = ImageOps.exif_transpose(picture)
    except Rejected:
        raise
    except Image.DecompressionBombError as error:
        raise Rejected(_too_large("more pixels")) from error
    except UnidentifiedImageError as error:
        raise Rejected("the file is no picture, whatever its name says: export it as PNG, JPEG or WebP") from error
    except Exception as error:  # whatever comes up inside a decoder that was fed damaged bytes
        raise Rejected(f"the picture is truncated or damaged ({error}): upload it again") from error
    return np.array(_rgb(upright))


def _plain_webp(picture: Image.Image, data: bytes) -> np.ndarray | None:
    """The pixels of an upright opaque WebP, uint8 RGB H×W×3; None for anything else, and for one that does not decode.

    Both libraries have libwebp decode it, to the same pixels; Pillow has it play an animation, which takes up to twice the time.
    """
    if picture.format != "WEBP" or picture.mode != "RGB" or picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


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
