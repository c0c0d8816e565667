"""Another release takes over while frames and photos come, and no answer mixes the two."""

import threading

import pytest

from edge_runtime.refusals import SelfTestFailed
from edge_runtime.server.inbox import Inbox
from edge_runtime.server.successor import Successor

PATH = "/api/v1/recognize"


@pytest.fixture
def successor(publisher, opened):
    """Looks for the release that follows the publisher's first."""

    first = publisher.folder.name

    def make(hand_over, **named):
        named = {"pointer": (publisher.releases / "latest.json").read_bytes, "opened": opened, **named}
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


def test_nothing_is_opened_while_the_pointer_stays(successor, opened):
    counted = []
    following = successor(counted.append, opened=lambda: counted.append("opened") or opened())
    assert [following.look() for _ in range(3)] == [False, False, False]
    assert counted == ["opened"]


def test_a_release_that_fails_its_test_is_closed_and_not_tried_again(successor, another, opened, told):
    another()
    tried = []

    def fail(recognizer):
        tried.append(recognizer)
        raise SelfTestFailed("the picture of demo-1 is taken for demo-2: publish the release again")

    def opened_on_trial():
        served = opened()
        served.trial = Trial(told)
        return served

    following = successor(pytest.fail, opened=opened_on_trial, test=fail)
    assert [following.look() for _ in range(3)] == [False, False, False]
    assert len(tried) == 1
    assert "demo-1 is taken for demo-2" in following.refused
    assert told.get() == "refused", "the next start must not begin with it"


def test_a_release_that_is_damaged_leaves_the_one_that_answers(successor, another, publisher, caplog):
    second = another()
    (publisher.releases / second / "fp32.usearch").write_bytes(b"damaged")
    following = successor(pytest.fail)
    assert [following.look(), following.look()] == [False, False]
    assert "pull the release again" in following.refused
    assert len([each for each in caplog.records if "no other release is used" in each.message]) == 1


def test_a_place_that_cannot_be_read_is_asked_again(successor, another):
    another()
    handed, place_is_there = [], []

    def pointer():
        if not place_is_there:
            raise FileNotFoundError("the stick was pulled out")
        return b"another"

    following = successor(handed.append, pointer=pointer)
    assert not following.look()
    place_is_there.append(True)
    assert following.look()
    assert handed[0].release_id == "fedcba9876543210"
    assert following.refused == ""


def test_a_release_that_is_overtaken_before_it_is_used_is_given_back(opened):
    inbox, first, second = Inbox(1), opened(), opened()
    assert inbox.put_release(first) is None
    assert inbox.put_release(second) is first
    assert inbox.take(0) is second


def test_a_release_is_on_trial_until_it_answered_a_frame(serve, opened, hand, until, told):
    served = opened()
    served.trial = Trial(told)
    serve(served=served)
    until(lambda: told.qsize() == 2)
    assert [told.get() for _ in range(2)] == ["begins", "served well"]


def test_the_start_of_a_release_that_fails_frame_after_frame_stays_counted(serve, opened, hand, until, told):
    served = opened()
    served.trial = Trial(told)

    def fails(image, quick=False):
        raise RuntimeError("the chip is gone")

    served.recognizer.recognize = fails
    service, _ = serve(served=served)
    until(lambda: service.failed)
    until(lambda: told.qsize() == 2)
    assert [told.get() for _ in range(2)] == ["begins", "crashed"]


class Trial:
    """Says what it is told."""

    def __init__(self, told):
        self.told, self.done = told, False

    def begin(self):
        self.told.put("begins")

    def served_well(self):
        if not self.done:
            self.told.put("served well")
        self.done = True

    def failed(self, reason):
        self.told.put("refused")

    def take_back(self):
        if not self.done:
            self.told.put("stopped in peace")
        self.done = True

    def give_up(self):
        self.told.put("crashed")
