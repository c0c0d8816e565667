import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFile

from edge_runtime.photo import MOST_BYTES, PhotoError, as_photo, load_photo

ORIENTATION = 0x0112


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def red_above_blue(width: int = 40, height: int = 60) -> Image.Image:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, :, 0] = 255
    pixels[height // 2 :, :, 2] = 255
    return Image.fromarray(pixels)


def test_a_photo_is_read_as_rgb():
    image = load_photo(encoded(red_above_blue()))
    assert image.shape == (60, 40, 3) and image.dtype == np.uint8 and image.flags.c_contiguous
    assert image[5, 5].tolist() == [255, 0, 0] and image[55, 5].tolist() == [0, 0, 255]


def test_a_photo_is_turned_as_its_exif_says():
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was turned: show it a quarter turn clockwise
    image = load_photo(encoded(red_above_blue(), "JPEG", exif=exif, quality=95))
    assert image.shape == (40, 60, 3)
    assert image[20, 50, 0] > 200 and image[20, 10, 2] > 200


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "LA", "RGBA", "1"])
def test_every_colour_mode_becomes_rgb(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert load_photo(encoded(red_above_blue().convert(mode), kind)).shape == (60, 40, 3)


def test_sixteen_bits_become_eight_over_the_whole_range():
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (32, 1))
    image = load_photo(encoded(Image.fromarray(ramp)))
    assert image[0, 0, 0] == 0 and image[0, -1, 0] == 255 and abs(int(image[0, 32, 0]) - 129) <= 1


def test_what_is_transparent_becomes_white():
    assert load_photo(encoded(Image.new("RGBA", (20, 20), (9, 9, 9, 0)))).min() == 255


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    image = load_photo(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert image[10, 10].tolist() == [255, 0, 0]


def test_a_truncated_jpeg_is_refused():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = encoded(noise, "JPEG")
    with pytest.raises(PhotoError, match="truncated or damaged"):
        load_photo(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("name", "mode", "most"),
    [
        ("photo.jpg", "RGB", 9),  # Pillow's own picture takes four bytes a pixel, the array three
        ("grey.png", "I;16", 15),  # the deep picture two more, and one of 8 bits; it took 26
    ],
)
def test_of_a_large_photo_no_copies_lie_in_memory(tmp_path, name, mode, most):
    Image.new(mode, (4000, 4000)).save(tmp_path / name)
    script = """
import re, sys
from pathlib import Path
from edge_runtime.photo import load_photo

def peak():  # of this program alone: ru_maxrss is that of who started it where that was more
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = peak()
image = load_photo(sys.argv[1])
print((peak() - before) / image[:, :, 0].size)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path / name], check=True, capture_output=True, text=True)
    assert float(done.stdout) < most  # bytes a pixel


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_what_an_iphone_saves_is_called_by_its_name_with_the_way_out(brand):
    with pytest.raises(PhotoError, match=r"the upload is HEIC.*: save it as JPEG"):
        load_photo(b"\0\0\0\x18ftyp" + brand + bytes(500))


def test_a_text_file_named_png_is_refused_by_name(tmp_path):
    (tmp_path / "card.png").write_text("a card, honestly")
    with pytest.raises(PhotoError, match=r"card\.png is no picture"):
        load_photo(tmp_path / "card.png")


def test_zero_bytes_are_refused(tmp_path):
    (tmp_path / "card.jpg").touch()
    with pytest.raises(PhotoError, match="is empty"):
        load_photo(tmp_path / "card.jpg")


def test_a_missing_photo_and_a_folder_are_refused(tmp_path):
    for path, cure in ((tmp_path / "nothing.jpg", "can't be opened"), (tmp_path, "name the photos in it")):
        with pytest.raises(PhotoError, match=cure):
            load_photo(path)


def test_one_pixel_is_refused():
    with pytest.raises(PhotoError, match="1×1 pixels"):
        load_photo(encoded(Image.new("RGB", (1, 1))))


def test_four_hundred_megapixels_are_refused_before_they_are_decoded():
    with pytest.raises(PhotoError, match="80 megapixels"):
        load_photo(encoded(Image.new("1", (20_000, 20_000))))


def progressive(scans):
    """A JPEG whose last scan, some forty bytes, comes so many times more."""
    file = io.BytesIO()
    Image.new("RGB", (640, 480), (90, 120, 60)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + data[-2:]


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it is decoded"))
    data = progressive(2000)
    assert len(data) < 100_000  # of 16 MB, and 25 megapixels, one would take hours
    with pytest.raises(PhotoError, match="more than 100 scans"):
        load_photo(data)


def test_scans_count_up_to_the_end_of_the_picture_and_none_of_its_thumbnail():
    photo = progressive(50)
    appended = b"\0\0" + b"\xff\xda\x00\x02" * 200  # a phone's video, say
    within_a_segment = photo[:2] + b"\xff\xec" + (2 + len(appended)).to_bytes(2) + appended + photo[2:]
    for data in (photo + appended, within_a_segment):
        assert load_photo(data).shape == (480, 640, 3)


def test_scans_are_counted_in_no_other_file_than_a_jpeg():
    """Each pixel is written as the beginning of a scan."""
    assert load_photo(encoded(Image.new("RGB", (320, 240), (0, 0xDA, 0xFF)), "BMP")).shape == (240, 320, 3)


def test_a_photo_just_above_the_limit_is_refused_with_its_size():
    with pytest.raises(PhotoError, match="9001×9000 pixels"):
        load_photo(encoded(Image.new("1", (9001, 9000))))


def test_a_file_too_large_for_a_photo_is_refused_unread(tmp_path):
    with (tmp_path / "film.jpg").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(PhotoError, match=r"film\.jpg is larger than 256 MiB"):
        load_photo(tmp_path / "film.jpg")


def test_numbers_without_a_range_are_refused():
    with pytest.raises(PhotoError, match="floating-point pixels"):
        load_photo(encoded(Image.new("F", (20, 20)), "TIFF"))


@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 1), (30, 20, 4)])
def test_a_frame_of_other_channels_becomes_rgb(shape):
    assert as_photo(np.zeros(shape, np.uint8)).shape == (30, 20, 3)


def test_a_frame_upside_down_in_memory_is_laid_out_anew():
    frame = np.arange(30 * 20 * 3, dtype=np.uint8).reshape(30, 20, 3)[::-1]
    photo = as_photo(frame)
    assert photo.flags.c_contiguous and np.array_equal(photo, frame)


@pytest.mark.parametrize(
    "frame", [np.zeros((30, 20, 3), np.float32), np.zeros((30, 20, 2), np.uint8), np.zeros(9, np.uint8), None, [[0]]]
)
def test_a_frame_that_is_no_picture_is_refused(frame):
    with pytest.raises(PhotoError, match="a frame must"):
        as_photo(frame)


def test_of_a_device_that_never_ends_no_more_is_read_than_of_a_photo(monkeypatch):
    monkeypatch.setattr("edge_runtime.photo.MOST_BYTES", 1 << 20)
    with pytest.raises(PhotoError, match="larger than 1 MiB"):
        load_photo("/dev/zero")
