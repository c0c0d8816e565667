import asyncio

from edge_runtime.server import live
from edge_runtime.server.hub import MOST_EVENTS, Hub, Watcher


class Socket:
    """A client that says nothing; what it is sent, and how it is sent away."""

    def __init__(self):
        self.sent, self.gone = [], None

    async def accept(self):
        pass

    async def receive(self):
        await asyncio.Event().wait()

    async def send_text(self, text):
        self.sent.append(text)

    async def close(self, code, reason):
        self.gone = code


def events(first, last):
    return [{"type": "event", "number": number} for number in range(first, last + 1)]


def test_of_events_none_is_told_after_one_that_was_missed():
    watcher = Watcher()
    for event in events(1, MOST_EVENTS + 1):
        watcher.tell(event)
    taken = [watcher.events.popleft() for _ in range(10)]  # it takes some in, before it is looked at again
    watcher.tell({"type": "event", "number": MOST_EVENTS + 2})
    assert [*taken, *watcher.events] == events(1, MOST_EVENTS), (
        "who asks for what came after the last one would miss one"
    )


def test_a_client_that_falls_behind_is_told_to_come_back():
    async def watched():
        hub, socket = Hub(), Socket()

        def state():
            for watcher in hub._watchers:
                for event in events(1, MOST_EVENTS + 1):
                    watcher.tell(event)
            return {"type": "state"}

        await asyncio.wait_for(live.route(hub, state).endpoint(socket), 30)
        return socket, hub.watching

    socket, still_there = asyncio.run(watched())
    assert (socket.gone, still_there) == (live.TRY_AGAIN, 0)


def test_one_client_too_many_is_told_to_come_back():
    async def watched():
        hub, socket = Hub(), Socket()
        for _ in range(live.MOST_WATCHERS):
            hub.join()
        await asyncio.wait_for(live.route(hub, lambda: {"type": "state"}).endpoint(socket), 30)
        return socket, hub.watching

    socket, still_there = asyncio.run(watched())
    assert (socket.gone, socket.sent, still_there) == (live.TRY_AGAIN, [], live.MOST_WATCHERS)
