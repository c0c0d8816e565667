"""The service as its users see it: a camera in, answers out."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from openapi_spec_validator import validate as validate_description

from edge_runtime.following.belief import State
from edge_runtime.following.tracks import Event, Kind
from edge_runtime.server.api import description
from edge_runtime.server.outbox import Outbox

from .client import PATIENCE


def test_the_description_is_valid_openapi():
    validate_description(description())


def test_a_client_that_is_made_from_the_description_can_send_a_photo():
    """Generators leave a call out whose body has no schema."""
    asked = description()["paths"]["/api/v1/recognize"]["post"]["requestBody"]["content"]
    assert asked["application/octet-stream"]["schema"] == {"type": "string", "format": "binary"}


def test_a_card_in_front_of_the_camera_is_confirmed_and_leaves(serve, hand, scans, table, photo_of):
    _, client = serve(leave=0.2)
    with client.stream() as stream:
        assert stream.take(lambda m: m["type"] == "state")["status"] == "no card"
        hand.picture = photo_of(scans["demo-1"])
        confirmed = stream.take(lambda m: m.get("event") == "confirmed")
        (card,) = confirmed["cards"]
        assert card == {"card_id": "demo-1", "name": "Amber Fox", "set": "demo", "set_name": "Demo Days", "number": "1"}
        state = stream.take(lambda m: m["type"] == "state" and m["status"] == "confirmed")
        assert state["cards"][0]["cards"][0]["name"] == "Amber Fox"
        hand.picture = table
        stream.take(lambda m: m["type"] == "state" and m["status"] == "no card")
        assert stream.take(lambda m: m.get("event") == "left")["stay"] == confirmed["stay"]


def test_pictures_are_not_deflated_for_a_client_that_offers_it(serve):
    """JPEG does not shrink: it would cost a device more than making the picture does, for each who watches."""
    _, client = serve()
    with client.stream(compression="deflate") as stream:
        assert "permessage-deflate" in stream.socket.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in stream.socket.response.headers


def test_a_picture_comes_for_each_that_is_asked_for_with_the_corners_on_it(serve, hand, scans, photo_of):
    hand.picture = photo_of(scans["demo-1"])
    _, client = serve()
    with client.stream() as stream:
        stream.take(lambda m: m["type"] == "state" and m["status"] == "confirmed")
        head, picture = stream.picture()
        assert (head["width"], head["height"]) == (640, 480)
        assert picture.shape == (480, 640, 3)
        assert head["cards"][0]["corners"][0] == pytest.approx([250, 90], abs=8)
        assert np.abs(picture.astype(int) - hand.picture).mean() < 12


def test_a_client_that_asks_for_no_picture_costs_none(serve, hand, monkeypatch):
    made = []
    monkeypatch.setattr("edge_runtime.server.viewfinder.picture_of", made.append)
    _, client = serve()
    with client.stream() as stream:
        stream.take(lambda m: m["type"] == "state")
        shown = hand.shown
        while hand.shown < shown + 10:
            time.sleep(0.02)
    assert not made


def test_a_client_that_never_reads_slows_nobody(serve, hand, scans, photo_of, until):
    hand.picture = photo_of(scans["demo-1"])
    service, client = serve()
    with client.stream(max_queue=1, close_timeout=0.5) as sleeper, client.stream() as reader:
        for _ in range(50):
            sleeper.socket.send('{"type": "next"}')
        reader.take(lambda m: m["type"] == "state" and m["status"] == "confirmed")
        for _ in range(3):
            reader.picture()
        before = service.feed.frames
        until(lambda: service.feed.frames > before + 10)
        assert service.loop.alive


def test_whoever_asks_for_the_stream_as_for_a_page_is_told_that_it_is_none(serve):
    _, client = serve()
    answer = client.get("/api/v1/stream")
    assert (answer.status_code, answer.json()["reason"], answer.headers["upgrade"]) == (426, "websocket", "websocket")


def test_a_message_that_is_not_understood_ends_the_conversation(serve):
    from websockets.exceptions import ConnectionClosed

    _, client = serve()
    for sent in ("hello", "[]", '{"type": "frame"}', b"\x00", "[" * 4000):
        with client.stream() as stream:
            stream.socket.send(sent)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    stream.next_message()
            assert closed.value.rcvd.code == 1007


def test_a_photo_is_answered_while_the_camera_goes_on(serve, hand, scans, photo_of, jpeg, publisher):
    _, client = serve()
    answer = client.post("/api/v1/recognize", jpeg(photo_of(scans["demo-3"])), headers={"content-type": "image/jpeg"})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["status"], found["width"], found["height"]) == ("confirmed", 640, 480)
    assert found["release_id"] == publisher.folder.name
    assert found["cards"][0]["card_id"] == "demo-3"
    assert found["cards"][0]["corners"][0] == pytest.approx([250, 90], abs=8)


def test_photos_are_answered_while_the_camera_is_lost_and_that_is_shown(serve, hand, scans, photo_of, jpeg, until):
    _, client = serve()
    until(lambda: client.get("/readyz").status_code == 200)
    with client.stream() as stream:
        hand.lost = True
        stream.take(lambda m: m["type"] == "state" and m["source"] == "lost")
        assert client.get("/readyz").json() == {"ready": False, "why_not": "the camera is lost and waited for"}
        assert client.get("/healthz").status_code == 200
        answer = client.post("/api/v1/recognize", jpeg(photo_of(scans["demo-2"])))
        assert answer.json()["cards"][0]["card_id"] == "demo-2"
        hand.lost = False
        stream.take(lambda m: m["type"] == "state" and m["source"] == "live")


def test_who_is_told_of_events_is_told_of_a_lost_camera_too(serve, hand, until):
    class Hears(Outbox):
        def sees(self, sees):
            heard.append(sees)

    heard = []
    serve(messengers=[Hears("hears", lambda event: None, lambda *_: None)])
    until(lambda: heard[-1:] == [True])
    hand.lost = True
    until(lambda: heard[-1:] == [False])


def test_cards_and_their_scans_are_looked_up(serve, scans, publisher):
    _, client = serve()
    card = client.get("/api/v1/cards/demo-2").json()
    assert (card["name"], card["release_id"]) == ("Blue Heron", publisher.folder.name)
    picture = cv2.imdecode(np.frombuffer(client.get("/api/v1/cards/demo-2/picture").content, np.uint8), 1)
    assert picture.shape == (352, 252, 3)
    for path in ("/api/v1/cards/demo-99", "/api/v1/cards/demo-99/picture", "/api/v1/cards/..%2f..%2fetc%2fpasswd"):
        assert client.get(path).status_code == 404


def test_a_memory_card_that_stalls_holds_up_none_but_who_asked_for_a_picture_on_it(serve, opened):
    """The event loop waited for it, with all who watch, and the supervisor's watchdog bit."""
    served, goes_on, asked = opened(), threading.Event(), threading.Event()
    picture = served.picture
    served.picture = lambda card_id: asked.set() or (goes_on.wait(PATIENCE) and picture(card_id))
    _, client = serve(served=served)
    with ThreadPoolExecutor(1) as pool:
        scan = pool.submit(client.get, "/api/v1/cards/demo-2/picture")
        try:
            assert asked.wait(PATIENCE)
            assert client.get("/healthz").status_code == 200
            assert not scan.done()
        finally:
            goes_on.set()
    assert scan.result().content.startswith(b"\xff\xd8")


def test_cards_are_found_by_name_set_and_number(serve, publisher):
    _, client = serve()
    found = client.get("/api/v1/cards?q=HERON+2").json()
    assert found["release_id"] == publisher.folder.name
    assert [card["card_id"] for card in found["cards"]] == ["demo-2"]
    assert len(client.get("/api/v1/cards?q=demo&limit=3").json()["cards"]) == 3
    for query in ("", "?q=", "?q=%20", f"?q={'x' * 101}", "?q=fox&limit=0", "?q=fox&limit=101"):
        assert client.get(f"/api/v1/cards{query}").status_code == 422, query


def test_the_release_is_told_without_a_path_of_the_device(serve, publisher, opened):
    _, client = serve()
    answer = client.get("/api/v1/release")
    assert answer.json()["release_id"] == publisher.folder.name
    assert answer.json()["cards"] == 6
    assert answer.json()["expires"] == opened().expires.isoformat(timespec="seconds") and not answer.json()["expired"]
    assert str(publisher.releases) not in answer.text


def test_history_is_paged_both_ways_and_exported(serve, hand, scans, table, photo_of, until):
    _, client = serve(leave=0.1)
    for number in (1, 2):
        hand.picture = photo_of(scans[f"demo-{number}"])
        until(
            lambda n=number: any(
                e["event"] == "confirmed" and e["cards"][0]["number"] == str(n) for e in events(client)
            )
        )
        hand.picture = table
        until(lambda n=number: sum(e["event"] == "left" for e in events(client)) == n)
    newest_first = events(client)
    assert [event["number"] for event in newest_first] == [6, 5, 4, 3, 2, 1]
    assert [event["event"] for event in newest_first[:3]] == ["left", "confirmed", "appeared"]
    page = client.get("/api/v1/events?limit=2").json()
    assert (len(page["events"]), page["next"]) == (2, 5)
    assert client.get("/api/v1/events?limit=2&before=5").json()["events"] == newest_first[2:4]
    assert client.get("/api/v1/events?after=4").json()["events"] == newest_first[1::-1]
    assert client.get("/api/v1/events").json()["next"] is None, "there are no more"
    seen = client.get(f"/api/v1/events/{newest_first[1]['number']}/picture").content
    assert cv2.imdecode(np.frombuffer(seen, np.uint8), 1).shape == (176, 126, 3)
    rows = client.get("/api/v1/events.csv").text.splitlines()
    assert len(rows) == 7
    assert rows[2].split(",")[2:3] + rows[2].split(",")[7:9] == ["confirmed", "demo-1", "Amber Fox"]
    marked = client.get("/api/v1/events.csv?bom=1").content
    assert marked.decode("utf-8-sig").splitlines() == rows and marked.startswith(b"\xef\xbb\xbf")
    assert client.get("/api/v1/events.csv?bom=yes").status_code == 422
    for query in ("limit=0", "limit=many", "limit=1001", "before=-1", "after=1&before=2", "after=1e3", "after=٣"):
        assert client.get(f"/api/v1/events?{query}").status_code == 422


def test_an_event_whose_card_is_remembered_no_more_has_no_picture(serve, table):
    service, client = serve()
    corners = np.float32([[0, 0], [63, 0], [63, 88], [0, 88]])
    left = service.board.history.add(Event(Kind.LEFT, 0.0, 7, State.UNKNOWN, 0.0, (), corners), table, "0123")
    assert client.get(f"/api/v1/events/{left.number}/picture").status_code == 404


def events(client):
    return client.get("/api/v1/events").json()["events"]


@pytest.mark.parametrize(("method", "what"), [("GET", "picture"), ("POST", "correction")])
def test_a_number_of_thousands_of_digits_is_that_of_no_event(serve, method, what):
    _, client = serve()
    assert client.ask(method, f"/api/v1/events/{'9' * 5000}/{what}").status_code == 404


def test_a_loop_that_hangs_is_not_alive(serve, monkeypatch, until):
    monkeypatch.setattr("edge_runtime.server.loop.STALE", 0.2)
    service, client = serve()
    until(lambda: client.get("/healthz").status_code == 200)
    go_on = threading.Event()
    monkeypatch.setattr(service.loop.served.recognizer, "recognize", lambda image, **_: go_on.wait(60))
    until(lambda: client.get("/healthz").status_code == 503)
    until(lambda: client.get("/readyz").json().get("why_not") == "the recogniser does not move")
    go_on.set()


def test_a_recogniser_that_fails_again_and_again_ends_the_service(serve, hand, monkeypatch, until):
    service, _ = serve()

    def fail(image):
        raise RuntimeError("the chip is gone")

    monkeypatch.setattr(service.loop.served.recognizer, "recognize", fail)
    until(lambda: service.failed)
    until(lambda: service._server.should_exit)


def test_an_expired_release_goes_on_and_is_told(serve, opened, hand, scans, photo_of):
    from datetime import UTC, datetime

    served = opened()
    served.expires = datetime(2020, 1, 1, tzinfo=UTC)
    hand.picture = photo_of(scans["demo-1"])
    _, client = serve(served=served)
    with client.stream() as stream:
        state = stream.take(lambda m: m["type"] == "state" and m["status"] == "confirmed")
    assert (state["release"]["expired"], state["release"]["expires"]) == (True, "2020-01-01T00:00:00+00:00")
    assert "edge_release_expired 1.0" in client.get("/metrics").text


def test_whoever_comes_after_the_end_of_a_video_still_gets_its_last_picture(serve, hand, scans, photo_of, until):
    hand.picture = photo_of(scans["demo-1"])
    service, client = serve()
    with client.stream() as first:
        first.take(lambda m: m["type"] == "state" and m["status"] == "confirmed")
        hand.lost = True
        until(lambda: service.feed.state == "lost")
        last = first.picture()[0]["number"]
        with client.stream() as second:
            assert second.picture()[0]["number"] >= last
