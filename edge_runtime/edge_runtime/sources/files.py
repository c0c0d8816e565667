"""Frames that lie on disk: all of them are given, in order, however long each takes to read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from edge_runtime.by_number import by_number
from edge_runtime.photo import PhotoError, load_photo
from edge_runtime.sources.base import Closing, Frame, SourceError

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"}
PACE = 0.1
"""Seconds between the pictures of a folder, which have no time of their own: as if taken ten a second."""
FEWEST_FPS = 0.01
COUNTED = {".avi", ".mp4", ".m4v", ".mov"}
"""Videos that say how many frames they hold. Of others OpenCV tells length times rate, which is no count where the rate changes."""
CUT_SHORT = 1.0
"""Seconds before its end from which such a video has ended too early: its sound may be a little longer than its frames."""


class VideoFile(Closing):
    """The frames of a video file, the first of which is read when it is opened. Raises :class:`SourceError` if there is none."""

    live = False

    def __init__(self, path: Path, say: Callable[[str], object]):
        self.name = str(path)
        self.damaged = 0
        self._say = say
        self._capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(f"{path} is no video, or is cut short: convert it to MP4 (H.264), or record it again")
        if not self._capture.grab():
            self._capture.release()
            raise SourceError(f"{path} holds no frame that can be read: convert it to MP4 (H.264), or record it again")
        self._pace = 1 / max(self._capture.get(cv2.CAP_PROP_FPS), FEWEST_FPS)
        self._count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._counted = path.suffix.lower() in COUNTED

    def __iter__(self) -> Iterator[Frame]:
        number, time = 0, 0.0
        for image in self._images():
            shown = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            time = shown if shown > time or number == 0 else time + self._pace
            yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), max(0.0, time), number)
            number += 1
        self.damaged = self._missing(number, time) if self._capture.isOpened() else 0
        if self.damaged:
            self._say(f"{self.name}: {self.damaged} of {self._count} frames are damaged or missing and were left out")

    def _images(self) -> Iterator[np.ndarray]:
        """The frames, uint8 BGR H×W×3: each fetched when it is asked for, the first already."""
        there = True
        while there:
            there, image = self._capture.retrieve()
            if there:
                yield image
                there = self._capture.grab()

    def _missing(self, number: int, time: float) -> int:
        """How many frames lack after so many, the last of them at ``time``."""
        if self._counted:
            return max(0, self._count - number)
        lacking = round(self._count - 1 - time / self._pace)
        return lacking if lacking * self._pace >= CUT_SHORT else 0

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()


class Folder(Closing):
    """The pictures of a folder, in the order of their names, numbers by their value. SourceError if there are none."""

    live = False

    def __init__(self, path: Path, say: Callable[[str], object]):
        self.name = str(path)
        self.damaged = 0
        self._say = say
        try:
            pictures = [each for each in path.iterdir() if each.suffix.lower() in PICTURES and each.name[0] != "."]
        except OSError as error:
            raise SourceError(f"{path} can't be read: {error.strerror}") from error
        if not pictures:
            raise SourceError(f"{path} holds no pictures: put JPEG, PNG or WebP files there")
        self._pictures = sorted(pictures, key=lambda each: by_number(each.name))

    def __iter__(self) -> Iterator[Frame]:
        given = 0  # a picture that can't be read is counted as damaged, and as nothing else
        for path in self._pictures:
            image = self._read(path)
            if image is not None:
                yield Frame(image, given * PACE, given)
                given += 1

    def _read(self, path: Path) -> np.ndarray | None:
        try:
            return load_photo(path)
        except PhotoError as error:
            self.damaged += 1
            self._say(f"left out: {error}")
            return None
