"""Another release takes over while frames and photos come, and no answer mixes the two."""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from edge_runtime.hailo.faults import HailoFault
from edge_runtime.releases.opening import newest_at
from edge_runtime.releases.refusals import SelfTestFailed
from edge_runtime.server.inbox import Inbox
from edge_runtime.server.successor import Successor

PATH = "/api/v1/recognize"


@pytest.fixture
def successor(publisher, opened):
    """Looks for the release that follows the publisher's first."""

    first, newest = publisher.folder.name, partial(newest_at, publisher.releases, publisher.trusted)

    def make(hand_over, **named):
        named = {"newest": newest, "opened": opened, "renewed": lambda *_: None, **named}
        return Successor(first, hand_over=hand_over, seconds=0.05, **named)

    return make


def test_releases_change_under_load_and_no_answer_mixes_two(
    serve, hand, scans, photo_of, jpeg, publisher, successor, another, until
):
    hand.picture = photo_of(scans["demo-1"])
    service, client = serve()
    first, photo, answers, done = publisher.folder.name, jpeg(photo_of(scans["demo-1"])), [], threading.Event()

    def ask():
        while not done.is_set():
            answers.append(client.post(PATH, photo))

    with client.stream() as stream:
        before = stream.take(lambda m: m.get("event") == "confirmed")
        asker = threading.Thread(target=ask)
        asker.start()
        until(lambda: len(answers) > 3)
        following = successor(service.inbox.put_release)
        following.start()
        second = another()
        after = stream.take(lambda m: m.get("release_id") == second and m.get("status") == "confirmed")
        count = len(answers)
        until(lambda: len(answers) > count + 3)
        done.set()
        asker.join(30)
        following.close()
    assert (before["cards"][0]["name"], before["release_id"]) == ("Amber Fox", first)
    assert (after["cards"][0]["name"], after["stay"]) == ("Amber Fawn", before["stay"])
    assert all(answer.status_code == 200 for answer in answers)
    said = [(answer.json()["release_id"], answer.json()["cards"][0]["name"]) for answer in answers]
    assert set(said) == {(first, "Amber Fox"), (second, "Amber Fawn")}
    assert said == sorted(said, reverse=first > second)
    assert service.metrics.registry.get_sample_value("edge_frames_total", {"outcome": "failed"}) == 0
    assert client.get("/api/v1/cards/demo-1").json()["name"] == "Amber Fawn"


def test_the_one_before_is_closed_after_its_last_answer(serve, opened, another, until):
    service, _ = serve()
    closed, before = threading.Event(), service.loop.served
    before.recognizer.embedder.close = closed.set
    another()
    service.inbox.put_release(opened())
    assert closed.wait(30)
    assert service.loop.served is not before
    assert before.card("demo-1").name == "Amber Fox"
    assert before.picture("demo-1")[:2] == b"\xff\xd8"


def test_what_only_opening_needed_is_let_go_at_the_start_and_after_each_change(
    serve, opened, another, monkeypatch, until
):
    let_go = []
    monkeypatch.setattr("edge_runtime.server.loop.let_go_of_code", lambda: let_go.append(True))
    service, _ = serve()
    until(lambda: len(let_go) == 1)
    another()
    service.inbox.put_release(opened())
    until(lambda: len(let_go) == 2)


def test_nothing_is_opened_while_the_newest_is_the_one_that_answers(successor):
    following = successor(pytest.fail, opened=pytest.fail)
    assert [following.look() for _ in range(3)] == [False, False, False]


def test_a_release_that_fails_its_test_is_closed_and_not_tried_again(successor, another, opener):
    another()
    tried = []

    def fail(recognizer):
        recognizer.close = lambda: tried.append("closed")
        tried.append("tried")
        raise SelfTestFailed("the picture of demo-1 is taken for demo-2: publish the release again")

    following = successor(pytest.fail, opened=opener(test=fail).next)
    assert [following.look() for _ in range(3)] == [False, False, False]
    assert tried == ["tried", "closed"]
    assert "demo-1 is taken for demo-2" in following.refused


def test_a_release_that_is_damaged_leaves_the_one_that_answers(successor, another, publisher, caplog):
    second = another()
    (publisher.releases / second / "fp32.usearch").write_bytes(b"damaged")
    following = successor(pytest.fail)
    assert [following.look(), following.look()] == [False, False]
    assert "pull the release again" in following.refused
    assert len([each for each in caplog.records if "no other release is used" in each.message]) == 1


def test_a_place_that_cannot_be_read_is_asked_again(successor, another, publisher):
    another()
    handed, place_is_there = [], []

    def newest():
        if not place_is_there:
            raise FileNotFoundError("the stick was pulled out")
        return newest_at(publisher.releases, publisher.trusted)

    following = successor(handed.append, newest=newest)
    assert not following.look()
    place_is_there.append(True)
    assert following.look()
    assert handed[0].release_id == "fedcba9876543210"
    assert following.refused == ""


def test_a_place_that_is_there_again_and_has_nothing_newer_is_told_once(successor, publisher, caplog):
    """The last word of the log was for good that it can't be reached."""
    caplog.set_level("INFO")
    answers = [FileNotFoundError("the stick was pulled out"), None, None]

    def newest():
        if error := answers.pop(0):
            raise error
        return newest_at(publisher.releases, publisher.trusted)

    following = successor(pytest.fail, newest=newest, opened=pytest.fail)
    assert [following.look() for _ in list(answers)] == [False] * 3
    assert [record.getMessage() for record in caplog.records if record.name.endswith("successor")] == [
        "no other release is used: the stick was pulled out",
        f"release {publisher.folder.name}, which answers, is the newest that there is",
    ]


def test_signatures_that_were_renewed_end_the_warning_without_a_restart(publisher, opened, successor, serve, until):
    channel = publisher.repository.channels["stable"]
    channel.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    publisher.publish(publisher.folder, publisher.manifest)
    service, client = serve(served=opened())
    assert client.get("/api/v1/release").json()["expired"] is True
    with client.stream() as stream:
        stream.take(lambda m: m["type"] == "state" and m["release"]["expired"])
        channel.expires += timedelta(days=90)
        publisher.publish(publisher.folder, publisher.manifest)
        assert not successor(pytest.fail, opened=pytest.fail, renewed=service.renewed).look()
        state = stream.take(lambda m: m["type"] == "state" and not m["release"]["expired"])
    assert state["release"]["expires"] == channel.expires.isoformat(timespec="seconds")
    assert "edge_release_expired 0.0" in client.get("/metrics").text


def test_what_is_said_of_another_release_than_the_one_that_answers_changes_nothing(serve, opened):
    service, client = serve()
    service.renewed("fedcba9876543210", datetime(2020, 1, 1, tzinfo=UTC))
    assert client.get("/api/v1/release").json()["expires"] == opened().expires.isoformat(timespec="seconds")


def test_a_release_that_is_overtaken_before_it_is_used_is_given_back(opened):
    inbox, first, second = Inbox(1), opened(), opened()
    assert inbox.put_release(first) is None
    assert inbox.put_release(second) is first
    assert inbox.take(0) is second


def test_a_release_is_on_trial_until_it_answered_frames_for_a_while(serve, opened, until, told):
    served = opened()
    served.trial = Trial(told)
    service, _ = serve(served=served, prove=0.2)
    until(lambda: not told.empty())
    assert told.get() == "served well"
    assert service.feed.frames > 2


def test_a_release_that_is_followed_before_it_has_served_well_was_stopped_in_peace(serve, opened, another, told, until):
    served = opened()
    served.trial = Trial(told)
    service, _ = serve(served=served, prove=3600)
    another()
    service.inbox.put_release(opened())
    until(lambda: not told.empty())
    assert told.get() == "ended by None"


@pytest.mark.parametrize("fault", [RuntimeError("a kernel is missing"), HailoFault("the Hailo chip was lost", 62)])
def test_a_release_that_fails_frame_after_frame_is_told_what_ended_it(serve, opened, until, told, fault):
    served = opened()
    served.trial = Trial(told)

    def fails(image, **_):
        raise fault

    served.recognizer.recognize = fails
    service, _ = serve(served=served, prove=0)
    until(lambda: service.failed and not told.empty())
    assert told.get() == f"ended by {fault}"


class Trial:
    """Says what it is told."""

    def __init__(self, told):
        self.told, self.done = told, False

    def served_well(self):
        if not self.done:
            self.told.put("served well")
        self.done = True

    def ended_by(self, error):
        if not self.done:
            self.told.put(f"ended by {error}")
        self.done = True
