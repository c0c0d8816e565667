"""Small files that ask for minutes or gigabytes, as anybody who may send a photo can make them."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageFile
from PIL.TiffImagePlugin import IFDRational

from edge_runtime.photo import PhotoError, load_photo


def saved(kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 60)).save(file, kind, **options)
    return file.getvalue()


def jpeg_of(count: int, segment: bytes = b"\xff\xe1\x00\x12Exif\0\0" + bytes(10)) -> bytes:
    """With so many segments more; those of EXIF are put together anew at each."""
    data = saved("JPEG")
    return data[:2] + count * segment + data[2:]


def png_of(count: int) -> bytes:
    data = saved("PNG")
    head = data.index(b"IDAT") - 4
    return data[:head] + count * (bytes(4) + b"spAm" + struct.pack(">I", zlib.crc32(b"spAm"))) + data[head:]


def gif_of(count: int) -> bytes:
    data = saved("GIF")
    head = 13 + 3 * 2 ** ((data[10] & 7) + 1)  # the screen's descriptor and its colours
    return data[:head] + b"\x21\xfe" + count * b"\x01a" + b"\0" + data[head:]


def png_with_exif(rationals: int, behind: bool = False, in_text: bool = False) -> bytes:
    """A PNG that is to be turned, of whose EXIF one tag has so many values; ``in_text``: as ImageMagick writes it."""
    tags = ((0x0112, 3, 1, 6), (0x013E, 5, rationals, 38))
    listed = b"II*\0\x08\0\0\0\x02\0" + b"".join(struct.pack("<HHLL", *tag) for tag in tags) + bytes(4)
    exif = listed + rationals * struct.pack("<LL", 355, 113)
    text = b"Raw profile type exif\0\nexif\n%8d\n" % (6 + len(exif)) + (b"Exif\0\0" + exif).hex().encode()
    chunk = b"tEXt" + text if in_text else b"eXIf" + exif
    data = saved("PNG")
    at = data.index(b"IEND" if behind else b"IDAT") - 4
    return data[:at] + struct.pack(">L", len(chunk) - 4) + chunk + struct.pack(">L", zlib.crc32(chunk)) + data[at:]


def png_in_pieces() -> bytes:
    """A PNG of which each three bytes of its pixels are a chunk."""
    file = io.BytesIO()
    Image.effect_noise((100, 120), 90).save(file, "PNG")
    data = file.getvalue()
    at = data.index(b"IDAT") - 4
    end = at + 12 + int.from_bytes(data[at : at + 4])
    chunks = (b"IDAT" + data[place : min(place + 3, end - 4)] for place in range(at + 8, end - 4, 3))
    parts = (struct.pack(">L", len(chunk) - 4) + chunk + struct.pack(">L", zlib.crc32(chunk)) for chunk in chunks)
    return data[:at] + b"".join(parts) + data[end:]


def tiff_of(*more: tuple[int, int, int, int], order: str = "<", big: bool = False, beside: bytes = b"") -> bytes:
    """A TIFF of 16×16 grey pixels, bytes ``beside`` them (from 264 on), and with more tags: number, type, count, value."""
    place, few = ("Q", "Q") if big else ("L", "H")
    head = (b"II" if order == "<" else b"MM") + struct.pack(
        order + ("HHH" if big else "H"), *((43, 8, 0) if big else (42,))
    )
    first = len(head) + struct.calcsize(order + place)
    tags = [
        (256, 4, 1, 16),
        (257, 4, 1, 16),
        (258, 4, 1, 8),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (278, 4, 1, 16),
        (279, 4, 1, 256),
    ]
    tags = sorted([*tags, (273, 4, 1, first), *more])
    values = [struct.pack(order + ("H" if kind == 3 else "L"), value).ljust(struct.calcsize(order + place), b"\0")
              for _, kind, _, value in tags]  # fmt: skip
    listed = b"".join(
        struct.pack(order + "HH" + place, *tag[:3]) + value for tag, value in zip(tags, values, strict=True)
    )
    directory = struct.pack(order + few, len(tags)) + listed + bytes(8)
    return head + struct.pack(order + place, first + 256 + len(beside)) + bytes(256) + beside + directory


def palette_tiff() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 48), 90).convert("P").save(file, "TIFF")
    return file.getvalue()


EXIF_OF_A_TIFF = struct.pack("<HHHLLL", 1, 282, 5, 140_000, 8, 0)
TRAPS = {
    "segments of a JPEG": (jpeg_of(3000), "thousands of pieces"),  # each EXIF copies all before it: 16 MB took minutes
    "EXIF of a JPEG": (jpeg_of(20, b"\xff\xd9\xff\xe1\xff\xffExif\0\0" + bytes(0xFFFF - 8)), "megabytes of EXIF"),
    "EXIF of a PNG": (png_with_exif(140_000), "megabytes of EXIF"),
    "EXIF in a text of a PNG": (png_with_exif(70_000, in_text=True), "megabytes of EXIF"),
    "fill bytes of a JPEG": (jpeg_of(9000, b"\xff"), "thousands of pieces"),
    "chunks of a PNG": (png_of(5000), "thousands of pieces"),
    "comments of a GIF": (gif_of(5000), "thousands of pieces"),
    "strips of a TIFF": (tiff_of((273, 1, 1_000_000, 8)), "more tags, or values"),  # objects of 1 kB of each byte
    "tiles of a TIFF": (tiff_of((324, 3, 70_000, 8), order=">"), "more tags, or values"),
    "tags of a TIFF": (tiff_of(*((40_000 + n, 4, 1, 0) for n in range(5000))), "more tags, or values"),
    "values of a TIFF": (tiff_of(*((n, 5, 6_000, 8) for n in range(900, 930)), beside=bytes(48_000)), "values of them"),
    "colours of a TIFF": (tiff_of((320, 3, 600_000, 264), beside=bytes(1_200_000)), "values of them"),
    "EXIF of a TIFF": (tiff_of((34665, 4, 1, 264), beside=EXIF_OF_A_TIFF + bytes(140_000)), "values of them"),
    "a large tile": (tiff_of((322, 4, 1, 10_000), (323, 4, 1, 10_000)), "tiles larger than any photo"),
    "a large tile of a BigTIFF": (tiff_of((322, 4, 1, 10_000), (323, 3, 1, 10_000), big=True), "tiles larger"),
    "a tile's side twice": (tiff_of((322, 4, 1, 16), (322, 4, 1, 1 << 30), (323, 4, 1, 16)), "tiles larger"),
    "a tile's side of another kind": (tiff_of((322, 5, 1, 8), (323, 4, 1, 16)), "as no program writes it"),
    "two byte orders": (b"MM*\0" + tiff_of()[4:], "no two programs read alike"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_file_that_asks_for_far_more_than_its_picture_needs_is_refused_before_it_is_decoded(trap, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it is decoded"))
    data, why = TRAPS[trap]
    assert len(data) < 1_400_000
    with pytest.raises(PhotoError, match=why):
        load_photo(data)


@pytest.mark.parametrize(
    "whole",
    [
        jpeg_of(300),
        png_of(300),
        gif_of(300),
        *(tiff_of(order=order, big=big) for order, big in (("<", False), (">", False), ("<", True))),
        tiff_of((900, 5, 1 << 30, 8)),  # values that the file ends before
        tiff_of((34665, 4, 1, 1 << 30)),  # EXIF that would lie behind its end
        saved("TIFF", compression="tiff_lzw"),
        palette_tiff(),
    ],
)
def test_a_file_with_some_hundred_pieces_or_a_few_odd_ones_is_read(whole):
    assert load_photo(whole).shape[2] == 3


def test_of_the_pixels_there_may_be_as_many_pieces_as_a_large_photo_has():
    whole = png_in_pieces()
    assert whole.count(b"IDAT") > 3000
    assert load_photo(whole).shape == (120, 100, 3)


@pytest.mark.parametrize(
    "where", [{}, {"behind": True}, {"in_text": True}], ids=["before the pixels", "behind them", "in a text"]
)
def test_of_exif_no_more_is_read_than_how_a_picture_is_turned(where, monkeypatch):
    monkeypatch.setattr(IFDRational, "__init__", lambda *_: pytest.fail("its values are read"))
    assert load_photo(png_with_exif(1000, **where)).shape == (64, 48, 3)
    with pytest.raises(PhotoError, match="megabytes of EXIF"):
        load_photo(png_with_exif(200_000, **where))
