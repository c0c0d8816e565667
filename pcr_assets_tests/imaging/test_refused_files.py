"""Refusing: every kind of file that can't serve as a scan, made for real."""

import cv2
import numpy as np
import pytest
from PIL import Image

from pcr_assets.imaging.decode import NoMemory, Rejected, decode
from pcr_assets.imaging.sample import bad_files
from pcr_assets_tests.imaging.drawn_files import SIZE, halves, saved


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    return bad_files(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("truncated", "truncated or damaged"),
        ("text", "no picture, whatever its name says"),
        ("tiny", "1×1 pixels are too few"),
        ("huge", "more pixels than any card scan"),
        ("gif", "animated"),
        ("webp", "animated"),
        ("apng", "animated"),
        ("empty", "zero bytes"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(bad, kind, reason):
    with pytest.raises(Rejected, match=reason):
        decode(bad[kind].read_bytes())


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_no_truncated_file_is_taken_for_whole(form, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (176, 126, 3), dtype=np.uint8))
    data = saved(noise, form)
    with pytest.raises(Rejected):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("mode", ["RGB", "P"])  # decoded by OpenCV, and by Pillow
def test_a_whole_picture_over_which_the_memory_runs_out_is_not_called_damaged(mode, monkeypatch):
    def run_out(*_):
        if mode == "P":
            raise MemoryError
        cv2.resize(np.zeros((4, 4), np.uint8), (1 << 30, 1 << 30))

    monkeypatch.setattr(cv2, "imdecode", run_out)
    monkeypatch.setattr("pcr_assets.imaging.decode.upright", run_out)
    with pytest.raises(NoMemory, match="the memory ran out"):
        decode(saved(halves().convert(mode)))


def test_a_file_whose_header_alone_would_take_minutes_is_refused():
    data = saved(halves(), "JPEG")
    with pytest.raises(Rejected, match="the file has thousands of pieces before its pixels"):
        decode(data[:2] + 3000 * b"\xff\xe1\x00\x12Exif\0\0          " + data[2:])


def test_a_picture_between_the_limits_of_pillow_and_ours_is_refused_from_its_header():
    data = saved(Image.new("1", (9000, 8000)))
    with pytest.raises(Rejected, match="9000×8000 pixels"):
        decode(data)


def test_several_pages_are_refused():
    pages = saved(halves(), "TIFF", save_all=True, append_images=[halves()])
    with pytest.raises(Rejected, match="several pages"):
        decode(pages)


def test_postscript_is_never_handed_to_an_interpreter():
    with pytest.raises(Rejected, match="no picture"):
        decode(saved(halves(), "EPS"))


def noise(form: str, **settings: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (176, 126, 3), dtype=np.uint8)
    return saved(Image.fromarray(pixels), form, **settings)


def with_a_description() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "card" * 250
    return noise("WEBP", quality=80, exif=exif)


def spoiled(data: bytes, at: float, more: bytes, replaced: int = 0) -> bytes:
    """A file with other bytes at that share of its length."""
    place = int(len(data) * at)
    return data[:place] + more + data[place + replaced :]


@pytest.mark.parametrize(
    "damaged",
    [
        spoiled(noise("JPEG"), 0.5, b"\xff\x02"),
        spoiled(noise("JPEG"), 0.5, b"\xff\xda", 2),
        spoiled(noise("WEBP", lossless=True), 0.5, b"\xff" * 99),
        spoiled(with_a_description(), 0.91, b"\xff" * 200, 200),
    ],
    ids=["a foreign marker in a JPEG", "a second scan in a JPEG", "a longer WebP", "a WebP with more data behind it"],
)
def test_damage_is_refused_though_opencv_would_take_it(damaged):
    assert cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR) is not None
    with pytest.raises(Rejected, match="truncated or damaged"):
        decode(damaged)


def test_a_fully_transparent_picture_is_refused():
    with pytest.raises(Rejected, match="fully transparent"):
        decode(saved(Image.new("RGBA", SIZE)))
