"""A server on loopback that speaks what both catalogues publish, and misbehaves where a test asks for it."""

import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Fault = Callable[["Handler", str, bytes], None]
"""Answers in place of the server: a handler, the type and the body that it would have sent."""


class Published:
    """The catalogues behind one address. ``sets`` maps TCGdex's set id to its cards: local id and name."""

    def __init__(self, pictures: list[bytes]):
        self.pictures = pictures
        self.sets: dict[str, dict[str, str]] = {}
        self.names: dict[str, str] = {}
        self.series: dict[str, str] = {}
        self.without_picture: set[str] = set()
        self.data_files: dict[str, object] = {}
        self.faults: dict[str, deque[Fault]] = {}
        self.delay = 0.0
        self.requests: list[tuple[float, str, str]] = []
        self.agents: set[str] = set()
        self.passwords: set[str | None] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.published = self  # type: ignore[attr-defined]
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.api = f"{self.root}/v2"
        self.data = f"{self.root}/data"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def put(self, set_id: str, *names: str, serie: str = "base", first: int = 1, digits: int = 1, **cards: str):
        """Publish a set: cards numbered from ``first``, or under local ids."""
        numbered = {str(first + index).zfill(digits): name for index, name in enumerate(names)}
        self.sets[set_id], self.series[set_id] = numbered | cards, serie
        self.names.setdefault(set_id, set_id.title())

    def goes_wrong(self, path: str, *faults: Fault):
        """The next requests for a path meet these faults, one each."""
        self.faults[path] = deque(faults)

    def asked_for(self, method: str = "GET") -> Counter[str]:
        """How often each path was asked for."""
        return Counter(path for _, said, path in self.requests if said == method)

    def pictures_asked_for(self) -> Counter[str]:
        return Counter({path: count for path, count in self.asked_for().items() if path.endswith(".png")})

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and body of an honest answer."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match parts:
            case ["v2", "en" | "fr", "sets"]:
                return _json([self._brief(set_id) for set_id in self.sets])
            case ["v2", "en" | "fr" as lang, "sets", set_id] if set_id.lower() in {
                known.lower() for known in self.sets
            }:
                return _json(self._set(lang, next(known for known in self.sets if known.lower() == set_id.lower())))
            case ["v2", lang, *_]:
                kind = "not-found" if lang in {"en", "fr"} else "language-invalid"
                return _json({"type": f"https://tcgdex.dev/errors/{kind}", "status": 404}, 404)
            case ["data", *file] if "/".join(file) in self.data_files:
                status, _, body = _json(self.data_files["/".join(file)])
                return status, "text/plain; charset=utf-8", body  # as files of a repository are served
            case ["assets", *_, name] if name in {"high.png"} or name.endswith("_hires.png"):
                return 200, "image/png", self.pictures[sum(path.encode()) % len(self.pictures)]
        return 404, "text/plain", b"404: Not Found"

    def _brief(self, set_id: str) -> dict[str, object]:
        count = {"total": len(self.sets[set_id]), "official": len(self.sets[set_id])}
        return {"id": set_id, "name": self.names[set_id], "cardCount": count}

    def _set(self, lang: str, set_id: str) -> dict[str, object]:
        cards = []
        for local_id, name in self.sets[set_id].items():
            card = {"id": f"{set_id}-{local_id}", "localId": local_id, "name": name}
            if card["id"] not in self.without_picture:
                card["image"] = f"{self.root}/assets/{lang}/{self.series[set_id]}/{set_id}/{local_id}"
            cards.append(card)
        serie = {"id": self.series[set_id], "name": self.series[set_id].title()}
        return {**self._brief(set_id), "serie": serie, "releaseDate": "1999-01-09", "cards": cards}

    def path_of(self, card_id: str) -> str:
        """The path of a card's picture, by TCGdex's id."""
        set_id, _, local_id = card_id.rpartition("-")
        return f"/assets/en/{self.series[set_id]}/{set_id}/{local_id}/high.png"

    def put_data(self, set_id: str, name: str, cards: dict[str, str]):
        """Publish a set as the Pokémon TCG data does: names by card id."""
        sets = self.data_files.setdefault("sets/en.json", [])
        assert isinstance(sets, list)
        sets.append({"id": set_id, "name": name, "series": "Base", "printedTotal": len(cards), "total": len(cards)})
        self.data_files[f"cards/en/{set_id}.json"] = [self._entry(card_id, card) for card_id, card in cards.items()]

    def _entry(self, card_id: str, name: str) -> dict[str, object]:
        set_id, _, number = card_id.partition("-")
        entry: dict[str, object] = {"id": card_id, "name": name, "supertype": "Pokémon", "number": number.split("_")[0]}
        if card_id not in self.without_picture:
            base = f"{self.root}/assets/{set_id}/{number}"
            entry["images"] = {"small": f"{base}.png", "large": f"{base}_hires.png"}
        return entry


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        published: Published = self.server.published  # type: ignore[attr-defined]
        path = unquote(urlsplit(self.path).path)
        published.requests.append((time.monotonic(), self.command, path))
        published.agents.add(self.headers["User-Agent"])
        published.passwords.add(self.headers["Authorization"])
        status, kind, body = published.answer(urlsplit(self.path).path)
        if published.delay and kind == "image/png":
            time.sleep(published.delay)
        if self.command == "GET" and published.faults.get(path):
            published.faults[path].popleft()(self, kind, body)
        else:
            self.send(status, kind, body)

    do_HEAD = do_GET

    def send(self, status: int, kind: str, body: bytes, **headers: str):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def _json(value: object, status: int = 200) -> tuple[int, str, bytes]:
    return status, "application/json; charset=utf-8", json.dumps(value, ensure_ascii=False).encode()


def status(code: int, **headers: str) -> Fault:
    """An error of the server's."""
    return lambda handler, kind, body: handler.send(code, "text/plain", b"no", **headers)


def cut(handler: Handler, kind: str, body: bytes) -> None:
    """The connection is reset in the middle of the body."""
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def sends(kind: str, body: bytes) -> Fault:
    """Status 200 with something else."""
    return lambda handler, _, __: handler.send(200, kind, body)


def truncated(handler: Handler, kind: str, body: bytes) -> None:
    """Half a picture, as if it were all."""
    handler.send(200, kind, body[: len(body) // 2])


def huge(handler: Handler, kind: str, body: bytes) -> None:
    """Announces a gigabyte."""
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(1 << 30))
    handler.end_headers()
    handler.close_connection = True


def endless(handler: Handler, kind: str, body: bytes) -> None:
    """Announces nothing and never ends."""
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(bytes(1 << 20))
    except OSError:
        pass


def redirects_to_itself(handler: Handler, kind: str, body: bytes) -> None:
    """A loop: the same path again, with another query."""
    published: Published = handler.server.published  # type: ignore[attr-defined]
    path = urlsplit(handler.path).path
    published.faults[unquote(path)].append(redirects_to_itself)
    handler.send(302, "text/plain", b"", Location=f"{path}?{time.monotonic_ns()}")


def silent(seconds: float) -> Fault:
    """Says nothing for a while."""

    def fault(handler: Handler, kind: str, body: bytes) -> None:
        time.sleep(seconds)
        handler.send(200, kind, body)

    return fault


def drips(handler: Handler, kind: str, body: bytes) -> None:
    """A byte every twentieth of a second."""
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    try:
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass
