"""A web server of releases that a test can make cut, slow or lying: ``faults`` by how a path ends."""

import http.server
import time
from urllib.parse import unquote


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


BEGINNINGS = {
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "head": b"HTTP/1.1 200 OK\r\nX-Endless: ",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
}
"""Where an answer may trickle, and what has come of it before that."""


def trickling(where):
    """A fault: ten seconds of one byte after the other."""

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

    return trickle
