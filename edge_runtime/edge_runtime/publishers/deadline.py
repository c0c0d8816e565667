"""Reading from a web server that ends in time, whatever it is that trickles: the head of an answer, a chunk's, or the body.

A socket's timeout is for each single byte, so a server may take half a minute for every one. Here a thread beside the read
shuts the connection once the time is over.
"""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

PATIENCE = 60.0
LEAST_RATE = 1024
"""A file may take :data:`PATIENCE` seconds, and a second more for each so many bytes."""
AGAIN = 0.5
"""Seconds between two looks at a read whose time is over: another connection may have been opened since."""


class Deadline:
    """The time that one file may take; to be ended where a connection is shut by it."""

    def __init__(self) -> None:
        self.bytes = 0
        """What has come."""
        self._socket: socket.socket | None = None
        self._began = time.monotonic()
        self._ended = threading.Event()

    def shut(self, connection: socket.socket) -> None:
        """Shut this connection, which is read from now, once the time is over."""
        first, self._socket = self._socket is None, connection
        if first:
            threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    @property
    def taken(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.taken > self._allowed

    @property
    def _allowed(self) -> float:
        return PATIENCE + self.bytes / LEAST_RATE

    def said(self, place: str) -> str:
        """What a person is told of a place whose time is over."""
        return f"{place} trickles: {self.bytes} bytes in {self.taken:.0f} s. Pull again later"

    def end(self) -> None:
        """The file is read, or given up."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(max(AGAIN, self._allowed - self.taken)):
            if self.over and self._socket is not None:
                # Below TLS, whose own shutdown would wait for the reader.
                with contextlib.suppress(OSError):  # it is closed already
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def in_time(pieces: Iterator[bytes], deadline: Deadline) -> Iterator[bytes]:
    """The pieces of a file, read by a thread: for what reads by a connection that nobody gets at, such as botocore. What ``pieces``
    raises is raised.

    Raises TimeoutError once the time is over; the thread is then left to whatever it waits for, and ends after that.
    """
    came: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=1)
    left = threading.Event()

    def give(what: bytes | BaseException | None) -> None:
        given = False
        while not given and not left.is_set():
            with contextlib.suppress(queue.Full):
                came.put(what, timeout=AGAIN)
                given = True

    def read() -> None:
        try:
            for piece in pieces:
                give(piece)
                if left.is_set():
                    return
            give(None)
        except BaseException as error:  # told to whoever waits for it
            give(error)

    threading.Thread(target=read, name="read in time", daemon=True).start()
    try:
        while True:
            try:
                piece = came.get(timeout=AGAIN)
            except queue.Empty:
                piece = b""
            if isinstance(piece, BaseException):
                raise piece
            if piece is None:
                return
            deadline.bytes += len(piece)
            if deadline.over:
                raise TimeoutError
            if piece:
                yield piece
    finally:
        left.set()


_asking = threading.local()


def ask(pool: Any, url: str, headers: dict[str, str], deadline: Deadline) -> Any:
    """The answer to a GET, its body unread, from a pool whose classes are :func:`watched`."""
    _asking.deadline = deadline
    return pool.request("GET", url, headers=headers, preload_content=False, redirect=False)


def watched(pool: type[Any]) -> type[Any]:
    """A class of urllib3's connection pools whose connections tell the deadline of what is asked which socket is read."""

    class Connection(pool.ConnectionCls):  # type: ignore[name-defined]
        def getresponse(self) -> Any:
            _asking.deadline.shut(self.sock)
            return super().getresponse()

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
