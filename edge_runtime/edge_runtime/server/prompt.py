"""Connections that only take a place are ended: on which no request comes, whose client takes nothing of what is sent to it, and
those of an address that has many. uvicorn waits for a request, for the rest of one, and for whoever reads nothing, for ever.

A browser opens connections in advance; a phone that goes out of reach never closes them. So they would add up, until all that
the service has at once are taken.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

SECONDS = 10.0
"""So long the head of a request may take, from the opening of the connection or from the answer before."""
MOST_OF_ONE = 64
"""Connections of one address: half of those that there are at once, so that no machine takes all. A browser opens a handful."""
UNREAD_SECONDS = 30.0
"""So long may pass until a client has taken in most of what waits for it, some 64 kB."""


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
        if self._has_many():
            transport.abort()
        self._expect_a_request_after(None)

    def _has_many(self) -> bool:
        addresses = [client[0] for each in self.connections if (client := getattr(each, "client", None))]
        return self.client is not None and addresses.count(self.client[0]) > MOST_OF_ONE

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
