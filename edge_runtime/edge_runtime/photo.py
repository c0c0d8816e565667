"""Reading a photo: uint8 RGB, upright as its EXIF says, or one sentence why not."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from edge_runtime.picture_file import Trap, opened, upright

MOST_PIXELS = 80_000_000
"""Below the size at which Pillow starts to warn of decompression bombs."""
MOST_BYTES = 256 << 20
LEAST_SIDE = 16
BAND = 256
"""Rows of pixels that are taken over at once."""
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What an iPhone saves of its own accord; Pillow has no decoder for it."""


class PhotoError(ValueError):
    """A photo can't be read; the message says why and what to do."""


class TooManyPixels(PhotoError):
    """A photo has more pixels than are decoded."""


def load_photo(source: Path | str | bytes, most_pixels: int = MOST_PIXELS) -> np.ndarray:
    """Read a photo from a file or from its bytes: uint8 RGB H×W×3, upright. Raises :class:`PhotoError`.

    CMYK, palette and grey become RGB, 16 bits become 8, what is transparent becomes white; of an animation the first
    frame is taken. The size is read from the header, so a decompression bomb is refused before it is decoded; so is a
    photo of more than ``most_pixels``, width by height, and what would be read for minutes or hours.
    """
    name = "the upload" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else _read(Path(source))
    if not data:
        raise PhotoError(f"{name} is empty (zero bytes): take the photo again")
    try:
        with opened(data, most_pixels) as picture:
            _check_size(picture, name, most_pixels)
            upright(picture)
            return _pixels(_rgb(picture))
    except PhotoError:
        raise
    except Trap as error:
        raise PhotoError(f"{name} {error}") from error
    except Image.DecompressionBombError as error:
        raise TooManyPixels(f"{name} is too large: scale it below {most_pixels // 10**6} megapixels") from error
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and data[8:12] in HEIC:
            raise PhotoError(
                f"{name} is HEIC, which is not read here: save it as JPEG (an iPhone takes JPEG with Settings, Camera, Formats, "
                "Most Compatible)"
            ) from error
        raise PhotoError(f"{name} is no picture: send JPEG, PNG or WebP") from error
    except Exception as error:  # whatever comes up inside a decoder that was fed damaged bytes
        raise PhotoError(f"{name} is truncated or damaged ({error}): take the photo again") from error


def as_photo(image: np.ndarray) -> np.ndarray:
    """A camera's frame as uint8 RGB H×W×3, C-contiguous: grey gets three channels, alpha is dropped. Raises PhotoError."""
    if not isinstance(image, np.ndarray):  # OpenCV gives None for a file that it can't read
        raise PhotoError(
            f"a frame must be an array uint8 H×W×3, not {type(image).__name__}: was there a picture to read?"
        )
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise PhotoError(f"a frame must be uint8 H×W or H×W×C, not {image.dtype} {image.shape}")
    if image.ndim == 2 or image.shape[2] == 1:
        image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    if image.shape[2] not in (3, 4):
        raise PhotoError(f"a frame must have 1, 3 or 4 channels, not {image.shape[2]}")
    return np.ascontiguousarray(image[:, :, :3])


def _read(path: Path) -> bytes:
    data = b""
    try:
        size = path.stat().st_size  # 0 for a device or a pipe, whatever comes out of it
        if size <= MOST_BYTES:
            with path.open("rb") as file:
                data = file.read(1 + (size or MOST_BYTES))
    except IsADirectoryError as error:
        raise PhotoError(f"{path} is a folder: name the photos in it, such as {path}/*.jpg") from error
    except OSError as error:
        raise PhotoError(f"{path} can't be opened: {error.strerror}") from error
    if max(size, len(data)) > MOST_BYTES:
        raise PhotoError(f"{path} is larger than {MOST_BYTES >> 20} MiB: that is no photo")
    return data


def _check_size(picture: Image.Image, name: str, most_pixels: int) -> None:
    width, height = picture.size
    if width * height > most_pixels:
        raise TooManyPixels(f"{name} has {width}×{height} pixels: scale it below {most_pixels // 10**6} megapixels")
    if min(width, height) < LEAST_SIDE:
        raise PhotoError(f"{name} has {width}×{height} pixels: no card can be read from so few")


def _pixels(picture: Image.Image) -> np.ndarray:
    """The pixels of an RGB picture, taken over band by band: ``np.array`` has Pillow copy all of them once more on the way."""
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, BAND):
        pixels[top : top + BAND] = np.asarray(picture.crop((0, top, picture.width, min(top + BAND, picture.height))))
    return pixels


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # grey of 16 bits, which convert() alone would clip to white
        deep = np.asarray(picture)
        grey = np.empty(deep.shape, np.uint8)
        for top in range(0, len(deep), BAND):  # of all at once, each step would take eight bytes a pixel
            rows = deep[top : top + BAND].clip(0, 65535).astype(np.uint32)
            grey[top : top + BAND] = (rows + 128) // 257
        return Image.fromarray(grey).convert("RGB")
    if picture.mode == "F":
        raise PhotoError("a photo of floating-point pixels has no known range: export it with 8 bits a channel")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # it would copy this one, too
