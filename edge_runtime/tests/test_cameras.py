"""Drivers of cameras, on doubles that refuse what the real libraries refuse."""

import sys
import time
import types

import cv2
import numpy as np
import pytest

from edge_runtime.sources import SourceError, cameras, open_source
from edge_runtime.sources.cameras import IN_A_ROW, OpenCvCamera, PiCamera, UsbCamera, network_stream
from edge_runtime.sources.live import CameraLost

RED = (200, 30, 10)


class Picamera2:
    """The part of picamera2 that is used, with its signatures and refusals (0.3.36, picamera2.py and request.py)."""

    plugged_in = 1
    stalls = False
    in_use = frozenset()
    formats = ("BGR888", "RGB888", "XBGR8888", "XRGB8888")

    @staticmethod
    def global_camera_info():
        return [{"Num": number, "Model": "imx708"} for number in range(Picamera2.plugged_in)]

    def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None):
        self.camera_num = self.global_camera_info()[camera_num]["Num"]
        if self.camera_num in Picamera2.in_use:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        Picamera2.in_use.add(self.camera_num)
        self.config, self.started, self.is_open, self.jobs = None, False, True, []

    def create_video_configuration(self, main=None, lores=None, raw=None, buffer_count=6, controls=None):
        for key in main or {}:
            if key not in ("format", "size", "stride", "preserve_ar"):
                raise ValueError(f"Bad key {key!r}")
        return {"main": {"format": "XBGR8888", "size": (1280, 720), **(main or {})}, "buffer_count": buffer_count}

    def configure(self, camera_config=None):
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        main = camera_config["main"]
        if main["format"] not in self.formats:
            raise RuntimeError(f"Bad format {main['format']} in stream main")
        if type(main["size"]) is not tuple or any(side % 2 for side in main["size"]):
            raise RuntimeError("size in main stream should be (width, height)")
        self.config = camera_config

    def start(self, config=None, show_preview=False):
        if self.config is None:
            raise RuntimeError("Camera has not been configured")
        self.started = True

    def capture_array(self, name="main", wait=None, signal_function=None):
        if name not in self.config:
            raise RuntimeError(f"Stream {name!r} is not defined")
        if not self.started or Picamera2.stalls:
            self.jobs.append(name)
            if not isinstance(wait, float):
                raise AssertionError("this would wait for ever")
            raise TimeoutError
        width, height = self.config["main"]["size"]
        colour = RED if self.config["main"]["format"] == "BGR888" else RED[::-1]
        return np.full((height, width, 3), colour, np.uint8)

    def cancel_all_and_flush(self):
        self.jobs = []

    def close(self):
        if self.is_open and self.jobs:
            raise AssertionError("stop waits behind the capture that timed out, for ever")
        self.is_open = self.started = False
        Picamera2.in_use.discard(self.camera_num)


@pytest.fixture
def picamera2(monkeypatch):
    """A Pi with one camera and picamera2 installed."""
    module = types.ModuleType("picamera2")
    module.__spec__ = types.SimpleNamespace()
    module.Picamera2 = Picamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    monkeypatch.setattr(Picamera2, "in_use", set())
    return Picamera2


def test_the_pi_camera_gives_rgb_frames_of_the_size_asked_for(picamera2):
    camera = PiCamera(size=(640, 480))
    frame = camera.read()
    assert frame.shape == (480, 640, 3)
    assert tuple(frame[0, 0]) == RED
    camera.close()
    assert picamera2.in_use == set()


def test_a_sensor_that_stalls_is_a_camera_lost_that_can_be_closed_and_opened_again(picamera2, monkeypatch):
    camera = PiCamera()
    monkeypatch.setattr(picamera2, "stalls", True)
    with pytest.raises(CameraLost, match="no frames, check its cable"):
        camera.read()
    camera.close()
    monkeypatch.setattr(picamera2, "stalls", False)
    assert PiCamera().read().shape == (720, 1280, 3)


def test_a_pi_without_that_camera_waits_for_it(picamera2):
    with pytest.raises(CameraLost, match="no such camera is connected"):
        PiCamera(1)


def test_a_pi_camera_that_refuses_its_settings_is_given_back(picamera2, monkeypatch):
    monkeypatch.setattr(picamera2, "formats", ("RGB888",))
    with pytest.raises(RuntimeError, match="Bad format BGR888"):
        PiCamera()
    assert picamera2.in_use == set()


@pytest.fixture
def impatient(monkeypatch):
    """A lost camera is opened again at once."""
    monkeypatch.setattr("edge_runtime.sources.live.Patience.pause", lambda self, failures: 0.01)


def test_a_pi_camera_in_use_is_waited_for_and_then_read(picamera2, impatient):
    said, other = [], PiCamera()

    def say(sentence):
        said.append(sentence)
        other.close()

    with open_source("picamera", say) as source:
        assert tuple(next(iter(source)).image[0, 0]) == RED
    assert said[0] == "picamera: Camera __init__ sequence did not complete; waiting for it"
    assert picamera2.in_use == set()


def test_a_machine_without_picamera2_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.setattr(cameras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match="sudo apt install python3-picamera2"):
        open_source("picamera", print)


class VideoCapture:
    """OpenCV's capture: what can't be opened or read is False, never an exception."""

    present = True
    last = None

    def __init__(self, name, backend, params=()):
        assert isinstance(name, str)
        assert backend in (cv2.CAP_V4L2, cv2.CAP_FFMPEG)
        assert len(params) % 2 == 0
        self.name, self.params, self.set_to, self.released = (
            name,
            dict(zip(params[::2], params[1::2], strict=True)),
            {},
            0,
        )
        self.frames = [(True, np.full((24, 32, 3), RED[::-1], np.uint8))]
        VideoCapture.last = self

    def isOpened(self):
        return self.present and not self.released

    def set(self, prop, value):
        self.set_to[prop] = value
        return False  # as for a setting that the camera lacks

    def read(self):
        return self.frames.pop(0) if self.isOpened() and self.frames else (False, None)

    def release(self):
        self.released += 1


@pytest.fixture
def capture(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", VideoCapture)
    return VideoCapture


def test_a_usb_camera_gives_rgb_frames_and_asks_for_compressed_ones(capture):
    camera = UsbCamera("/dev/video0")
    assert tuple(camera.read()[0, 0]) == RED
    assert capture.last.set_to[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert capture.last.set_to[cv2.CAP_PROP_BUFFERSIZE] == 1
    with pytest.raises(CameraLost, match="no more frames"):
        camera.read()
    camera.close()
    assert capture.last.released == 1


def test_a_stream_has_a_limit_for_opening_and_for_reading(capture):
    network_stream("rtsp://door.local/stream")
    assert capture.last.params == {cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC: 5000}


@pytest.mark.parametrize("opening", [lambda: UsbCamera("/dev/video9"), lambda: network_stream("rtsp://door.local")])
def test_what_can_not_be_opened_is_let_go_of(capture, monkeypatch, opening):
    monkeypatch.setattr(capture, "present", False)
    with pytest.raises(CameraLost):
        opening()
    assert capture.last.released == 1


def test_a_camera_that_gives_nothing_but_empty_frames_is_lost(capture):
    camera = OpenCvCamera(VideoCapture("/dev/video0", cv2.CAP_V4L2))
    capture.last.frames = [(True, np.zeros((0, 0, 3), np.uint8)), (True, None), *capture.last.frames]
    assert tuple(camera.read()[0, 0]) == RED
    capture.last.frames = [(True, None)] * IN_A_ROW
    with pytest.raises(CameraLost, match="nothing but empty frames"):
        camera.read()


def test_a_usb_camera_that_is_busy_then_unplugged_then_broken_is_waited_for_each_time(capture, impatient, monkeypatch):
    """Each time it is opened something else happens, the last time nothing."""
    good = (True, np.full((24, 32, 3), RED[::-1], np.uint8))
    tries = iter([None, [good, (False, None)], [good, cv2.error("ioctl\n failed.\n")], [good] * 10**6])

    class Unsteady(VideoCapture):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.frames = next(tries)
            self.present = self.frames is not None

        def read(self):
            if self.frames and isinstance(self.frames[0], Exception):
                raise self.frames.pop(0)
            time.sleep(0.01)
            return super().read()

    monkeypatch.setattr(cv2, "VideoCapture", Unsteady)
    said = []
    with open_source("0", said.append) as source:
        for frame in source:
            if frame.number >= 3:
                break
    lost = [sentence.partition("; waiting")[0] for sentence in said[::2]]
    assert lost == [
        "/dev/video0: it is not there, or another program uses it",
        "/dev/video0: it gives no more frames",
        "/dev/video0: ioctl failed",
    ]
    assert said[1::2] == ["/dev/video0: it is back"] * 3


def test_a_grey_frame_is_passed_on(capture):
    camera = OpenCvCamera(VideoCapture("/dev/video0", cv2.CAP_V4L2))
    capture.last.frames = [(True, np.full((24, 32), 9, np.uint8))]
    assert camera.read().shape == (24, 32)
