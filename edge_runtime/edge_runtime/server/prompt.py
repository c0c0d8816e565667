"""Connections on which no request comes are ended. uvicorn waits for the first one, and for the rest of one that began, for ever.

A browser opens connections in advance; a phone that goes out of reach never closes them. So they would add up, until all that
the service has at once are taken.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

SECONDS = 10.0
"""So long the head of a request may take, from the opening of the connection or from the answer before."""


class PromptProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with a limit for what comes before a request."""

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
