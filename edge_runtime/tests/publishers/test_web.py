"""A publisher on a web server that has every fault: cut, slow, lying, or a login page."""

import http.server
import sys
import threading
import time
from urllib.parse import unquote

import pytest

from edge_runtime.opening import open_newest
from edge_runtime.publishers import deadline, open_publisher, web
from edge_runtime.pull import pull
from edge_runtime.refusals import (
    Damaged,
    Endless,
    NoRelease,
    NotPublished,
    PartMissing,
    PartTampered,
    PartTruncated,
    ReleaseError,
    Unreachable,
)
from edge_runtime.release import open_release


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves a folder, ranges too, but for what a test asks to go wrong: ``faults`` by how a path ends."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        path = unquote(self.path).removeprefix("/releases/")
        server.asked.append((path, self.headers.get("Range")))
        for ending, fault in server.faults.items():
            if path.endswith(ending) and fault(self, path):
                return
        self.send(path)

    def send(self, path, ranges=True, cut=None, length=None):
        file = self.server.folder / path
        if not file.is_file():
            self.answer(404, b"no such file")
            return
        data, start = file.read_bytes(), 0
        if ranges and (asked := self.headers.get("Range")):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        status = 206 if start else 200
        extra = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        self.answer(status, data[start:], cut, length, extra)

    def answer(self, status, body, cut=None, length=None, extra=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None or length is not None:
            self.close_connection = True


@pytest.fixture
def server(published, monkeypatch):
    monkeypatch.setattr("edge_runtime.publishers.resumed.BACKOFF", 0.001)
    monkeypatch.setattr(web, "SILENCE_SECONDS", 0.5)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that gives up is no news
    server.folder, server.faults, server.asked = published.releases, {}, []
    server.url = f"http://127.0.0.1:{server.server_port}/releases"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def take(server, published, tmp_path):
    roots = published.trusted
    return lambda **named: pull(server.url, tmp_path / "home", roots, **named)


def once(fault):
    """A fault that happens the first time only."""
    left = [1]

    def happens(handler, path):
        if not left:
            return False
        left.pop()
        fault(handler, path)
        return True

    return happens


def always(fault):
    def happens(handler, path):
        fault(handler, path)
        return True

    return happens


def cut(handler, path):
    handler.send(path, cut=100)


def fails(handler, path):
    handler.answer(503, b"later")


def hangs(handler, path):
    time.sleep(1)
    handler.close_connection = True


def forgets_ranges(handler, path):
    handler.send(path, ranges=False)


def too_short(handler, path):
    body = (handler.server.folder / path).read_bytes()
    handler.answer(200, body[:-1])


def html(handler, path):
    handler.answer(200, b"<!DOCTYPE html><title>Welcome to our network</title>")


def test_a_release_is_pulled_over_the_web(take, published):
    pulled = take()
    assert open_release(pulled.folder, published.trusted).release_id == published.folder.name
    assert take().parts == 0


@pytest.mark.faults
@pytest.mark.parametrize("fault", [cut, fails, hangs])
@pytest.mark.parametrize("file", ["timestamp.json", "stable.json", "manifest.json", "model"])
def test_a_fault_that_happens_once_is_not_noticed(server, take, published, fault, file):
    ending = published.manifest_part("fp32.onnx") if file == "model" else file
    server.faults[ending] = once(fault)
    assert take().release_id == published.folder.name


@pytest.mark.faults
def test_what_is_cut_is_gone_on_from_where_it_ended(server, take, published):
    model = published.manifest_part("fp32.onnx")
    server.faults[model] = once(cut)
    take()
    assert [asked for path, asked in server.asked if path.endswith(model)] == [None, "bytes=100-"]


@pytest.mark.faults
def test_a_pull_that_broke_off_goes_on_in_the_middle_of_a_part(server, take, published):
    model = published.manifest_part("fp32.onnx")

    def dies(handler, path):
        (fails if handler.headers.get("Range") else cut)(handler, path)

    server.faults[model] = always(dies)
    with pytest.raises(Unreachable, match=r"can't be reached|breaks off"):
        take()
    server.faults.clear()
    server.asked.clear()
    take()
    assert [asked for path, asked in server.asked if path.endswith(model)] == ["bytes=100-"]


def test_a_server_that_knows_no_ranges_serves_too(server, take, published):
    model = published.manifest_part("fp32.onnx")
    first, then = once(cut), always(forgets_ranges)
    server.faults[model] = lambda handler, path: first(handler, path) or then(handler, path)
    assert take().release_id == published.folder.name


@pytest.mark.faults
@pytest.mark.parametrize(
    ("file", "fault", "refusal"),
    [
        ("timestamp.json", fails, Unreachable),
        ("timestamp.json", hangs, Unreachable),
        ("timestamp.json", cut, Unreachable),
        ("timestamp.json", html, Damaged),
        ("part", fails, Unreachable),
        ("part", html, PartTruncated),
        ("part", too_short, PartTruncated),
        ("part", lambda handler, path: handler.answer(404, b""), PartMissing),
        ("part", lambda handler, path: handler.answer(200, b"x" * (1 << 22)), PartTampered),
        ("timestamp.json", lambda handler, path: handler.answer(200, b" " * (1 << 22)), Endless),
        ("timestamp.json", lambda handler, path: handler.answer(401, b"who are you"), Unreachable),
    ],
)
def test_a_fault_that_stays_is_one_sentence_and_what_was_served_is_served(
    server, take, published, file, fault, refusal
):
    good = take().release_id
    published.change_a_row()
    part = published.manifest_part("catalogue.csv")
    server.faults[part if file == "part" else file] = always(fault)
    with pytest.raises(refusal) as caught:
        take()
    assert type(caught.value) is refusal
    assert ": " in str(caught.value)
    assert "object at" not in str(caught.value)
    assert good != published.folder.name


BEGINNINGS = {
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "head": b"HTTP/1.1 200 OK\r\nX-Endless: ",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
}


@pytest.mark.faults
@pytest.mark.parametrize("where", BEGINNINGS)
def test_what_trickles_is_given_up_wherever_it_does(server, take, published, monkeypatch, where):
    def trickle(handler, path):
        try:
            handler.wfile.write(BEGINNINGS[where])
            for _ in range(500):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass
        handler.close_connection = True

    monkeypatch.setattr(web, "PATIENCE", 0.2)
    monkeypatch.setattr(deadline, "AGAIN", 0.05)
    server.faults[published.manifest_part("fp32.onnx")] = always(trickle)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="trickles"):
        take()
    assert time.monotonic() - began < 5, "it sends for ten seconds"


@pytest.mark.faults
def test_a_redirect_on_the_same_host_is_followed_and_one_to_another_host_is_refused(server, take, published):
    def moved(to):
        return lambda handler, path: handler.answer(302, b"", extra={"Location": to}) is None

    server.faults["timestamp.json"] = once(lambda handler, path: moved(f"/releases/{path}")(handler, path))
    assert take().release_id == published.folder.name
    server.faults["timestamp.json"] = moved("http://localhost:1/elsewhere")
    with pytest.raises(Unreachable, match="redirected to another host, localhost:1"):
        take()
    server.faults["timestamp.json"] = moved(f"{server.url}/metadata/timestamp.json")
    with pytest.raises(Unreachable, match="again and again"):
        take()


def test_no_redirect_leads_from_https_to_what_others_can_read_and_change():
    publisher = open_publisher("https://cards.example.org/releases")
    for location in ("http://cards.example.org/releases/x", "https://cards.example.org:8443/x", "//example.org/x"):
        with pytest.raises(Unreachable, match="redirected to another host"):
            publisher._redirected("https://cards.example.org/releases/x", location)


@pytest.mark.faults
def test_a_redirect_to_what_is_no_address_stops_no_device(server, published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    good, said = open_newest(server.url, published.trusted).release_id, []
    server.faults["timestamp.json"] = always(
        lambda handler, path: handler.answer(302, b"", extra={"Location": "http://[nowhere"})
    )
    assert open_newest(server.url, published.trusted, say=said.append).release_id == good
    assert "redirected to what is no address" in said[0]


@pytest.mark.faults
def test_a_server_without_releases_and_one_that_is_not_there_say_so(server, take, published, tmp_path):
    server.folder = tmp_path
    with pytest.raises(NoRelease, match="holds no release"):
        take()
    gone = open_publisher("http://127.0.0.1:9/releases")
    with pytest.raises(Unreachable, match="can't be reached"):
        b"".join(gone.read("metadata/timestamp.json"))
    with pytest.raises(NotPublished):
        b"".join(open_publisher(server.url).read("none"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/releases", "not encrypted"),
        ("ftp://example.com/releases", "no place for releases"),
        ("https://[::1/releases", "no place for releases"),
        ("https://example.com:port/releases", "no place for releases"),
        ("https:///releases", "no place for releases"),
        ("https://me:secret@example.com/releases", "carries a password"),
        ("s3://", "names no bucket"),
    ],
)
def test_places_that_are_none_are_refused_and_passwords_not_repeated(url, said):
    with pytest.raises(ReleaseError, match=said) as caught:
        open_publisher(url)
    assert "secret" not in str(caught.value)


def test_a_bucket_without_boto3_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unreachable, match=r"pip install 'edge-runtime\[s3\]'"):
        b"".join(open_publisher("s3://bucket/releases").read("metadata/timestamp.json"))
