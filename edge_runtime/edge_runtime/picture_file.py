"""Files of pictures that anybody may have made: opened by Pillow, and refused where what they say of themselves is a trap.

Pillow takes what stands before the pixels apart in Python, piece by piece, before it tells how large a picture is. A megabyte
can be made of so many pieces that this takes minutes, or memory that a device doesn't have; and a tile of a TIFF may be larger
than the picture that it is a part of. No camera and no program makes such files.
"""

import io
import re
import struct

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
"""What Pillow may open. Not all that it can: PostScript, for one, would start another program."""
MOST_READS = 8192
"""Of what stands before the pixels: some hundred where a JPEG carries a profile and a map of depths, 60 kB at a time."""
MOST_SCANS = 100
"""Of a JPEG, as libtiff has it. Encoders make a dozen; each goes over all pixels once more, and takes forty bytes to ask for."""
MOST_STRIPS = 1 << 16
"""Of a TIFF, or tiles: as many as a picture has rows, at most."""
MOST_TAGS = 4096
"""Of a TIFF: programs write a few dozen."""
MOST_EXIF = 1 << 20
"""Bytes of EXIF, of which a JPEG's segment holds a sixteenth."""

MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
"""One after which a segment's length stands, or the end (ITU-T T.81, table B.1)."""
JPEG, SCAN, END = b"\xff\xd8", 0xDA, 0xD9
TIFFS = {b"II*\0": ("<", "L", "H"), b"MM\0*": (">", "L", "H"), b"II+\0": ("<", "Q", "Q")}
"""How a TIFF begins, the order of its bytes, and how it writes places and the number of its tags. The third is a BigTIFF."""
ODD_TIFFS = (b"MM*\0", b"II\0*", b"MM\0+")
"""Beginnings that Pillow takes for TIFF as well, and reads otherwise than libtiff does."""
TILE_WIDTH, TILE_HEIGHT, PARTS, COLOURS = 322, 323, (273, 324), 320
"""Tags of a TIFF; the third are the places of its strips, or of its tiles, the last is a palette of up to 196,608 numbers."""
NUMBERS = {3: "H", 4: "L"}
"""Types of a tag's value that a side of a tile has."""
BYTES = (1, 2, 6, 7)
"""Types of a tag that Pillow keeps as they are; of others it makes an object of each value."""


class Trap(ValueError):
    """A file asks for far more time or memory than its picture needs; the message goes on after its name."""


def opened(data: bytes, most_pixels: int) -> Image.Image:
    """The picture in a file, none of its pixels decoded. Its size is the caller's to judge.

    Raises :class:`Trap`, and whatever Pillow raises for what is no picture, or damaged.
    """
    _check_tiff(data, most_pixels)
    file = _Counted(data)
    picture = Image.open(file, formats=FORMATS)
    file.left = None
    _check_scans(data)
    _check_exif(picture)
    return picture


def upright(picture: Image.Image) -> None:
    """Decode an opened picture, and turn it as its EXIF says, in place. Raises as :func:`opened` does.

    Pillow would write its EXIF anew without the turning, and take each value of it apart for that: of 16 MB a minute's work.
    """
    picture.load()
    _check_exif(picture)  # that of a PNG may stand behind the pixels
    picture.getexif()  # which it keeps
    for written in ("exif", "Raw profile type exif"):
        picture.info.pop(written, None)
    ImageOps.exif_transpose(picture, in_place=True)  # a copy is 100 MB for a phone's photo of 25 megapixels


class _Counted(io.BytesIO):
    """A file of which ``left`` times more may be read; None: as often as one likes."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self.left: int | None = MOST_READS

    def read(self, size: int | None = -1) -> bytes:
        """See :meth:`io.BytesIO.read`."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Trap("has thousands of pieces before its pixels, as no camera makes it: save it anew")
        return super().read(size)


def _check_scans(data: bytes) -> None:
    """Of a JPEG's first picture: a phone may append a video, in which anything may stand."""
    scans, at = 0, len(JPEG) if data.startswith(JPEG) else len(data)
    while (marker := MARKER.search(data, at)) and marker[1][0] != END:
        scans += marker[1][0] == SCAN
        if scans > MOST_SCANS:
            raise Trap(f"is made of more than {MOST_SCANS} scans, as no camera makes it: save it anew")
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])


def _check_exif(picture: Image.Image) -> None:
    if len(picture.info.get("exif", b"")) > MOST_EXIF:
        raise Trap("has megabytes of EXIF, as no camera makes it: save it anew")


def _check_tiff(data: bytes, most_pixels: int) -> None:
    """Of a TIFF's first picture: Pillow makes an object of each strip, and libtiff holds a whole tile."""
    if data.startswith(ODD_TIFFS):
        raise Trap("is a TIFF that no two programs read alike: save it anew")
    if data[:4] not in TIFFS:
        return
    order, place, few = TIFFS[data[:4]]
    entry = struct.Struct(f"{order}HH{place}{struct.calcsize(order + place)}s")
    try:
        (at,) = struct.unpack_from(order + place, data, struct.calcsize(order + place))
        (tags,) = struct.unpack_from(order + few, data, at)
        first = at + struct.calcsize(order + few)
        entries = [entry.unpack_from(data, first + entry.size * number) for number in range(min(tags, MOST_TAGS))]
    except struct.error as error:
        raise Trap("is truncated or damaged: take the photo again") from error
    many = [(tag, kind) for tag, kind, count, _ in entries if count > MOST_STRIPS]
    if tags > MOST_TAGS or any(tag in PARTS or (kind not in BYTES and tag != COLOURS) for tag, kind in many):
        raise Trap("has more tags, or values of one, than any program makes: save it anew")
    width, height = (
        max((_side(order, *rest) for tag, *rest in entries if tag == side), default=0)
        for side in (TILE_WIDTH, TILE_HEIGHT)
    )
    if width * height > most_pixels:
        raise Trap("is made of tiles larger than any photo: save it anew")


def _side(order: str, kind: int, count: int, value: bytes) -> float:
    """A side of a tile; without end where it is written as no program writes it."""
    if kind not in NUMBERS or count != 1:
        return float("inf")
    return float(struct.unpack_from(order + NUMBERS[kind], value)[0])
