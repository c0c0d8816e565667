"""Frames, from wherever they come: a Pi camera, a USB camera, a network stream, a video file, a folder of pictures.

>>> with open_source("/dev/video0") as source:                            # doctest: +SKIP
...     for frame in source:
...         print(frame.number, frame.image.shape)

A camera gives its newest frame, whatever the reader missed; a file or a folder gives every frame.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge_runtime.addresses import is_stream
from edge_runtime.sources.base import Frame, Source, SourceError
from edge_runtime.sources.cameras import PiCamera, UsbCamera, network_stream, require_picamera2, without_password
from edge_runtime.sources.files import PICTURES, Folder, VideoFile
from edge_runtime.sources.live import LiveSource

__all__ = ["Frame", "Source", "SourceError", "open_source"]

MOST_LETTERS = 4096
KINDS = "picamera, 0 or /dev/video0, rtsp://…, a video file, or a folder of pictures"


def open_source(name: str, say: Callable[[str], object] = print) -> Source:
    """The source that a name means: ``picamera`` (``picamera:1``), ``0``, ``/dev/video0``, ``rtsp://…``, a file, a folder.

    ``@FILE`` means what the one line of a file means: every user of a machine sees the arguments of its programs, and the
    address of a network camera may hold its password.

    ``say`` is told, in a sentence, when a camera is lost and when it is back, and of damaged frames. A camera that is not
    there is waited for; a file that is not there, or that holds no frames, is a :class:`SourceError`.
    """
    if name.startswith("@"):
        name = _written_in(Path(name[1:]))
    if pi := re.fullmatch(r"picamera(?::(\d+))?", name):
        require_picamera2()
        return LiveSource(name, partial(PiCamera, int(pi[1] or 0)), say)
    if is_stream(name):
        return LiveSource(without_password(name), partial(network_stream, name), say)
    if name.isdecimal() or name.startswith("/dev/"):
        device = f"/dev/video{name}" if name.isdecimal() else name
        return LiveSource(device, partial(UsbCamera, device), say)
    path = Path(name)
    try:
        if path.is_dir():
            return Folder(path, say)
        there = path.is_file()
    except OSError as error:  # a folder above it that is another user's, or a name that no file can have
        raise SourceError(f"{without_password(name)} can't be opened ({error.strerror}): name {KINDS}") from error
    if not there:
        raise SourceError(f"{without_password(name)} is not there: name {KINDS}")
    if path.suffix.lower() in PICTURES:
        raise SourceError(f"{name} is a single picture: edge-runtime recognize names the cards on it")
    return VideoFile(path, say)


def _written_in(file: Path) -> str:
    """The one line of a file. Raises :class:`SourceError`."""
    try:
        with file.open(encoding="utf-8") as opened:
            lines = opened.read(MOST_LETTERS).split("\n")
    except (OSError, ValueError) as error:  # ValueError: no text, or a name that no file can have
        why = error.strerror if isinstance(error, OSError) else "it holds no text"
        raise SourceError(f"{file} can't be read ({why}): write the camera there, on one line") from error
    found = [line.strip() for line in lines if line.strip()]
    if len(found) != 1 or found[0].startswith("@"):
        raise SourceError(f"{file} must name one camera, on one line: {KINDS}")
    return found[0]
