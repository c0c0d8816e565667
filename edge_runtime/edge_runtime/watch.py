"""The command ``edge-runtime watch``: one line for each thing that happens to a card in front of a camera."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edge_runtime.terminal import counted, nobody_reads, on_one_line

if TYPE_CHECKING:
    from edge_runtime.following.tracks import Event
    from edge_runtime.stream import Recognizes, Stream

LISTED = 3
"""Candidates that a line for a person lists."""
LONGEST = 1_000_000_000
"""Seconds, thirty years: ten times as many are more than Python waits, and the thread that was to wait for them ended."""
NOTHING = 0
"""OpenCV's ``LOG_LEVEL_SILENT``."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command, those that choose a release aside."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="picamera, 0, /dev/video0, rtsp://…, a video, a folder, @FILE that names one",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON for each event")
    parser.add_argument(
        "--every", type=at_least_one, default=1, metavar="N", help="look at one of N frames (default: each)"
    )
    parser.add_argument(
        "--leave", type=amount, default=2.0, metavar="S", help="seconds unseen until a card has left (default: 2)"
    )
    parser.add_argument(
        "--still",
        type=amount,
        default=6.0,
        metavar="LEVELS",
        help="of 256, by which a frame may differ from the last one read to be spared (default: 6; 0 reads all)",
    )


def run(recognizer: "Recognizes", options: argparse.Namespace) -> int:
    """Watch until the source ends or the process is asked to stop. The exit code: 0, or 1 with one sentence why not."""
    from edge_runtime.embedder import EmbedderError
    from edge_runtime.following.stillness import Stillness
    from edge_runtime.following.tracks import Tracker
    from edge_runtime.gallery import GalleryError
    from edge_runtime.sources import SourceError, open_source
    from edge_runtime.stream import Stream

    quiet_opencv()
    try:
        source = open_source(options.source, _say)
    except SourceError as error:
        _say(str(error))
        return 1
    started = time.monotonic()
    code = 0
    stream = Stream(source, recognizer, Tracker(leave=options.leave), Stillness(options.still), options.every)
    confirmed = 0
    with source, stoppable():
        try:
            for event in stream.events():
                confirmed += event.kind == "confirmed"
                line = json.dumps(event_json(event), ensure_ascii=False) if options.json else in_words(event)
                print(line, flush=True)
        except KeyboardInterrupt:
            pass
        except BrokenPipeError:
            nobody_reads()
        except (EmbedderError, GalleryError, SourceError) as error:
            _say(str(error))
            code = 1
    _say(summary(stream, confirmed, time.monotonic() - started))
    return code


def event_json(event: "Event") -> dict[str, Any]:
    """An event as a JSON value; ``time`` in seconds from the first frame, corners in its pixels."""
    return {"event": event.kind.value, "time": round(event.time, 3), **event.as_json()}


def in_words(event: "Event") -> str:
    """An event for a person: one line."""
    head = f"{event.time:>8.1f} s  card {event.stay:<4} {event.kind.value:<10}"
    if event.kind == "appeared" or not event.cards:
        return f"{head}{'unknown' if event.kind == 'changed' else ''}".rstrip()
    card = event.cards[0]
    named = "  ".join([f"{card.name:<26.26}", card.set_name or card.set_id, card.number])
    if event.state == "confirmed":
        return f"{head}{named}" if event.kind == "left" else f"{head}{named}  {100 * event.confidence:.1f} % sure"
    if event.other_printing:
        return f"{head}unknown card, another printing of {named}"
    others = ", ".join(card.card_id for card in event.cards[:LISTED])
    more = f" and {len(event.cards) - LISTED} more" if len(event.cards) > LISTED else ""
    return f"{head}{card.name:<26.26}  uncertain, one of {others}{more}"


def summary(stream: "Stream", confirmed: int, seconds: float) -> str:
    """What was done, and how fast."""
    parts = [f"watched {seconds:.1f} s: {stream.read} of {stream.frames} frames read"]
    if stream.read:
        parts.append(f"{stream.read / seconds:.1f} a second, {1000 * stream.busy / stream.read:.0f} ms each")
    if stream.spared:
        parts.append(f"{stream.spared} spared since nothing moved")
    if stream.source.damaged:
        parts.append(f"{stream.source.damaged} damaged")
    return f"{', '.join(parts)}; {counted(confirmed, 'card')} confirmed"


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def quiet_opencv() -> None:
    """OpenCV and FFmpeg print of their own accord at each attempt to open a camera; what matters is said here, once."""
    import cv2

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # OpenCV 5 has a module for it. OpenCV 4, which pip takes beside NumPy 1 on a device below Python 3.13, has it in itself.
    log: Any = getattr(cv2.utils, "logging", cv2)
    log.setLogLevel(NOTHING)


def _say(sentence: str) -> None:
    print(f"edge-runtime: {on_one_line(sentence)}", file=sys.stderr, flush=True)


def at_least_one(text: str) -> int:
    """For argparse: a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, is {text}")
    return int(text)


def amount(text: str) -> float:
    """For argparse: a number of 0 or more, of seconds no more than can be waited for."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST:
        raise argparse.ArgumentTypeError(f"must be 0 to {LONGEST:,}, is {text}")
    return value
