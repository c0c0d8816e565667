"""The page in a real browser, while the service, the network or the page's own place is gone."""

import socket
import threading

import pytest

from edge_runtime.server.service import Service
from edge_runtime.server.settings import Settings


@pytest.fixture
def serve_again(opened, hand):
    """Starts a service at one port, again and again; gives it and what ends it."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]

    def start():
        service = Service(opened(), hand, Settings(port=port))
        listening = socket.create_server(("127.0.0.1", port))
        service.__enter__()
        thread = threading.Thread(target=service.serve, args=(listening,), daemon=True)
        thread.start()

        def stop():
            service.stop()
            thread.join(30)
            hand.closed = threading.Event()
            service.__exit__()
            hand.closed = threading.Event()
            listening.close()

        return stop

    return f"http://127.0.0.1:{port}/", start


def test_the_page_comes_back_when_the_service_does_and_shows_its_history_alone(
    page, serve_again, hand, scans, photo_of, table
):
    address, start = serve_again
    hand.picture = photo_of(scans["demo-1"])
    stop = start()
    page.open(address)
    page.sees("#events", "Amber Fox")
    stop()
    page.sees("#notice", "can't be reached")
    assert page.text("#answer-title") == "Last in front of the camera"
    hand.picture = table
    stop = start()
    page.until("!document.querySelector('#notice').textContent")
    page.sees("#no-events", "Nothing has happened yet")
    page.sees("#now", "no card")
    assert page.run("document.querySelector('#events').children.length") == 0
    stop()


def test_a_network_that_goes_away_without_a_word_is_noticed(page, serve):
    _, client = serve()
    page.open(client.base)
    page.sees("#now", "no card")
    page.offline(True)
    page.sees("#notice", "can't be reached")
    page.offline(False)
    page.until("!document.querySelector('#notice').textContent")


def test_a_page_too_many_comes_back_more_and_more_seldom(page, serve, monkeypatch):
    monkeypatch.setattr("edge_runtime.server.live.MOST_WATCHERS", 0)
    _, client = serve()
    page.open(client.base)
    page.run(
        "window.pauses = []; const wait = setTimeout; window.setTimeout = (work, ms) => wait(work, 0 * pauses.push(ms))"
    )
    page.until("pauses.includes(10000)")
