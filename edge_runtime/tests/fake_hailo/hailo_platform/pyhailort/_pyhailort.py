"""The double's chip, driver and queue: what the native module is in the real package. Errors are bare status numbers here."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hailo_platform.pyhailort.contract import CONTRACT

MAGIC = b"PCR-SIMULATED-HEF\n"  # the one that pcr_assets.hailo.hef lets into no release


class HailoRTStatusException(Exception):
    """As the native module raises it: the status number as text."""


def fail(name: str) -> None:
    """Raise the status of this name."""
    raise HailoRTStatusException(next(number for number, known in CONTRACT["statuses"].items() if known == name))


@dataclass
class Board:
    """The machine that the double pretends to be in. Tests set what is wrong with it, and read what was done."""

    arch: str = "HAILO8L"
    present: bool = True
    driver: str = CONTRACT["version"]
    firmware: str = CONTRACT["version"]
    held_by_another: bool = False
    temperature: float = 50.0
    queue: int = 8
    seconds_per_frame: float = 0.001
    lost_after: int | None = None
    """Frames after which the chip drops off the bus."""
    silent: bool = False
    """Takes frames and finishes none."""

    groups: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    configured: int = 0
    frames: int = 0
    most_in_flight: int = 0
    early_releases: int = 0

    def check(self) -> None:
        """Whether the driver can be spoken to."""
        if self.lost_after is not None and self.frames >= self.lost_after:
            fail("HAILO_DRIVER_OPERATION_FAILED")
        if self.driver != CONTRACT["version"]:
            fail("HAILO_INVALID_DRIVER_VERSION")

    def take(self, group: str) -> None:
        """Hold the chip for a group of this process; a virtual device of the same name shares it."""
        if not self.present:
            fail("HAILO_OUT_OF_PHYSICAL_DEVICES")
        self.check()
        shared = group in self.groups and group != CONTRACT["unique_group"]
        if self.held_by_another or (self.groups and not shared):
            fail("HAILO_OUT_OF_PHYSICAL_DEVICES")
        self.groups[group] = self.groups.get(group, 0) + 1
        self.opened += 1

    def leave(self, group: str) -> None:
        """Let go of it again."""
        self.groups[group] -= 1
        if not self.groups[group]:
            del self.groups[group]


board = Board()


class Hef:
    """A model and what it was "compiled" for: the magic, one line of JSON, the bytes of an ONNX model of one card."""

    def __init__(self, source: str | bytes):
        import onnxruntime

        if isinstance(source, str):
            if not Path(source).is_file():
                fail("HAILO_OPEN_FILE_FAILURE")
            source = Path(source).read_bytes()
        if not source.startswith(MAGIC):
            fail("HAILO_INVALID_HEF")
        header, model = source.removeprefix(MAGIC).split(b"\n", 1)
        self.arch = json.loads(header)["arch"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.shapes = [list(end[0].shape[1:]) for end in (self._session.get_inputs(), self._session.get_outputs())]
        self._name = self._session.get_inputs()[0].name

    def compute(self, card: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._name: card.reshape(1, *self.shapes[0])})[0][0]


@dataclass
class Frame:
    """One card on its way. The buffers are the caller's: read when the chip comes to them, written when it is done."""

    card: np.ndarray
    vector: np.ndarray
    finished: Callable[[int], None]


class Pipeline:
    """A configured model: a queue that the chip works off in order, in a thread of its own."""

    def __init__(self, hef: Hef):
        board.check()
        if hef.arch not in CONTRACT["compatible"][board.arch]:
            fail("HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE")
        board.configured += 1
        self._hef = hef
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._status = 0
        self._in_flight = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait_for_room(self, seconds: float, frames: int) -> None:
        with self._changed:
            room = self._changed.wait_for(
                lambda: self._status or len(self._frames) + frames <= board.queue, timeout=seconds
            )
            self._require_alive()
        if not room:
            fail("HAILO_TIMEOUT")

    def push(self, frame: Frame) -> None:
        with self._changed:
            self._require_alive()
            if len(self._frames) >= board.queue:
                fail("HAILO_QUEUE_IS_FULL")
            self._frames.append(frame)
            self._in_flight += 1
            board.most_in_flight = max(board.most_in_flight, self._in_flight)
            self._changed.notify_all()

    def stop(self, status: int = 63) -> None:
        """Shut down: frames on their way finish with this status, and no more are taken."""
        with self._changed:
            self._status = self._status or status
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _require_alive(self) -> None:
        if self._status:
            raise HailoRTStatusException(str(self._status))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._status or (self._frames and not board.silent))
                if self._status:
                    break
                frame = self._frames[0]
            time.sleep(board.seconds_per_frame)
            try:
                board.check()
                frame.vector[...] = self._hef.compute(frame.card).reshape(frame.vector.shape)
                board.frames += 1
                status = 0
            except HailoRTStatusException as error:
                status = self._status = int(str(error))
            self._finish(frame, status)
        while self._frames:
            self._finish(self._frames[0], self._status)

    def _finish(self, frame: Frame, status: int) -> None:
        with self._changed:
            self._in_flight -= 1
        frame.finished(status)
        time.sleep(
            board.seconds_per_frame / 4
        )  # a job's place in the queue is free a little after it was told to be done
        with self._changed:
            self._frames.popleft()
            self._changed.notify_all()
