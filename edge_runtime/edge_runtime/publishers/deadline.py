"""Reading from a web server that ends in time, whatever it is that trickles: the head of an answer, a chunk's, or the body.

A socket's timeout is for each single byte, so a server may take half a minute for every one. Here a thread beside the read
shuts the connection once the time is over.
"""

import contextlib
import socket
import threading
import time
from typing import Any

AGAIN = 0.5
"""Seconds between two looks at a read whose time is over: another connection may have been opened since."""


class Deadline:
    """The time that one file may take: ``patience`` seconds, and one more for each ``rate`` bytes. To be ended."""

    def __init__(self, patience: float, rate: int):
        self.bytes = 0
        """What has come."""
        self.socket: socket.socket | None = None
        """The connection that is read from."""
        self._patience, self._rate = patience, rate
        self._began = time.monotonic()
        self._ended = threading.Event()
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
        return self._patience + self.bytes / self._rate

    def end(self) -> None:
        """The file is read, or given up."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(max(AGAIN, self._allowed - self.taken)):
            if self.over and self.socket is not None:
                # Below TLS, whose own shutdown would wait for the reader.
                with contextlib.suppress(OSError):  # it is closed already
                    socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


_asking = threading.local()


def ask(pool: Any, url: str, headers: dict[str, str], deadline: Deadline) -> Any:
    """The answer to a GET, its body unread, from a pool whose classes are :func:`watched`."""
    _asking.deadline = deadline
    return pool.request("GET", url, headers=headers, preload_content=False, redirect=False)


def watched(pool: type[Any]) -> type[Any]:
    """A class of urllib3's connection pools whose connections tell the deadline of what is asked which socket is read."""

    class Connection(pool.ConnectionCls):  # type: ignore[name-defined]
        def getresponse(self) -> Any:
            _asking.deadline.socket = self.sock
            return super().getresponse()

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
