"""Connections that only take a place are ended: on which no request comes, whose client takes nothing of what is sent to it, and
those of an address that has many. uvicorn waits for a request, for the rest of one, and for whoever reads nothing, for ever.

A browser opens connections in advance; a phone that goes out of reach never closes them. So they would add up, until all that
the service has at once are taken. What hasn't shaken hands for TLS, asyncio waits for a minute, and uvicorn doesn't know of yet: so
they are counted where they are taken.
"""

import asyncio
import os
import socket
import weakref
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

SECONDS = 10.0
"""So long the head of a request may take, from the opening of the connection or from the answer before."""
MOST_OF_ONE = 64
"""Connections of one address: half of those that there are at once, so that no machine takes all. A browser opens a handful."""
MOST_OF_ALL = 256
"""Connections, shaken hands or not: a quarter of the files that systemd lets a service have open."""
UNREAD_SECONDS = 30.0
"""So long may pass until a client has taken in most of what waits for it, some 64 kB."""


class Entrance(socket.socket):
    """The same listening socket once more; of its connections, those too many are closed at once."""

    def __init__(self, listening: socket.socket):
        super().__init__(listening.family, listening.type, listening.proto, fileno=os.dup(listening.fileno()))
        self._open: list[tuple[str, weakref.ref[socket.socket]]] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """See :class:`socket.socket`. Raises ConnectionAbortedError for one too many, which asyncio takes for one that went."""
        taken, address = super().accept()
        self._open = [each for each in self._open if (held := each[1]()) is not None and held.fileno() >= 0]
        of_one = sum(host == address[0] for host, _ in self._open)
        if of_one >= MOST_OF_ONE or len(self._open) >= MOST_OF_ALL:
            taken.close()
            raise ConnectionAbortedError
        self._open.append((address[0], weakref.ref(taken)))
        return taken, address


class _ReadInTime(asyncio.Protocol):
    """What asyncio says of the buffer of a connection, with a limit for how long it may be full."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _full: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """See asyncio."""
        super().pause_writing()
        self._full = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """See asyncio."""
        super().resume_writing()
        if self._full is not None:
            self._full.cancel()


class PromptProtocol(_ReadInTime, H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with a limit for what comes before a request, and for answers that nobody takes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._expect_a_request_after(None)

    def on_response_complete(self) -> None:
        """See uvicorn."""
        answered = self.cycle
        super().on_response_complete()
        self._expect_a_request_after(answered)

    def _expect_a_request_after(self, answered: RequestResponseCycle | None) -> None:
        self.loop.call_later(SECONDS, self._end_unless_asked_after, answered)

    def _end_unless_asked_after(self, answered: RequestResponseCycle | None) -> None:
        if self.cycle is answered and self.transport.get_protocol() is self:  # else it has become a WebSocket
            self.transport.close()
            self.loop.call_later(SECONDS, self.transport.abort)  # a closed one waits until all that was sent is taken


class PromptWebSocket(_ReadInTime, WebSocketsSansIOProtocol):
    """WebSockets as uvicorn speaks them, with a limit for what nobody takes."""
