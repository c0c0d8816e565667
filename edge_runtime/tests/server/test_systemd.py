"""What a supervisor hears."""

import os
import socket

import pytest

from edge_runtime.server.systemd import READY, WATCHDOG, notify, watchdog_seconds


@pytest.fixture
def supervisor(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind(str(tmp_path / "notify"))
        hears.settimeout(30)
        yield hears


def heard(supervisor, line):
    while line not in (said := supervisor.recv(4096).decode()).splitlines():
        pass
    return said


def test_lines_arrive_in_one_datagram(supervisor):
    assert notify(READY, "STATUS=well", environment={"NOTIFY_SOCKET": supervisor.getsockname()})
    assert supervisor.recv(4096) == b"READY=1\nSTATUS=well"


def test_an_abstract_socket_is_reached():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        name = f"edge-runtime-test-{os.getpid()}"
        hears.bind(f"\0{name}")
        assert notify(READY, environment={"NOTIFY_SOCKET": f"@{name}"})
        assert hears.recv(4096) == b"READY=1"


@pytest.mark.parametrize(
    "address", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"NOTIFY_SOCKET": "/nobody/listens"}]
)
def test_without_a_supervisor_nothing_happens(address):
    assert not notify(READY, environment=address)


def test_signs_of_life_are_due_at_half_of_what_is_allowed():
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000"}) == 15
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}) == 15
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_seconds({"WATCHDOG_USEC": "soon"}) is None
    assert watchdog_seconds({}) is None


def test_the_service_says_ready_gives_signs_of_life_while_its_loop_moves_and_says_when_it_stops(
    serve, supervisor, monkeypatch, until, publisher
):
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    service, _ = serve()
    assert f"STATUS=serving release {publisher.folder.name}" in heard(supervisor, READY)
    heard(supervisor, WATCHDOG)
    monkeypatch.setattr("edge_runtime.server.loop.STALE", -1.0)
    supervisor.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            supervisor.recv(4096)
    supervisor.settimeout(30)
    service.stop()
    heard(supervisor, "STOPPING=1")


def test_the_supervisor_hears_which_release_answers_after_a_change(
    serve, supervisor, monkeypatch, publisher, opened, another
):
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.getsockname())
    service, _ = serve()
    heard(supervisor, f"STATUS=serving release {publisher.folder.name}")
    later = another()
    assert service.inbox.put_release(opened()) is None
    heard(supervisor, f"STATUS=serving release {later}")
