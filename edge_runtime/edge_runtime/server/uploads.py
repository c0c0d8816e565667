"""Photos that clients send: read with a limit for everything, decoded beside the event loop, answered by the loop."""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from starlette.requests import ClientDisconnect, Request

from edge_runtime.photo import PhotoError, TooManyPixels
from edge_runtime.photo_apart import load_sent
from edge_runtime.server.album import Album
from edge_runtime.server.inbox import Full, Inbox, Upload
from edge_runtime.server.problems import Refused, retry_after
from edge_runtime.server.settings import Limits

HOW = "curl --data-binary @photo.jpg -H 'content-type: image/jpeg'"
MOST_CLIENTS = 1024
"""Clients whose rate is remembered; the one that was quiet the longest is forgotten first."""


class Buckets:
    """A token bucket for each client: ``burst`` at once, then ``rate`` a second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic):
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Take one: 0 if it was there, else the seconds until it will be."""
        now = self._clock()
        left, at = self._filled.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        taken = left >= 1
        self._filled[client] = (left - taken, now)
        if len(self._filled) > MOST_CLIENTS:
            self._filled.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._rate


class Uploads:
    """``refused`` is told the reason of each refusal; ``album`` keeps the cards, None where nobody may correct them."""

    def __init__(self, inbox: Inbox, limits: Limits, refused: Callable[[str], None], album: Album | None = None):
        self._inbox = inbox
        self._limits = limits
        self._told_refused = refused
        self._album = album
        self._buckets = Buckets(limits.rate, limits.burst)
        self._here = 0
        self._decoding = threading.Lock()

    async def recognize(self, request: Request) -> dict[str, Any]:
        """The answer for the photo in a request's body. Raises :class:`Refused`."""
        try:
            return await self._recognize(request)
        except Refused as refused:
            self._told_refused(refused.reason)
            raise

    async def _recognize(self, request: Request) -> dict[str, Any]:
        wait = self._buckets.wait(request.client.host if request.client else "")
        if wait:
            raise Refused(429, "rate", "too many photos in a short time: wait a little", retry_after(wait))
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith(("multipart/", "text/")) or kind in (
            "application/json",
            "application/x-www-form-urlencoded",
        ):
            raise Refused(415, "type", f"send the photo itself as the body, not {kind}: {HOW}")
        if self._here >= self._limits.at_once:
            raise Refused(503, "busy", "other photos are being read: send it again in a moment", retry_after(1))
        self._here += 1
        try:
            async with asyncio.timeout(self._limits.patience):
                photo = await asyncio.to_thread(self._decoded, await self._body(request))
                upload = Upload(photo)
                self._inbox.put_upload(upload)
                answer = await asyncio.wrap_future(upload.answer)
                if self._album is not None:
                    await asyncio.to_thread(self._album.keep, photo, answer)
                return answer
        except Full as error:
            raise Refused(
                503, "busy", "other photos are being read: send it again in a moment", retry_after(1)
            ) from error
        except TimeoutError as error:
            cure = "send a smaller one, or one of fewer cards"
            raise Refused(408, "slow", f"sending or reading the photo took too long: {cure}") from error
        except ClientDisconnect as error:
            raise Refused(400, "cut", "the photo was cut off while it was sent: send it again") from error
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise Refused(503, "stopping", "the service is being stopped") from error
        finally:
            self._here -= 1

    async def _body(self, request: Request) -> bytes:
        """The body, refused as soon as it is known to be too large."""
        most = self._limits.bytes
        too_large = Refused(413, "bytes", f"the photo has more than {most >> 20} MiB: send a smaller one")
        said = request.headers.get("content-length", "0")
        if not said.isdecimal() or len(said) > 12 or int(said) > most:
            raise too_large
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                raise too_large
        return bytes(body)

    def _decoded(self, body: bytes) -> np.ndarray:
        """The photo uint8 RGB H×W×3. One at a time: a decoder may need several times the photo."""
        try:
            with self._decoding:
                return load_sent(body, self._limits.pixels)
        except TooManyPixels as error:
            raise Refused(413, "pixels", str(error)) from error
        except PhotoError as error:
            raise Refused(422, "photo", str(error)) from error
