"""Cameras: the Pi's own through picamera2, USB ones and network streams through OpenCV. Each may be lost at any call."""

import importlib.util
import re

import cv2
import numpy as np

from edge_runtime.sources.base import SourceError
from edge_runtime.sources.live import CameraLost

SIZE = (1280, 720)
"""Pixels that a camera is asked for: a card that fills a third of the picture is then as large as the model sees it."""
TIMEOUT = 5.0
"""Seconds that a camera or a network may take for a frame, or to open."""
IN_A_ROW = 10
"""Empty frames in a row after which a camera that says it works is taken for lost."""
PASSWORD = re.compile(r"((?:pass|pwd)\w*=)[^&#]*", re.IGNORECASE)
"""How many cameras take it: ``?user=admin&pwd=…``, or ``/user=admin_password=…_channel=1``."""


def require_picamera2() -> None:
    """Raises a :class:`SourceError` that says how to install it where picamera2 is missing."""
    if importlib.util.find_spec("picamera2") is None:
        raise SourceError(
            "picamera2 is not installed: sudo apt install python3-picamera2, "
            "and make the environment with python3 -m venv --system-site-packages"
        )


class PiCamera:
    """A camera on the Pi's ribbon cable. Needs picamera2 0.3.20 or later; ``number`` is libcamera's."""

    def __init__(self, number: int = 0, size: tuple[int, int] = SIZE):
        from picamera2 import Picamera2

        if number >= len(Picamera2.global_camera_info()):
            raise CameraLost("no such camera is connected, see rpicam-hello --list-cameras")
        self._camera = Picamera2(number)
        try:
            # libcamera names formats from the last byte to the first: BGR888 is R, G, B in memory.
            main = {"format": "BGR888", "size": size}
            self._camera.configure(self._camera.create_video_configuration(main=main))
            self._camera.start()
        except BaseException:
            self._camera.close()
            raise

    def read(self) -> np.ndarray:
        """The next frame. Raises CameraLost if the sensor gives none in time."""
        try:
            frame: np.ndarray = self._camera.capture_array("main", wait=TIMEOUT)
        except TimeoutError as error:
            raise CameraLost("the sensor gives no frames, check its cable") from error
        return frame

    def close(self) -> None:
        """Give the camera back. A capture that timed out still waits in the queue, and close would wait behind it."""
        self._camera.cancel_all_and_flush()
        self._camera.close()


class OpenCvCamera:
    """A capture of OpenCV that gives frames one after the other."""

    def __init__(self, capture: cv2.VideoCapture):
        self._capture = capture

    def read(self) -> np.ndarray:
        """The next frame. Raises CameraLost after a failed read, or when nothing but empty frames comes."""
        for _ in range(IN_A_ROW):
            there, image = self._capture.read()
            if not there:
                raise CameraLost("it gives no more frames")
            if image is not None and image.size:
                # Frames that are no pictures are passed on as they are: the source counts and drops them.
                colour = image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
                return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if colour else image
        raise CameraLost("it gives nothing but empty frames")

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


class UsbCamera(OpenCvCamera):
    """A V4L2 device such as ``/dev/video0``."""

    def __init__(self, device: str):
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            raise CameraLost("it is not there, or another program uses it")
        # Compressed, or USB 2 has room for a few frames a second only; the newest alone is kept by the driver too.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, SIZE[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, SIZE[1])
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        super().__init__(capture)


def network_stream(url: str) -> OpenCvCamera:
    """The stream at an rtsp:// or http:// address. Raises CameraLost if it can't be opened in time."""
    limit = round(TIMEOUT * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        capture.release()
        raise CameraLost("nothing answers there, or it is no video")
    return OpenCvCamera(capture)


def without_password(url: str) -> str:
    """The address as it may be printed: without what stands before an @, and without the values of ``password=`` and the like.

    The last @ counts, wherever it stands: a password may hold a character that ends the host of an address.
    """
    scheme, colon, rest = url.partition("://")
    _, at, place = rest.rpartition("@")
    return scheme + colon + PASSWORD.sub(r"\1…", f"…@{place}" if at else rest)
