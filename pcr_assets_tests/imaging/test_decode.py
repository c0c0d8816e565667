"""Decoding: every kind of file that a raw folder may hold, made for real."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from edge_runtime.photo import load_photo
from pcr_assets.imaging.decode import _plain, _usual, decode
from pcr_assets_tests.imaging.drawn_files import GREEN, RED, SIZE, halves, saved


def assert_red_above_green(image: np.ndarray) -> None:
    assert (image.dtype, image.shape) == (np.uint8, (176, 126, 3))
    assert np.abs(image[20, 60].astype(int) - RED).max() < 25
    assert np.abs(image[150, 60].astype(int) - GREEN).max() < 25


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_usual_files_give_their_pixels(form):
    assert_red_above_green(decode(saved(halves(), form)))


def test_a_phones_jpeg_with_a_smaller_rendering_behind_it_is_one_picture():
    both = saved(halves(), "MPO", quality=95, save_all=True, append_images=[halves().resize((63, 88))])
    assert Image.open(io.BytesIO(both)).n_frames == 2
    assert_red_above_green(decode(both))


def test_cmyk_becomes_rgb():
    assert_red_above_green(decode(saved(halves("CMYK"), "JPEG", quality=95)))


def test_a_palette_becomes_rgb():
    assert_red_above_green(decode(saved(halves().quantize(8))))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_an_exif_orientation_is_applied(form):
    exif = Image.Exif()
    exif[0x0112] = 8  # shown upright after a quarter turn to the left
    lying = halves().transpose(Image.Transpose.ROTATE_270)
    assert_red_above_green(decode(saved(lying, form, quality=95, exif=exif)))


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        ("WEBP", {"quality": 80}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 80, "icc_profile": b"a profile"}),
        ("PNG", {}),
        ("JPEG", {"quality": 92}),
        ("JPEG", {"quality": 75, "subsampling": "4:4:4", "progressive": True}),
        ("JPEG", {"quality": 75, "restart_marker_rows": 1}),
        ("JPEG", {"keep_rgb": True}),
    ],
)
def test_a_file_that_opencv_decodes_has_the_pixels_that_pillow_finds_in_it(form, settings):
    smooth = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    data = saved(Image.fromarray(smooth).resize((131, 181), Image.Resampling.BICUBIC), form, **settings)
    with Image.open(io.BytesIO(data)) as picture:
        assert _usual(picture, data)
        assert np.array_equal(decode(data), picture.convert("RGB"))


def test_a_jpeg_with_a_thumbnail_in_its_exif_is_left_to_opencv():
    data, small = saved(halves(), "JPEG"), saved(halves().resize((30, 40)), "JPEG")
    exif = b"Exif\0\0II*\0\x08" + bytes(9) + small
    data = data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    with Image.open(io.BytesIO(data)) as picture:
        assert _usual(picture, data)


def laid_on_white_by_pillow(picture: Image.Image) -> np.ndarray:
    white = Image.new("RGBA", picture.size, "white")
    return np.array(Image.alpha_composite(white, picture).crop(picture.getchannel("A").getbbox()).convert("RGB"))


def seen_through(kind: str) -> Image.Image:
    """Smooth colours: transparent at the corners and half so beside them, everywhere differently so, or in a clear margin."""
    coarse = np.random.default_rng(0).integers(0, 256, (8, 6, 4), dtype=np.uint8)
    picture = Image.fromarray(coarse, "RGBA").resize((131, 181), Image.Resampling.BICUBIC)
    if kind == "everywhere":
        return picture
    picture.putalpha(255)
    for at in range(9):
        picture.paste((9, 8, 7, 20 * at), (0, at, 9 - at, at + 1))
    sheet = Image.new("RGBA", (200, 240))
    sheet.paste(picture, (40, 30))
    return sheet if kind == "in a margin" else picture


@pytest.mark.parametrize("kind", ["corners", "everywhere", "in a margin"])
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_transparent_picture_has_the_pixels_that_pillow_lays_on_white(form, kind):
    picture = seen_through(kind)
    assert np.array_equal(decode(saved(picture, form, lossless=True)), laid_on_white_by_pillow(picture))


@pytest.mark.parametrize(
    ("form", "settings"), [("PNG", {}), ("JPEG", {"quality": 92}), ("JPEG", {"progressive": True})]
)
def test_grey_is_the_same_grey_in_all_channels(form, settings):
    coarse = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 6), dtype=np.uint8))
    data = saved(coarse.resize((131, 181), Image.Resampling.BICUBIC), form, **settings)
    with Image.open(io.BytesIO(data)) as picture:
        assert _plain(picture, data) is not None
        assert np.array_equal(decode(data), picture.convert("RGB"))


def deep_png(kind: int, depth: int, channels: int, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG of noise of that colour type and depth, as Pillow writes none, with more chunks before its pixels."""
    row = (SIZE[0] * channels * depth + 7) // 8
    noise = np.random.default_rng(0).integers(0, 256, (SIZE[1], row), dtype=np.uint8)
    pixels = zlib.compress(b"".join(b"\0" + line.tobytes() for line in noise))
    head = struct.pack(">IIBBBBB", *SIZE, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", pixels), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize(
    "data",
    [
        deep_png(0, 2, 1),
        deep_png(0, 4, 1, (b"sBIT", b"\2")),
        deep_png(0, 8, 1, (b"gAMA", struct.pack(">I", 30000)), (b"bKGD", b"\0\x80")),
        deep_png(2, 16, 3),
        deep_png(6, 8, 4, (b"sBIT", b"\5\6\5\1"), (b"bKGD", b"\0\xff\0\x10\0\x20")),
        deep_png(6, 16, 4),
        deep_png(4, 16, 2),
    ],
    ids=[
        "grey of 2 bits",
        "of 4",
        "with a gamma",
        "colour of 16 bits",
        "RGBA",
        "RGBA of 16 bits",
        "grey and alpha of 16",
    ],
)
def test_a_png_of_any_depth_has_the_pixels_that_pillow_finds_in_it(data):
    with Image.open(io.BytesIO(data)) as picture:
        alone = picture.convert("RGBA")
    assert np.array_equal(decode(data), laid_on_white_by_pillow(alone))


@pytest.mark.parametrize(("value", "grey"), [(-2000, 0), (-1, 0), (0, 0), (257 * 80, 80), (65535, 255), (10**6, 255)])
def test_grey_of_32_bits_is_black_below_nothing_as_a_device_reads_it(value, grey):
    """It was white: the numbers were taken for ones without a sign."""
    data = saved(Image.fromarray(np.full((120, 100), value, np.int32)), "TIFF")
    assert (decode(data) == grey).all()
    assert (load_photo(data) == grey).all()


def test_a_png_that_says_behind_its_pixels_that_it_lies_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 8
    data = saved(halves().transpose(Image.Transpose.ROTATE_270), exif=exif)
    start = data.index(b"eXIf") - 4
    size = 12 + int.from_bytes(data[start : start + 4], "big")
    end = data.index(b"IEND") - 4
    behind = data[:start] + data[start + size : end] + data[start : start + size] + data[end:]
    assert behind.index(b"IDAT") < behind.index(b"eXIf")
    assert_red_above_green(decode(behind))


def test_a_transparent_webp_is_laid_on_white():
    picture = halves("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 8, 8))
    assert tuple(decode(saved(picture, "WEBP", lossless=True))[2, 2]) == (255, 255, 255)


def test_sixteen_bits_are_scaled_to_eight():
    ramp = np.linspace(0, 65535, 176 * 126).reshape(176, 126).astype(np.uint16)
    image = decode(saved(Image.fromarray(ramp)))
    assert (image[0, 0, 0], image[-1, -1, 0]) == (0, 255)
    assert np.abs(image[..., 0].astype(int) - ramp / 257).max() <= 1


def test_a_dark_sixteen_bit_scan_stays_dark():
    assert decode(saved(Image.fromarray(np.full((176, 126), 200, np.uint16)))).max() == 1


def test_transparent_corners_become_white():
    picture = halves("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 8, 8))
    image = decode(saved(picture))
    assert tuple(image[2, 2]) == (255, 255, 255)
    assert_red_above_green(image)


def test_a_transparent_margin_is_cut_off():
    sheet = Image.new("RGBA", (300, 300))
    sheet.paste(halves("RGBA"), (90, 60))
    assert_red_above_green(decode(saved(sheet)))


def test_a_palette_with_a_transparent_colour_is_laid_on_white():
    picture = halves().quantize(8)
    data = saved(picture, transparency=picture.getpixel((0, 0)))
    assert decode(data).shape == (88, 126, 3)
