"""Files of pictures that anybody may have made: opened by Pillow, and refused where what they say of themselves is a trap.

Pillow takes what stands before the pixels apart in Python, piece by piece, before it tells how large a picture is. A megabyte
can be made of so many pieces that this takes minutes, or memory that a device doesn't have; and a tile of a TIFF may be larger
than the picture that it is a part of. No camera and no program makes such files.
"""

import io
import re
import struct

from PIL import Image, ImageFile, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
"""What Pillow may open. Not all that it can: PostScript, for one, would start another program."""
MOST_READS = 8192
"""Of what stands before the pixels: some hundred where a JPEG carries a profile and a map of depths, 60 kB at a time."""
MOST_SCANS = 100
"""Of a JPEG, as libtiff has it. Encoders make a dozen; each goes over all pixels once more, and takes forty bytes to ask for."""
MOST_STRIPS = 1 << 16
"""Of a TIFF, or tiles: as many as a picture has rows, at most."""
MOST_VALUES = 2 * MOST_STRIPS
"""Of all tags of a TIFF that are no bytes: of each strip its place and its length, of a palette 768 numbers, and a few."""
MOST_TAGS = 4096
"""Of a TIFF: programs write a few dozen."""
MOST_EXIF = 1 << 20
"""Bytes of EXIF, of which a JPEG's segment holds a sixteenth."""
EXIF = ("exif", "Raw profile type exif")
"""Where Pillow keeps it: the second as ImageMagick writes it into a PNG, in hex digits."""

MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
"""One after which a segment's length stands, or the end (ITU-T T.81, table B.1)."""
JPEG, SCAN, END = b"\xff\xd8", 0xDA, 0xD9
TIFFS = {b"II*\0": ("<L", "<H"), b"MM\0*": (">L", ">H"), b"II+\0": ("<Q", "<Q")}
"""How a TIFF begins, and how it writes places and the number of its tags. The third is a BigTIFF."""
ODD_TIFFS = (b"MM*\0", b"II\0*", b"MM\0+")
"""Beginnings that Pillow takes for TIFF as well, and reads otherwise than libtiff does."""
TILE_WIDTH, TILE_HEIGHT = 322, 323
"""Tags of a TIFF."""
PARTS, FURTHER = (273, 324), (34665, 34853, 40965)
"""The places of its strips, or of its tiles; and of what else has tags, as EXIF has them, which Pillow reads to the last value."""
NUMBERS = {3: "H", 4: "L", 13: "L", 16: "Q", 18: "Q"}
"""Types of a tag's value that a side or a place has."""
BYTES = (1, 2, 6, 7)
"""Types of a tag that Pillow keeps as they are; of others it makes an object of each value."""


class Trap(ValueError):
    """A file asks for far more time or memory than its picture needs; the message goes on after its name."""


def opened(data: bytes, most_pixels: int) -> ImageFile.ImageFile:
    """The picture in a file, none of its pixels decoded. Its size is the caller's to judge.

    Raises :class:`Trap`, and whatever Pillow raises for what is no picture, or damaged.
    """
    _check_tiff(data, most_pixels)
    file = _Counted(data)
    picture = Image.open(file, formats=FORMATS)
    file.left = None
    _check_scans(data)
    _check_exif_of(picture)
    return picture


def upright(picture: Image.Image) -> None:
    """Decode an opened picture, and turn it as its EXIF says, in place. Raises as :func:`opened` does.

    Pillow would write its EXIF anew without the turning, and take each value of it apart for that: of 16 MB a minute's work.
    """
    picture.load()
    _check_exif_of(picture)  # that of a PNG may stand behind the pixels
    picture.getexif()  # which it keeps
    for written in EXIF:
        picture.info.pop(written, None)
    ImageOps.exif_transpose(picture, in_place=True)  # a copy is 100 MB for a phone's photo of 25 megapixels


class _Counted(io.BytesIO):
    """A file of which ``left`` times more may be read; None: as often as one likes. Pillow reads each segment of a JPEG at once."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self.left: int | None = MOST_READS
        self._exif = 0

    def read(self, size: int | None = -1) -> bytes:
        """See :meth:`io.BytesIO.read`."""
        read = super().read(size)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Trap("has thousands of pieces before its pixels, as no camera makes it: save it anew")
            if read.startswith(b"Exif"):
                self._exif += len(read)
                _check_exif(self._exif)
        return read


def _check_scans(data: bytes) -> None:
    """Of a JPEG's first picture: a phone may append a video, in which anything may stand."""
    scans, at = 0, len(JPEG) if data.startswith(JPEG) else len(data)
    while (marker := MARKER.search(data, at)) and marker[1][0] != END:
        scans += marker[1][0] == SCAN
        if scans > MOST_SCANS:
            raise Trap(f"is made of more than {MOST_SCANS} scans, as no camera makes it: save it anew")
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])


def _check_exif_of(picture: Image.Image) -> None:
    _check_exif(max(len(picture.info.get(written, b"")) for written in EXIF))


def _check_exif(length: int) -> None:
    if length > MOST_EXIF:
        raise Trap("has megabytes of EXIF, as no camera makes it: save it anew")


def _check_tiff(data: bytes, most_pixels: int) -> None:
    """Of a TIFF's first picture: Pillow makes an object of each strip and of most values, and libtiff holds a whole tile."""
    if data.startswith(ODD_TIFFS):
        raise Trap("is a TIFF that no two programs read alike: save it anew")
    if data[:4] not in TIFFS:
        return
    place, few = TIFFS[data[:4]]
    tags = _tags(data, place, few, struct.unpack_from(place, data.ljust(16, b"\0"), struct.calcsize(place))[0])
    for tag, kind, count, value in tags:
        if tag in FURTHER:
            _tags(data, place, few, _number(place[0], kind, count, value))
    width, height = (
        max((_number(place[0], kind, count, value) for tag, kind, count, value in tags if tag == side), default=0)
        for side in (TILE_WIDTH, TILE_HEIGHT)
    )
    if width * height > most_pixels:
        raise Trap("is made of tiles larger than any photo: save it anew")


def _tags(data: bytes, place: str, few: str, at: int) -> list[tuple[int, int, int, bytes]]:
    """Number, type, count and value of the tags at a place, as far as they are there; what is cut off, Pillow tells of."""
    entry, first = struct.Struct(f"{place[0]}HH{place[1]}{struct.calcsize(place)}s"), at + struct.calcsize(few)
    if first > len(data):
        return []
    there = min(struct.unpack_from(few, data, at)[0], (len(data) - first) // entry.size, MOST_TAGS + 1)
    found = [entry.unpack_from(data, first + entry.size * row) for row in range(there)]
    values = sum(count for _, kind, count, _ in found if kind not in BYTES and count <= len(data))
    strips = max((count for tag, _, count, _ in found if tag in PARTS), default=0)
    if there > MOST_TAGS or strips > MOST_STRIPS or values > MOST_VALUES:
        raise Trap("has more tags, or values of them, than any program makes: save it anew")
    return found


def _number(order: str, kind: int, count: int, value: bytes) -> int:
    """The one number that a tag holds."""
    form = order + NUMBERS.get(kind, "Q")
    if kind not in NUMBERS or count != 1 or struct.calcsize(form) > len(value):
        raise Trap("has a tag that is written as no program writes it: save it anew")
    return int(struct.unpack_from(form, value)[0])
