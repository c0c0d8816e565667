"""Files of a small picture that is red above green, shared by tests of decoding."""

import io

from PIL import Image

SIZE = (126, 176)
RED, GREEN = (200, 40, 30), (30, 160, 60)


def saved(picture: Image.Image, form: str = "PNG", **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **settings)
    return buffer.getvalue()


def halves(mode: str = "RGB") -> Image.Image:
    """Red above green."""
    picture = Image.new("RGB", SIZE, RED)
    picture.paste(GREEN, (0, SIZE[1] // 2, *SIZE))
    return picture.convert(mode)
