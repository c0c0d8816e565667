"""A proxy before the S3 server that does to chosen requests what networks and sick servers do.

``proxy.on("PUT", "current.json", lost)``: the next such request goes through, and its answer is lost.
"""

import http.client
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

ALWAYS = 10**6


class Request(BaseHTTPRequestHandler):
    """One request on its way; a fault is a function of it."""

    protocol_version = "HTTP/1.1"
    server: "Proxy"

    def serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.server.fault_for(self)(self)
        except (OSError, http.client.HTTPException):  # the server is gone, or the client does not wait
            self.reset()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = serve

    def ask(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """The server's answer. All headers go as they came: they are signed."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    upstream.putheader(name, value)
            upstream.endheaders(self.body)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def tell(self, status: int, headers: list[tuple[str, str]], body: bytes, whole: int | None = None) -> None:
        """Answer the client; ``whole`` promises more bytes than follow."""
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection") or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body) if whole is None else whole))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def reset(self) -> None:
        """Drop the connection as a dead peer does: with a reset, not with an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass

    def finish(self) -> None:
        if self.connection.fileno() != -1:
            super().finish()


Fault = Callable[[Request], None]


def through(request: Request) -> None:
    request.tell(*request.ask())


def reset(request: Request) -> None:
    request.reset()


def lost(request: Request) -> None:
    request.ask()
    request.reset()


def cut(request: Request) -> None:
    status, headers, body = request.ask()
    request.tell(status, headers, body[: len(body) // 2], whole=len(body))
    request.reset()


def damaged(request: Request) -> None:
    status, headers, body = request.ask()
    request.tell(status, headers, body[:-1] + bytes([body[-1] ^ 1]))


def answered(status: int, code: str) -> Fault:
    body = f"<Error><Code>{code}</Code><Message>Please reduce your request rate.</Message></Error>".encode()
    return lambda request: request.tell(status, [("Content-Type", "application/xml")], body)


def slow(seconds: float) -> Fault:
    def fault(request: Request) -> None:
        time.sleep(seconds)
        through(request)

    return fault


def after(action: Callable[[], object], then: Fault = through) -> Fault:
    """Something else happens while the request is on its way."""

    def fault(request: Request) -> None:
        action()
        then(request)

    return fault


@dataclass
class _Rule:
    method: str
    part: str
    fault: Fault
    left: int


class Proxy(ThreadingHTTPServer):
    """Forwards to a port of this machine, but for the faults that a test asked for."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: int):
        super().__init__(("127.0.0.1", 0), Request)
        self.upstream = upstream
        self.rules: list[_Rule] = []
        self.lock = Lock()
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def on(self, method: str, part: str, fault: Fault, times: int = 1) -> None:
        """Do this to the next ``times`` requests with this method and this part in their address."""
        self.rules.append(_Rule(method, part, fault, times))

    def fault_for(self, request: Request) -> Fault:
        with self.lock:
            for rule in self.rules:
                if rule.left and rule.method == request.command and rule.part in request.path:
                    rule.left -= 1
                    return rule.fault
        return through

    @property
    def done(self) -> bool:
        """Whether every fault has happened at least once: a test of a fault that never came would prove nothing."""
        return all(rule.left == 0 or (rule.left >= ALWAYS // 2 and rule.left != ALWAYS) for rule in self.rules)

    def handle_error(self, *_: object) -> None:
        pass
