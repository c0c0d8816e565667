import io
import struct
import subprocess

import numpy as np
import pytest
from PIL import Image

from edge_runtime import photo_apart
from edge_runtime.photo import PhotoError, TooManyPixels, load_photo
from edge_runtime.photo_apart import load_sent


def saved(kind: str, side: int = 40) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((side, side + 20)).convert("RGB").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["AVIF", "TIFF"])
def test_what_is_decoded_apart_has_the_same_pixels(kind):
    assert np.array_equal(load_sent(saved(kind), 10_000), load_photo(saved(kind)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_cameras_and_browsers_send_needs_no_process(kind, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process is begun"))
    assert load_sent(saved(kind), 10_000).shape == (60, 40, 3)
    with pytest.raises(PhotoError, match="is no picture"):
        load_sent(b"a card, honestly", 10_000)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (saved("GIF"), TooManyPixels, "the upload has 40×60 pixels"),
        (
            b"II*\x00\x08\x00\x00\x00\xff\xff",
            PhotoError,
            r"^the upload is no picture: send JPEG, PNG or WebP$",
        ),  # and Pillow warns
    ],
)
def test_it_is_refused_as_here(body, kind, said):
    with pytest.raises(PhotoError, match=said) as refused:
        load_sent(body, 2_000 if kind is TooManyPixels else 10_000)
    assert type(refused.value) is kind


def test_what_asks_for_more_memory_than_there_is_ends_its_own_process_alone(monkeypatch):
    monkeypatch.setattr(photo_apart, "MEMORY", 250 << 20)
    body = bytearray(saved("BMP"))
    struct.pack_into("<LL", body, 18, 8000, 8000)  # its width and height
    with pytest.raises(PhotoError, match="more memory or time than any photo"):
        load_sent(bytes(body), 80_000_000)
