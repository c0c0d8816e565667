"""Pictures inside Markdown: an asset's page shows them, and nothing else has to be reachable for it."""

import base64
import io
import re

COLOURS = 128
_PNG = re.compile(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=]+")


def as_markdown(picture: bytes, alt: str) -> str:
    """A PNG or JPEG as a Markdown image that carries its own data."""
    kind = "jpeg" if picture.startswith(b"\xff\xd8") else "png"
    return f"![{alt}](data:image/{kind};base64,{base64.b64encode(picture).decode()})"


def png(markdown: str) -> bytes:
    """The first PNG that a Markdown carries, such as a chart's. Raises ValueError where there is none."""
    found = _PNG.search(markdown)
    if found is None:
        raise ValueError("this markdown holds no picture")
    return base64.b64decode(found[0])


def in_few_colours(markdown: str) -> str:
    """The same Markdown, each PNG that it carries in 128 colours: a chart looks alike in less than half of the bytes.

    The colours cover all that there are: by the number of pixels thin lines would lose theirs.
    """

    def smaller(found: re.Match[str]) -> str:
        from PIL import Image

        buffer = io.BytesIO()
        picture = Image.open(io.BytesIO(base64.b64decode(found[0]))).convert("RGB")
        few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(buffer, "PNG", optimize=True)
        return base64.b64encode(buffer.getvalue()).decode()

    return _PNG.sub(smaller, markdown)
