"""The WebSocket: how things stand, what happens, and pictures for a client that asks for the next one.

A client gets a ``state`` at once and whenever it changes, each ``event``, and each ``correction`` of one. It sends
``{"type": "next"}`` when it has drawn a picture; then it gets the newest: a ``picture`` message and, in the binary message after
it, the JPEG. So a slow client gets fewer pictures, and one that wants none costs none.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from edge_runtime.server.hub import Hub, Watcher

MOST_WATCHERS = 32
SLOWEST = 20.0
"""Seconds that a client may take to take in a message."""
TRY_AGAIN = 1013
"""How a client is sent away for now (the registry of RFC 6455)."""
NOT_UNDERSTOOD = 1007


def route(hub: Hub, state: Callable[[], dict[str, Any]]) -> WebSocketRoute:
    """For Starlette. ``state`` gives how things stand."""

    async def stream(socket: WebSocket) -> None:
        if hub.watching >= MOST_WATCHERS:
            await socket.accept()
            await socket.close(TRY_AGAIN, "too many are watching")
            return
        watcher = hub.join()
        try:
            await socket.accept()
            watcher.tell(state())
            await _converse(socket, hub, watcher)
        except (WebSocketDisconnect, TimeoutError, RuntimeError):  # RuntimeError: closed while something was being sent
            pass
        finally:
            hub.leave(watcher)

    return WebSocketRoute("/api/v1/stream", stream)


async def _converse(socket: WebSocket, hub: Hub, watcher: Watcher) -> None:
    tasks = [asyncio.create_task(_listen(socket, hub, watcher)), asyncio.create_task(_speak(socket, watcher))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:  # cancelled itself, it leaves neither behind
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _listen(socket: WebSocket, hub: Hub, watcher: Watcher) -> None:
    """Until the client goes: let it have the next picture each time it asks."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        try:
            asked = json.loads(message.get("text") or "")["type"]
        except (ValueError, KeyError, TypeError, RecursionError):
            asked = None
        if asked != "next":
            await socket.close(NOT_UNDERSTOOD, 'only {"type": "next"} is understood')
            return
        hub.want(watcher)


async def _speak(socket: WebSocket, watcher: Watcher) -> None:
    while True:
        await watcher.changed.wait()
        watcher.changed.clear()
        if watcher.behind:
            await socket.close(TRY_AGAIN, "too slow: come back, and ask for the events after the last one")
            return
        while watcher.events:
            await _send(socket, watcher.events.popleft())
        if watcher.state is not None:
            state, watcher.state = watcher.state, None
            await _send(socket, state)
        if watcher.picture is not None:
            picture, watcher.picture = watcher.picture, None
            await _send(socket, picture.head)
            async with asyncio.timeout(SLOWEST):
                await socket.send_bytes(picture.jpeg)


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SLOWEST):
        await socket.send_text(json.dumps(message, ensure_ascii=False))
