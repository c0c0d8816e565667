"""Small bodies of requests, read with a limit for their size and for the time that sending them takes."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from edge_runtime.server.problems import Refused

MOST_BYTES = 1024
PATIENCE = 10.0
"""Seconds that sending one may take."""


async def small_body(request: Request, what: str) -> bytes:
    """The body, or as much of one that is too large as tells that. Raises :class:`Refused`; ``what`` it was to be, in words."""
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BYTES:
                    break
    except TimeoutError as error:
        raise Refused(408, "slow", f"sending the {what} took too long: send it again") from error
    except ClientDisconnect as error:
        raise Refused(400, "cut", f"the {what} was cut off while it was sent: send it again") from error
    return bytes(body)
