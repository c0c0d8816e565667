"""Events to a real server on loopback, that fails as servers do."""

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edge_runtime.publishers import deadline
from edge_runtime.server.access import NotSafe
from edge_runtime.server.outbox import Outbox, TryAgain
from edge_runtime.server.webhook import Webhook
from edge_runtime.sources.live import Patience

QUICK = Patience(first=0.01, longest=0.02)
SECRET = "a-secret-of-the-two"


@pytest.fixture
def receiver():
    """A server that keeps what it is posted, and answers what ``statuses`` says, then 204."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            server.got.append((self.path, dict(self.headers.items()), body))
            self.send_response(server.statuses.pop(0) if server.statuses else 204)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.statuses = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/cards?to=me"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def outbox():
    """Makes and starts outboxes, and gives what each tells of its events."""
    made = []

    def make(deliver, **named):
        told = []
        box = Outbox("webhook", deliver, lambda name, outcome: told.append(outcome), QUICK, **named)
        box.start()
        made.append(box)
        return box, told

    yield make
    for box in made:
        box.close()


def event(number):
    return {"id": f"run-{number}", "number": number, "event": "confirmed"}


def test_each_event_is_posted_once_in_order_and_signed(receiver, outbox, until):
    box, told = outbox(Webhook(receiver.url, SECRET).deliver)
    for number in range(5):
        box.put(event(number))
    until(lambda: told == ["delivered"] * 5)
    assert [json.loads(body) for _, _, body in receiver.got] == [event(number) for number in range(5)]
    path, headers, body = receiver.got[3]
    assert (path, headers["content-type"], headers["webhook-id"]) == ("/cards?to=me", "application/json", "run-3")
    signed = f"run-3.{headers['webhook-timestamp']}.".encode() + body
    seal = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{seal}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_a_secret_of_the_standard_is_base64():
    given = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
    assert Webhook("http://127.0.0.1/", given)._secret == b"0123456789abcdef"
    with pytest.raises(NotSafe, match="base64"):
        Webhook("http://127.0.0.1/", "whsec_???")


def test_an_address_is_sent_as_browsers_send_it(receiver, outbox, until):
    box, told = outbox(Webhook(receiver.url.replace("/cards?to=me", "/Karten für Gäste/%C3%A4?to=mé")).deliver)
    box.put(event(1))
    until(lambda: told == ["delivered"])
    assert receiver.got[0][0] == "/Karten%20f%C3%BCr%20G%C3%A4ste/%C3%A4?to=m%C3%A9"


def test_a_server_in_trouble_is_tried_again_with_the_same_id(receiver, outbox, until):
    receiver.statuses = [500, 503, 429]
    box, told = outbox(Webhook(receiver.url).deliver)
    box.put(event(1))
    until(lambda: told == ["tried again"] * 3 + ["delivered"])
    assert {headers["webhook-id"] for _, headers, _ in receiver.got} == {"run-1"}
    assert "webhook-signature" not in receiver.got[0][1]


@pytest.mark.parametrize("status", [400, 401, 410, 302])
def test_an_event_that_will_never_be_taken_is_dropped_and_the_next_one_goes(receiver, outbox, until, status):
    receiver.statuses = [status]
    box, told = outbox(Webhook(receiver.url).deliver)
    box.put(event(1))
    box.put(event(2))
    until(lambda: told == ["dropped", "delivered"])
    assert [path for path, _, _ in receiver.got] == ["/cards?to=me"] * 2


def test_while_the_server_is_away_events_wait_and_the_oldest_give_way(outbox, until, caplog):
    let_go, sent = threading.Event(), []

    def deliver(each):
        let_go.wait(30)
        sent.append(each["number"])

    box, told = outbox(deliver, most=3)
    box.put(event(0))
    until(lambda: not box._waiting)
    started = time.monotonic()
    for number in range(1, 100):
        box.put(event(number))
    assert time.monotonic() - started < 5
    let_go.set()
    until(lambda: told.count("delivered") == 4)
    assert (sent, told.count("dropped")) == ([0, 97, 98, 99], 96)
    assert caplog.messages == ["webhook: 3 events wait: the oldest are dropped"]


def test_a_server_that_is_not_there_stops_nobody(outbox, until, caplog):
    box, told = outbox(Webhook("http://127.0.0.1:9/").deliver)
    box.put(event(1))
    until(lambda: "dropped" in told)
    assert told[:-1] == ["tried again"] * 12
    assert caplog.messages[-1] == "webhook: it was tried 12 times; event run-1 is dropped"


def test_of_what_answers_and_is_no_web_server_little_gets_into_the_log(drip):
    pieces, url = drip
    pieces[:] = [b"SSH-2.0-OpenSSH_9.2 " + b"x" * 60_000 + b"\r\n"]
    with pytest.raises(TryAgain, match=r"SSH-2\.0-OpenSSH_9\.2 x") as refused:
        Webhook(url).deliver(event(1))
    assert len(str(refused.value)) < 300


@pytest.fixture
def drip():
    """A server that sends an endless answer, a piece at a time, each well within the timeout; gives what it is to send."""
    pieces, stopped = [b"HTTP/1.1 "], threading.Event()

    def answer():
        while not stopped.is_set():
            with contextlib.suppress(OSError), listening.accept()[0] as client:
                client.sendall(pieces[0])
                while not stopped.wait(0.02):
                    client.sendall(pieces[-1])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answer, daemon=True).start()
        yield pieces, f"http://127.0.0.1:{listening.getsockname()[1]}/"
        stopped.set()
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.faults
@pytest.mark.parametrize("piece", [b" ", b"100 Continue\r\n\r\nHTTP/1.1 "])
def test_a_server_that_trickles_holds_up_the_other_events_for_a_while_and_not_for_ever(drip, monkeypatch, piece):
    """The timeout is for each byte: 64 kB of them, one in nine seconds, are a week in which nobody is told of anything."""
    monkeypatch.setattr(deadline, "PATIENCE", 0.2)
    monkeypatch.setattr(deadline, "AGAIN", 0.05)
    pieces, url = drip
    pieces.append(piece)
    began = time.monotonic()
    with pytest.raises(TryAgain, match="did not answer within"):
        Webhook(url).deliver(event(1))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "ftp://127.0.0.1/",
        "https://user:word@example.org/",
        "example.org",
        "file:///etc/passwd",
        "https://[example.org/",
        "https://example.org:99999/",
    ],
)
def test_an_address_that_would_tell_others_or_makes_no_sense_is_refused(url):
    with pytest.raises(NotSafe):
        Webhook(url)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://[2001:db8::5]/cards", ("2001:db8::5", 443)),
        ("https://[2001:db8::a]:8443/cards", ("2001:db8::a", 8443)),
        ("http://[::1]/cards", ("::1", 80)),
        ("https://hooks.example/cards", ("hooks.example", 443)),
    ],
)
def test_events_go_to_the_host_and_the_port_of_the_address(monkeypatch, url, place):
    asked = []

    def away(address, *_):
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", away)
    with pytest.raises(TryAgain):
        Webhook(url).deliver({"id": "1"})
    assert asked == [place]


def test_the_service_tells_its_webhook_what_it_tells_its_page(serve, hand, scans, photo_of, receiver, until):
    hand.picture = photo_of(scans["demo-1"])
    box = Outbox("webhook", Webhook(receiver.url).deliver, lambda *_: None)
    _, client = serve(messengers=[box])
    until(lambda: len(receiver.got) >= 2)
    told = [json.loads(body) for _, _, body in receiver.got[:2]]
    assert told == client.get("/api/v1/events?after=0&limit=2").json()["events"]


@pytest.mark.parametrize("host", ["cards..example", ".example", f"{'a' * 64}.example"])
def test_a_host_that_can_not_be_looked_up_is_refused_at_the_start(host):
    """It ended the thread that delivers, at the first event: nothing was told any more, and nobody of that."""
    with pytest.raises(NotSafe, match="can't be the name of a webhook's host"):
        Webhook(f"https://{host}/x")
