"""Files that a raw folder may hold by accident and that must not stop a run: for tests of decoding and quarantine."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 20_000
"""Pixels along each side of the huge picture; it unpacks to 1.2 GB and is about 50 kB on disk."""


def bad_files(folder: Path) -> dict[str, Path]:
    """Writes one file of each kind into `folder` and names them by kind.

    All but `unnamed` are named like cards of the set `bad1`. Kinds: truncated, text, tiny, huge, cmyk, deep (16 bits a
    channel), gif, webp and apng (animated), empty, unnamed (a good picture whose name fits no card id).
    """
    folder.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(0, 255, 200 * 144).reshape(200, 144).astype(np.uint8)
    card = Image.merge("RGB", [Image.fromarray(plane) for plane in (ramp, ramp[::-1], ramp[:, ::-1])])
    frames = [card, card.rotate(180)]
    jpeg = _encoded(card, "JPEG", quality=90)
    deep = Image.fromarray(ramp.astype(np.uint16) * 257)
    contents = {
        "truncated": ("jpg", jpeg[: len(jpeg) * 2 // 3]),
        "text": ("png", b"This is not a picture.\n"),
        "tiny": ("png", _encoded(card.resize((1, 1)), "PNG")),
        "huge": ("png", huge_png(SIDE)),
        "cmyk": ("jpg", _encoded(card.convert("CMYK"), "JPEG", quality=90)),
        "deep": ("png", _encoded(deep, "PNG")),
        "gif": ("gif", _animated(frames, "GIF")),
        "webp": ("webp", _animated(frames, "WEBP")),
        "apng": ("png", _animated(frames, "PNG")),
        "empty": ("png", b""),
    }
    written = {}
    for number, (kind, (suffix, data)) in enumerate(contents.items(), 1):
        written[kind] = folder / f"bad1-{number}_{kind.title()}.{suffix}"
        written[kind].write_bytes(data)
    written["unnamed"] = folder / "holiday picture.png"
    written["unnamed"].write_bytes(_encoded(card, "PNG"))
    return written


def huge_png(side: int) -> bytes:
    """A valid black 1-bit PNG of side×side pixels, packed row by row without ever holding the picture."""
    packer = zlib.compressobj(6)
    row = bytes(1 + (side + 7) // 8)
    rows = b"".join(packer.compress(row * 500) for _ in range(side // 500))
    rows += packer.compress(row * (side % 500)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _encoded(image: Image.Image, form: str, **settings: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **settings)
    return buffer.getvalue()


def _animated(frames: list[Image.Image], form: str) -> bytes:
    buffer = io.BytesIO()
    frames[0].save(buffer, form, save_all=True, append_images=frames[1:], duration=200)
    return buffer.getvalue()
