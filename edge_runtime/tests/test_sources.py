"""Files and folders as sources of frames, and what a source is called."""

import re

import cv2
import numpy as np
import pytest
from PIL import Image

from edge_runtime.sources import SourceError, open_source
from edge_runtime.sources.cameras import without_password
from edge_runtime.sources.live import LiveSource


@pytest.fixture
def said():
    return []


@pytest.fixture
def video(tmp_path, table, scans, photo_of):
    """Writes a video of a card that moves to the right, ten frames a second."""

    def write(name="cards.avi", codec="MJPG", frames=12):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, table.shape[1::-1])
        for number in range(frames):
            left = 60 + 20 * number
            corners = [(left, 100), (left + 150, 100), (left + 150, 310), (left, 310)]
            writer.write(cv2.cvtColor(photo_of(scans["demo-1"], corners), cv2.COLOR_RGB2BGR))
        writer.release()
        return path

    return write


@pytest.mark.parametrize(("name", "codec"), [("cards.avi", "MJPG"), ("cards.mp4", "mp4v")])
def test_a_video_gives_every_frame_with_its_time(video, said, name, codec):
    with open_source(str(video(name, codec)), said.append) as source:
        frames = list(source)
    assert [frame.number for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx([number / 10 for number in range(12)])
    assert not source.live
    assert (source.damaged, said) == (0, [])


def test_frames_are_rgb(video, said, table):
    with open_source(str(video()), said.append) as source:
        image = next(iter(source)).image
    assert (image.dtype, image.shape) == (np.uint8, table.shape)
    np.testing.assert_allclose(image[:80].mean(axis=(0, 1)), table[:80].mean(axis=(0, 1)), atol=4)


@pytest.mark.parametrize(
    ("name", "codec", "share", "given"),
    [
        ("cards.avi", "MJPG", 0.6, range(11, 25)),
        ("cards.avi", "MJPG", 0.9, range(25, 30)),
        ("cards.mkv", "mp4v", 0.6, range(11, 25)),
    ],
)
def test_a_video_that_was_cut_short_gives_what_is_left_of_it_and_says_what_is_missing(
    video, said, name, codec, share, given
):
    path = video(name, codec, frames=30)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with open_source(str(path), said.append) as source:
        left = len(list(source))
    assert left in given
    assert source.damaged == 30 - left
    assert said == [f"{path}: {30 - left} of 30 frames are damaged or missing and were left out"]


def test_a_whole_video_whose_rate_changes_is_not_called_damaged(video, said, tmp_path):
    """As browsers and screen recorders write it: OpenCV takes the highest rate, for all of its length."""
    steady = cv2.VideoCapture(str(video("steady.mkv", "mp4v", frames=12)), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
    unsteady = [cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1]
    path, code = str(tmp_path / "unsteady.mkv"), cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, code, 30, (640, 480), unsteady)
    for at in (0, 1, 2, 3, 4, 5, 15, 25, 35, 45, 55, 65):
        writer.set(cv2.VIDEOWRITER_PROP_PTS, at)
        writer.write(steady.read()[1])
    writer.release()
    with open_source(path, said.append) as source:
        times = [frame.time for frame in source]
    assert times[-1] == pytest.approx(65 / 30, abs=0.01)
    assert (len(times), source.damaged, said) == (12, 0, [])


def test_a_video_that_is_closed_half_way_is_not_called_damaged(video, said):
    with open_source(str(video()), said.append) as source:
        for frame in source:
            if frame.number == 3:
                source.close()
    assert (source.damaged, said) == (0, [])


def test_a_folder_gives_its_pictures_in_the_order_of_their_numbers(tmp_path, said):
    for number in (10, 9, 1):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / f"frame{number}.png")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    with open_source(str(tmp_path), said.append) as source:
        frames = list(source)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 9, 10]
    assert [frame.time for frame in frames] == pytest.approx([0.0, 0.1, 0.2])
    assert said == []


def test_damaged_pictures_are_left_out_counted_and_named(tmp_path, said):
    Image.new("RGB", (32, 32)).save(tmp_path / "b.png")
    (tmp_path / "a.png").write_text("I am a text file.")
    (tmp_path / "c.jpg").write_bytes(b"")
    with open_source(str(tmp_path), said.append) as source:
        assert [frame.number for frame in source] == [0], "a gap would be frames that nobody looked at"
    assert source.damaged == 2
    assert ["a.png is no picture" in said[0], "c.jpg is empty" in said[1], len(said)] == [True, True, 2]


def test_a_video_of_which_no_frame_can_be_read_is_no_source(video, said):
    path = video("cards.mp4", "mp4v")
    whole = path.read_bytes()
    frames, index = whole.index(b"mdat"), whole.index(b"moov")
    path.write_bytes(whole[: frames + 4] + bytes(index - frames - 8) + whole[index - 4 :])
    with pytest.raises(SourceError, match="holds no frame that can be read"):
        open_source(str(path), said.append)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gone.mp4", "is not there: name picamera, 0 or /dev/video0"),
        ("empty", "holds no pictures"),
        ("text.mp4", "is no video, or is cut short"),
        ("photo.JPG", "is a single picture: edge-runtime recognize"),
        ("ftp://cameras/1", "is not there: name"),
        (300 * "x", r"can't be opened \(File name too long\): name picamera"),
        ("picamera:one", "is not there: name"),
    ],
)
def test_what_is_no_source_is_one_sentence(tmp_path, said, name, why):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("I am a text file.")
    (tmp_path / "photo.JPG").write_bytes(b"")
    with pytest.raises(SourceError, match=why) as error:
        open_source(name if "://" in name or ":" in name else str(tmp_path / name), said.append)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("0", "/dev/video0"),
        ("/dev/video2", "/dev/video2"),
        ("/dev/v4l/by-id/usb-Cam_1", "/dev/v4l/by-id/usb-Cam_1"),
        ("rtsp://door.local/stream", "rtsp://door.local/stream"),
        ("http://door.local/mjpeg", "http://door.local/mjpeg"),
    ],
)
def test_cameras_and_streams_are_live_and_not_opened_before_they_are_read(said, name, called):
    source = open_source(name, said.append)
    assert isinstance(source, LiveSource)
    assert (source.name, source.live, said) == (called, True, [])
    source.close()


@pytest.mark.parametrize(
    ("address", "said_as"),
    [
        ("rtsp://admin:s3cret@door.local:554/stream?channel=1", "rtsp://…@door.local:554/stream?channel=1"),
        ("rtsp://admin:s3/c#r?e@t@door.local/stream", "rtsp://…@door.local/stream"),
        ("rtsp://admin:s3[cret@door.local/stream", "rtsp://…@door.local/stream"),
        (
            "http://door.local/video.cgi?user=admin&pwd=s3cret&rate=0",
            "http://door.local/video.cgi?user=admin&pwd=…&rate=0",
        ),
        ("rtsp://door.local/user=admin_password=s3cret_channel=1", "rtsp://door.local/user=admin_password=…"),
        ("rtsp://[::1]:554/stream", "rtsp://[::1]:554/stream"),
    ],
)
def test_the_password_of_a_stream_is_never_said(said, address, said_as):
    assert without_password(address) == said_as
    assert open_source(address, said.append).name == said_as


def test_the_password_of_a_stream_of_no_known_kind_is_not_said_either(said):
    with pytest.raises(SourceError, match=r"^rtmp://…@door\.local/stream is not there"):
        open_source("rtmp://admin:s3cret@door.local/stream", said.append)


def test_a_camera_may_be_named_in_a_file_so_that_no_list_of_programs_shows_its_password(tmp_path, said):
    (tmp_path / "camera").write_text("\nrtsp://anna:secret@192.0.2.7/live\n")
    with open_source(f"@{tmp_path / 'camera'}", said.append) as source:
        assert (source.name, source.live) == ("rtsp://…@192.0.2.7/live", True)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "can't be read (No such file or directory)"),
        (b"", "must name one camera"),
        (b"0\npicamera\n", "must name one camera"),
        (b"@camera", "must name one camera"),
        (b"\xff\xfe", "it holds no text"),
    ],
)
def test_a_file_that_names_no_camera_is_one_sentence(tmp_path, said, content, why):
    if content is not None:
        (tmp_path / "camera").write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(why)):
        open_source(f"@{tmp_path / 'camera'}", said.append)


def test_a_file_that_is_named_like_a_camera_is_opened_by_its_path(tmp_path, monkeypatch, video, said):
    video("0.avi").rename(tmp_path / "0")
    monkeypatch.chdir(tmp_path)
    with open_source("./0", said.append) as source:
        assert len(list(source)) == 12
