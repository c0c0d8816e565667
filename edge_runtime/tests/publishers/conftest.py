"""Releases on a web server, and a device that pulls from it."""

import http.server
import threading

import pytest
from web_server import Handler

from edge_runtime.publishers import web
from edge_runtime.releases.pull import pull


@pytest.fixture
def server(published, monkeypatch):
    """It serves what was published, and notes what it was asked for."""
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
    """Pull from it."""
    roots = published.trusted
    return lambda **named: pull(server.url, tmp_path / "home", roots, **named)
