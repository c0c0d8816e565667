"""An error that nobody foresaw never leaves a service that looks alive and answers nobody."""

import asyncio
import queue
import threading

import pytest

from edge_runtime.server import live
from edge_runtime.server.hub import Hub, Watcher
from edge_runtime.server.outbox import Outbox
from edge_runtime.server.service import Service
from edge_runtime.server.settings import Settings
from edge_runtime.server.viewfinder import Viewfinder, picture_of
from edge_runtime.server.vital import vital

pytestmark = pytest.mark.faults


def test_a_thread_that_ends_by_an_error_says_so_and_gives_up(caplog, told):
    for work in (lambda: None, lambda: {}["gone"]):
        thread = vital("loop", work, lambda: told.put("gave up"))
        thread.start()
        thread.join(30)
    assert told.get_nowait() == "gave up"
    assert told.empty()
    (record,) = caplog.records
    assert "its loop ended by an error" in record.message
    assert record.exc_info[0] is KeyError


def test_what_a_source_should_never_raise_ends_the_service(serve, hand, monkeypatch, until, caplog):
    service, client = serve()
    until(lambda: client.get("/readyz").status_code == 200)
    assert service._health()[0]
    hand.picture = None  # no array: the camera's own thread raises TypeError
    until(lambda: service.failed)
    assert not service._health()[0]
    assert service._server.should_exit
    assert "its feed ended by an error" in caplog.text
    assert "Traceback" in caplog.text


def test_what_ends_the_loop_ends_the_service_and_closes_the_release(serve, monkeypatch, until, told, caplog):
    service, client = serve()
    until(lambda: client.get("/healthz").status_code == 200)
    monkeypatch.setattr(service.loop.served, "close", told.put)

    def fail(_):
        raise RuntimeError("the inbox is torn")

    monkeypatch.setattr(service.inbox, "take", fail)
    until(lambda: service.failed)
    assert str(told.get(timeout=30)) == "the inbox is torn"
    assert not service._health()[0]
    assert "its loop ended by an error" in caplog.text


def test_a_frame_that_can_not_be_told_of_is_left_out_and_ten_in_a_row_end_the_service(serve, monkeypatch, until):
    service, _ = serve()
    tell, faults = service.loop._told, [1]

    def fail(look):
        if faults:
            faults.pop()
            raise RuntimeError("no history")
        tell(look)

    monkeypatch.setattr(service.loop, "_told", fail)
    until(lambda: not faults)
    frames = service.feed.frames
    until(lambda: service.feed.frames > frames + 3)
    assert service._health()[0]
    faults += [1] * 10
    until(lambda: service.failed)


def test_a_live_picture_that_can_not_be_made_is_left_out(serve, monkeypatch, caplog):
    faults = [1, 1]

    def fail(look):
        if faults:
            faults.pop()
            raise RuntimeError("no encoder")
        return picture_of(look)

    monkeypatch.setattr("edge_runtime.server.viewfinder.picture_of", fail)
    service, client = serve()
    with client.stream() as stream:
        head, _ = stream.picture()
    assert head["type"] == "picture"
    assert not faults
    assert caplog.text.count("no live picture could be made") == 1
    assert service._health()[0]


def test_a_stop_does_not_wait_until_somebody_wants_a_picture():
    """It waited for up to a second: half of each stop of the service."""

    class Patient(Hub):
        def wait_until_wanted(self, _):
            return super().wait_until_wanted(60)

    viewfinder = Viewfinder(Patient(), 12.0, pytest.fail)
    viewfinder.start()
    viewfinder.close()
    assert not viewfinder._thread.is_alive()


def test_an_event_that_can_not_be_sent_at_all_stops_no_other(told):
    def deliver(event):
        if event["id"] == "a":
            raise ValueError("not even JSON")
        told.put(event["id"])

    became = queue.Queue()
    box = Outbox("webhook", deliver, lambda _, outcome: became.put(outcome))
    box.put({"id": "a"})
    box.put({"id": "b"})
    box.start()
    assert told.get(timeout=30) == "b"
    box.close()
    assert [became.get_nowait(), became.get_nowait()] == ["dropped", "delivered"]


class Part:
    """A messenger that fails when it is started, or closed."""

    def __init__(self, fails_to=""):
        self.fails_to, self.did = fails_to, []

    def start(self):
        self._do("start")

    def close(self):
        self._do("close")

    def put(self, event):
        """Nobody is told."""

    def sees(self, sees):
        """Nor of this."""

    def _do(self, what):
        self.did.append(what)
        if self.fails_to == what:
            raise RuntimeError(f"can't {what}")


@pytest.mark.parametrize("last", ["messenger", "feed"])
def test_a_service_that_can_not_start_leaves_nothing_running(opened, hand, monkeypatch, told, last):
    before = set(threading.enumerate())
    first, second = Part(), Part("start" if last == "messenger" else "")
    served = opened()
    monkeypatch.setattr(served, "close", lambda error=None: told.put(error))
    service = Service(served, hand, Settings(port=0), messengers=[first, second])
    if last == "feed":
        monkeypatch.setattr(service.feed._thread, "start", Part("start").start)
    with pytest.raises(RuntimeError, match="can't start"), service:
        pass
    assert (first.did, second.did) == (["start", "close"], ["start", "close"])
    assert hand.closed.is_set()
    assert told.get_nowait() is None, "nothing is held against the release"
    assert told.empty()
    assert set(threading.enumerate()) <= before


def test_a_part_that_can_not_be_closed_keeps_no_other_open(opened, hand):
    first, second = Part(), Part("close")
    with (
        pytest.raises(RuntimeError, match="can't close"),
        Service(opened(), hand, Settings(port=0), messengers=[first, second]) as service,
    ):
        pass
    assert first.did == ["start", "close"]
    assert not service.busy


def test_a_conversation_that_is_cancelled_leaves_no_task():
    class Silent:
        async def receive(self):
            await asyncio.Event().wait()

    async def cancelled():
        talk = asyncio.create_task(live._converse(Silent(), Hub(), Watcher()))
        await asyncio.sleep(0.01)
        talk.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talk
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(cancelled()) == set()
