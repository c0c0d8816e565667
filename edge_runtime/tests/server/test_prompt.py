"""Who opens a connection and asks nothing takes no place for ever."""

import contextlib
import socket
import threading
import time

import pytest
import requests

from edge_runtime.server import prompt
from edge_runtime.server.service import MOST_CONNECTIONS


@pytest.fixture
def served(serve, monkeypatch):
    """A service that waits half a second for a request, and for who reads nothing: its address, and how many are connected."""
    monkeypatch.setattr(prompt, "SECONDS", 0.5)
    monkeypatch.setattr(prompt, "UNREAD_SECONDS", 0.5)
    service, client = serve()
    host, port = client.base.removeprefix("http://").split(":")
    return (host, int(port)), lambda: len(service._server.server_state.connections)


@pytest.fixture
def dial(serve, monkeypatch):
    """Starts a service that waits half a second for a request, and gives its client and what opens connections to it."""
    monkeypatch.setattr(prompt, "SECONDS", 0.5)
    _, client = serve()
    host, port = client.base.removeprefix("http://").split(":")
    opened = []

    def open_one():
        opened.append(socket.create_connection((host, int(port)), timeout=10))
        return opened[-1]

    yield client, open_one
    for each in opened:
        each.close()


ASKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_connection_without_a_request_is_ended(dial):
    assert dial[1]().recv(1) == b""


@pytest.mark.parametrize("begun", [b"G", b"GET / HTTP/1.1\r\nHost: loc"])
def test_so_is_one_whose_request_does_not_come_to_its_end_also_after_an_answer(dial, begun):
    first, second = dial[1](), dial[1]()
    first.sendall(begun)
    second.sendall(ASKED)
    answer = b""
    while not answer.endswith(b"}"):
        answer += second.recv(4096)
    second.sendall(begun)
    assert first.recv(1) == b""
    assert second.recv(1) == b""


def test_many_that_ask_nothing_leave_room_for_one_that_does(dial, until):
    client, open_one = dial
    for _ in range(MOST_CONNECTIONS + 1):
        open_one()
    until(lambda: answered(client))


def test_one_address_takes_no_more_than_half_of_the_places(serve, until):
    _, client = serve()
    host, port = client.base.removeprefix("http://").split(":")
    with contextlib.ExitStack() as opened:
        first, *_ = [
            opened.enter_context(socket.create_connection((host, int(port)))) for _ in range(prompt.MOST_OF_ONE)
        ]
        one_more = opened.enter_context(socket.create_connection((host, int(port)), timeout=10))
        with contextlib.suppress(ConnectionResetError):
            assert one_more.recv(1) == b""
        first.close()
        until(lambda: answered(client))


def answered(client):
    try:
        return requests.get(f"{client.base}/healthz", timeout=10).status_code == 200
    except requests.ConnectionError:
        return False


def test_a_watcher_who_says_nothing_stays(dial, hand, scans, photo_of):
    with dial[0].stream() as stream:
        assert stream.take(lambda message: message["type"] == "state")
        time.sleep(3 * prompt.SECONDS)
        hand.picture = photo_of(scans["demo-1"])
        assert stream.take(lambda message: message.get("event") == "confirmed")


STREAM = (
    b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
LARGE = ASKED.replace(b"healthz", b"openapi.json")
PING = b"\x89\xfd" + bytes(4 + 125)


@pytest.mark.parametrize(
    ("first", "then"),
    [(b"", 2_000 * LARGE), (STREAM, 100_000 * PING)],
    ids=["answers", "what a WebSocket echoes"],
)
def test_who_takes_nothing_of_what_is_sent_keeps_no_place(served, until, first, then):
    address, connections = served
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(address)
        deaf.sendall(first)
        until(lambda: connections() == 1)
        threading.Thread(target=send, args=(deaf, then), daemon=True).start()
        until(lambda: connections() == 0)


def send(to, what):
    with contextlib.suppress(OSError):  # it is cut off
        to.sendall(what)


def test_all_addresses_together_take_no_more_than_so_many(monkeypatch):
    monkeypatch.setattr(prompt, "MOST_OF_ALL", 1)
    with socket.create_server(("127.0.0.1", 0)) as listening, prompt.Entrance(listening) as entrance:
        clients = [socket.create_connection(listening.getsockname()) for _ in range(3)]
        taken, _ = entrance.accept()
        with pytest.raises(ConnectionAbortedError):
            entrance.accept()
        taken.close()
        entrance.accept()[0].close()
        for client in clients:
            client.close()
