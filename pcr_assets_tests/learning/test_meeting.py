"""Where the processes of a team meet on a cluster."""

import socket
import threading
from datetime import timedelta

import pytest

from pcr_assets.learning import meeting
from pcr_assets.learning.meeting import NobodyCame, Share


@pytest.fixture
def door(monkeypatch):
    """A door on the loopback interface, as a node of a cluster opens it for its leader."""
    opened = socket.create_server(("127.0.0.1", 0))
    share = Share(here=1, size=2, place=f"127.0.0.1:{opened.getsockname()[1]}")
    for name, value in share.environment(0, opened.fileno()).items():
        monkeypatch.setenv(name, value)
    yield opened
    opened.detach()  # the store has closed it


def test_a_process_that_is_alone_is_told_nothing():
    assert Share().environment(0, None) == {}


def test_every_process_is_told_its_rank_and_the_leader_the_door():
    second = Share(first=2, here=2, size=4, place="10.0.0.1:4123")
    told = [second.environment(rank, None) for rank in second.ranks]
    assert [(each["RANK"], each["LOCAL_RANK"], each["WORLD_SIZE"]) for each in told] == [
        ("2", "0", "4"),
        ("3", "1", "4"),
    ]
    assert meeting.DOOR not in told[0]
    assert Share(size=4).environment(0, 7)[meeting.DOOR] == "7"


def test_a_team_meets_at_a_door_that_was_opened_before(door):
    found = []
    other = threading.Thread(target=lambda: found.append(meeting.store(2, False, timedelta(seconds=20))))
    other.start()
    store = meeting.store(2, True, timedelta(seconds=20))
    other.join()
    store.set("said", "by the leader")
    assert found[0].get("said") == b"by the leader"


def test_a_team_that_does_not_meet_is_told_what_to_look_after(door, monkeypatch):
    monkeypatch.setattr(meeting, "ARRIVAL", timedelta(seconds=0.2))
    with pytest.raises(
        NobodyCame, match=r"did not all reach 127.0.0.1:\d+ within .*: let the nodes of the cluster reach"
    ):
        meeting.store(2, True, timedelta(seconds=20))
