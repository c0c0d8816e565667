"""An S3 server that takes connections and says nothing: it is waited for once, and everybody hears of it."""

import contextlib
import socket
from threading import Thread
from types import SimpleNamespace

import dagster as dg
import pytest
from botocore.exceptions import ReadTimeoutError

from pcr_assets.definitions import build_defs
from pcr_assets.refresh import command
from pcr_assets.resources import s3_client, s3_silence
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError, open_store

TRIES, SECONDS = 3, 0.4
SAID = "does not answer when asked for s3://cards/"
SOURCES = ("raw_card_images", "evaluation_photos", "strangers", "sets_to_learn", "device_feedback")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(s3_client, "SILENT_SECONDS", SECONDS)
    monkeypatch.setattr(s3_client, "TRIES", TRIES)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)


@pytest.fixture
def silent(monkeypatch, tmp_path):
    """The connections that such a server took; the environment names it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take():
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        Thread(target=take, daemon=True).start()
        monkeypatch.setenv("PCR_S3_ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield taken
        listening.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


def test_a_plan_waits_for_one_of_five_sources_and_says_meanwhile_for_whom(silent, capsys, caplog):
    """Each of them waited five minutes, and nothing was said before the last had."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert command.main(["plan"], lambda: build_defs({"project": Project(store="s3://cards/team")}), instance) == 1
    said = capsys.readouterr().err
    assert len(silent) == TRIES
    assert said.count(SAID) == 1
    assert all(source in said for source in SOURCES)
    waited = [record.message for record in caplog.records if "does not answer" in record.message]
    assert [message.partition("answer: ")[2] for message in waited] == [
        f"it is asked again, {again} of {TRIES} times" for again in (2, 3)
    ]


def test_a_server_that_was_silent_is_asked_again_after_a_while(silent, monkeypatch):
    store = open_store("s3://cards/team")
    for remembered, asked in ((60, TRIES), (60, TRIES), (0, 2 * TRIES)):
        monkeypatch.setattr(s3_silence, "REMEMBERED_SECONDS", remembered)
        with pytest.raises(StoreError, match=SAID):
            store.read("a")
        assert len(silent) == asked


class Hooks:
    """A client that keeps what hears of its requests, and a clock."""

    def __init__(self):
        self.now, self.heard = 1000.0, {}
        self.meta = SimpleNamespace(events=SimpleNamespace(register=self.heard.__setitem__))

    def monotonic(self):
        return self.now

    def answered(self):
        self.heard["needs-retry.s3"](response=(object(), {}), attempts=1, caught_exception=None)

    def timed_out(self, attempt):
        error = ReadTimeoutError(endpoint_url="http://s3")
        self.heard["needs-retry.s3"](response=None, attempts=attempt, caught_exception=error)

    def asked(self):
        self.heard["before-call.s3"]()


@pytest.mark.parametrize("others", [False, True], ids=["nothing else comes", "others come"])
def test_one_object_that_never_comes_while_others_do_makes_no_server_silent(others, monkeypatch):
    client = Hooks()
    monkeypatch.setattr(s3_silence, "time", client)
    s3_silence.Silence("http://s3").heed(client, TRIES, SECONDS)
    for attempt in range(1, TRIES + 1):
        client.now += SECONDS
        if others:
            client.answered()
        client.timed_out(attempt)
    with contextlib.nullcontext() if others else pytest.raises(ReadTimeoutError):
        client.asked()
