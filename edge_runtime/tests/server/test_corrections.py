"""A name that was given surely and wrongly: whoever sees it says so, and the card is kept with what the device was unsure of."""

import csv
import errno
import json
import os

import cv2
import numpy as np
import pytest

from edge_runtime.feedback.box import kept
from edge_runtime.feedback.corrections import Corrections
from edge_runtime.server.album import Album


@pytest.fixture
def confirmed(serve, hand, scans, photo_of, tmp_path, until):
    """A service that keeps corrections and has confirmed a card: its client, that event, and where it keeps them."""

    def start(corrections):
        hand.picture = photo_of(scans["demo-1"])
        _, client = serve(corrections=corrections)
        events = until(lambda: [e for e in client.get("/api/v1/events").json()["events"] if e["event"] == "confirmed"])
        return client, events[0]

    return start


def corrected(client, number, body):
    return client.post(f"/api/v1/events/{number}/correction", body, headers={"content-type": "application/json"})


def test_a_correction_is_kept_with_what_the_camera_saw_of_the_card(confirmed, tmp_path):
    client, event = confirmed(Corrections(tmp_path / "box"))
    assert corrected(client, event["number"], b'{"card_id": "demo-2"}').status_code == 201
    (said,) = kept(tmp_path / "box")
    assert (said["status"], said["card_id"], said["corrected"]) == ("confirmed", "demo-1", "demo-2")
    assert (said["release_id"], said["variant"], said["similarity"]) == (event["release_id"], "fp32", None)
    (picture,) = (tmp_path / "box").glob(f"{event['at'][:10]}/*.jpg")
    assert cv2.imdecode(np.frombuffer(picture.read_bytes(), np.uint8), 1).shape == (176, 126, 3)


def test_of_several_corrections_of_an_event_the_last_one_counts(confirmed, tmp_path):
    client, event = confirmed(Corrections(tmp_path / "box"))
    for body in (b'{"card_id": "demo-2"}', b'{"card_id": "demo-3"}', b'{"card_id": "demo-3"}'):
        assert corrected(client, event["number"], body).status_code == 201
    assert [said["corrected"] for said in kept(tmp_path / "box")] == ["demo-3"]
    assert len(list((tmp_path / "box").rglob("*.jpg"))) == 1


def test_an_event_of_another_start_of_the_service_is_not_taken_for_the_one_that_has_its_number_now(confirmed, tmp_path):
    client, event = confirmed(Corrections(tmp_path / "box"))
    answer = corrected(client, event["number"], b'{"card_id": "demo-2", "id": "0123456789ab-2"}')
    assert (answer.status_code, answer.json()["reason"]) == (404, "event")
    assert not (tmp_path / "box").exists()
    body = json.dumps({"card_id": "demo-2", "id": event["id"]}).encode()
    assert corrected(client, event["number"], body).status_code == 201


def test_a_card_may_have_any_id_that_scans_are_called_by(confirmed, tmp_path):
    client, event = confirmed(Corrections(tmp_path / "box"))
    for card_id in ("exu-!", "exu-?", "ex10-A+b", "sv3.5-1_A1"):
        assert corrected(client, event["number"], json.dumps({"card_id": card_id}).encode()).status_code == 201
        assert [said["corrected"] for said in kept(tmp_path / "box")] == [card_id]


def test_the_history_and_what_is_saved_of_it_say_which_card_it_was(confirmed, tmp_path):
    client, event = confirmed(Corrections(tmp_path / "box"))
    assert event["corrected"] is None
    assert corrected(client, event["number"], b'{"card_id": "demo-2"}').status_code == 201
    events = client.get("/api/v1/events").json()["events"]
    assert {each["number"]: each["corrected"] for each in events if each["corrected"]} == {event["number"]: "demo-2"}
    rows = csv.DictReader(client.get("/api/v1/events.csv").text.splitlines())
    assert [(row["card_id"], row["corrected"]) for row in rows if row["event"] == "confirmed"] == [("demo-1", "demo-2")]


def test_of_a_release_that_answers_no_more_nobody_says_which_model_named_the_card(
    serve, hand, scans, photo_of, opened, another, tmp_path, until
):
    hand.picture = photo_of(scans["demo-1"])
    service, client = serve(corrections=Corrections(tmp_path / "box"))
    first = client.get("/api/v1/release").json()["release_id"]
    (event, *_) = until(lambda: [e for e in client.get("/api/v1/events").json()["events"] if e["event"] == "confirmed"])
    following = another()
    service.inbox.put_release(opened())
    until(lambda: client.get("/api/v1/release").json()["release_id"] == following)
    assert corrected(client, event["number"], b'{"card_id": "demo-2"}').status_code == 201
    (said,) = kept(tmp_path / "box")
    assert (said["release_id"], said["variant"]) == (first, "")


def test_whoever_watches_is_told_of_a_correction(confirmed, tmp_path):
    client, event = confirmed(Corrections(tmp_path / "box"))
    with client.stream() as watching:
        watching.take(lambda message: message["type"] == "state")
        assert corrected(client, event["number"], b'{"card_id": "demo-2"}').status_code == 201
        told = watching.take(lambda message: message["type"] == "correction")
    assert told == {**event, "type": "correction", "corrected": "demo-2"}


def test_what_is_no_card_is_refused(confirmed, tmp_path):
    client, event = confirmed(Corrections(tmp_path / "box"))
    wrong = (
        b"",
        b"demo-2",
        b"[]",
        b'{"card_id": 3}',
        b'{"card_id": "../x"}',
        b'{"card_id": "demo-2", "id": 2}',
        b"{" * 900,
        b'"' + b"x" * 5000,
    )
    for body in wrong:
        assert corrected(client, event["number"], body).status_code == 422, body
    assert not (tmp_path / "box").exists()


def test_a_card_that_left_without_a_name_is_kept_with_the_one_that_a_person_gives_it(
    serve, hand, stranger, table, photo_of, tmp_path, until
):
    hand.picture = photo_of(stranger)
    _, client = serve(corrections=Corrections(tmp_path / "box"), leave=0.2)

    def events(kind):
        return [event for event in client.get("/api/v1/events").json()["events"] if event["event"] == kind]

    until(lambda: events("appeared"))
    hand.picture = table
    (left,) = until(lambda: events("left"))
    assert (left["status"], left["cards"]) == ("unknown", [])
    assert corrected(client, left["number"], b'{"card_id": "next1-7"}').status_code == 201
    (said,) = kept(tmp_path / "box")
    assert (said["status"], said["card_id"], said["corrected"]) == ("unknown", "", "next1-7")


def test_a_card_that_may_be_named_yet_and_events_that_are_gone_can_not_be_corrected(confirmed, tmp_path):
    client, _ = confirmed(Corrections(tmp_path / "box"))
    appeared = client.get("/api/v1/events?after=0").json()["events"][0]
    assert appeared["event"] == "appeared"
    for number in (appeared["number"], 10**9):
        assert corrected(client, number, b'{"card_id": "demo-2"}').status_code == 404


def test_a_service_that_keeps_nothing_says_how_it_would(confirmed):
    client, event = confirmed(None)
    answer = corrected(client, event["number"], b'{"card_id": "demo-2"}')
    assert (answer.status_code, "--feedback FOLDER" in answer.json()["detail"]) == (409, True)


def test_a_disk_that_can_not_be_written_is_told_to_the_one_who_asked(confirmed, tmp_path):
    (tmp_path / "box").write_text("a file where the folder should be")
    client, event = confirmed(Corrections(tmp_path / "box"))
    assert corrected(client, event["number"], b'{"card_id": "demo-2"}').status_code == 507


def test_of_a_full_disk_the_log_says_which_file_had_no_room(confirmed, tmp_path, monkeypatch, caplog):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    client, event = confirmed(Corrections(tmp_path / "box"))
    monkeypatch.setattr(os, "fsync", full)
    assert corrected(client, event["number"], b'{"card_id": "demo-2"}').status_code == 507
    assert f"a correction is not kept: {tmp_path / 'box' / event['at'][:10]}" in caplog.text


def test_a_card_on_a_photo_is_kept_with_the_one_that_a_person_gives_it(serve, scans, photo_of, jpeg, tmp_path):
    _, client = serve(corrections=Corrections(tmp_path / "box"))
    answer = client.post("/api/v1/recognize", jpeg(photo_of(scans["demo-1"]))).json()
    (card,) = answer["cards"]
    assert not (tmp_path / "box").exists()
    for right in ("demo-3", "demo-2"):
        assert (
            client.post(f"/api/v1/photos/{card['id']}/correction", b'{"card_id": "%s"}' % right.encode()).status_code
            == 201
        )
    (said,) = kept(tmp_path / "box")
    assert (said["status"], said["card_id"], said["corrected"]) == ("confirmed", "demo-1", "demo-2")
    assert (said["release_id"], said["variant"]) == (answer["release_id"], "fp32")
    (picture,) = (tmp_path / "box").rglob("*.jpg")
    seen = cv2.imdecode(np.frombuffer(picture.read_bytes(), np.uint8), 1)
    scan = cv2.resize(scans["demo-1"], seen.shape[1::-1], interpolation=cv2.INTER_AREA)[..., ::-1]
    assert np.abs(seen.astype(int) - scan).mean() < 20, "the card alone"


def test_a_card_that_was_not_named_on_a_photo_is_kept_without_a_name(serve, stranger, photo_of, jpeg, tmp_path):
    _, client = serve(corrections=Corrections(tmp_path / "box"))
    (card,) = client.post("/api/v1/recognize", jpeg(photo_of(stranger))).json()["cards"]
    assert card["status"] == "unknown"
    assert client.post(f"/api/v1/photos/{card['id']}/correction", b'{"card_id": "next1-7"}').status_code == 201
    (said,) = kept(tmp_path / "box")
    assert (said["status"], said["card_id"], said["corrected"]) == ("unknown", "", "next1-7")


def test_where_nothing_is_kept_no_card_of_a_photo_is_remembered(serve, scans, photo_of, jpeg):
    service, client = serve()
    (card,) = client.post("/api/v1/recognize", jpeg(photo_of(scans["demo-1"]))).json()["cards"]
    assert card["id"] is None
    answer = client.post(f"/api/v1/photos/{service.board.history.run}-photo-1/correction", b'{"card_id": "demo-2"}')
    assert (answer.status_code, "--feedback FOLDER" in answer.json()["detail"]) == (409, True)


def test_of_photos_the_last_cards_are_remembered_until_the_service_ends(serve, table, tmp_path):
    card = {
        "status": "confirmed",
        "confidence": 0.9,
        "other_printing": False,
        "candidates": [],
        "corners": [[0, 0], [63, 0], [63, 88], [0, 88]],
    }
    album = Album("run", most=2)
    answers = [{"release_id": "0123", "cards": [dict(card)]} for _ in range(3)]
    for answer in answers:
        album.keep(table, answer)
    names = [answer["cards"][0]["id"] for answer in answers]
    assert [album.card(name) is not None for name in names] == [False, True, True]
    _, client = serve(corrections=Corrections(tmp_path / "box"))
    assert client.post(f"/api/v1/photos/{names[-1]}/correction", b'{"card_id": "demo-2"}').status_code == 404


def test_corrections_keep_within_their_room(tmp_path):
    corrections = Corrections(tmp_path, most_bytes=2500)
    event = {
        "at": "2027-01-15T08:00:00.000+00:00",
        "release_id": "0123",
        "status": "confirmed",
        "confidence": 0.99,
        "cards": [{"card_id": "demo-1", "set": "demo"}],
        "other_printing": False,
    }
    for number in range(4):
        corrections.keep({**event, "id": f"run-{number}"}, b"x" * 1000, f"demo-{number}", "int8")
    assert [json.loads(path.read_bytes())["corrected"] for path in tmp_path.glob("*/*.json")].count("demo-3") == 1
    assert len(list(kept(tmp_path))) == 2
