"""Events to a real broker, where one is installed."""

import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time

import pytest

from edge_runtime.cli import _parser
from edge_runtime.server.access import NotSafe
from edge_runtime.server.command import messengers_of
from edge_runtime.server.metrics import Metrics
from edge_runtime.server.mqtt import Mqtt, parse

BROKER = os.environ.get("MOSQUITTO") or shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
client = pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")


def confirmed(number=1, kind="confirmed", stay=1, name="Amber Fox"):
    card = {"card_id": "demo-1", "name": name, "set": "demo", "set_name": "Demo Days", "number": "1"}
    return {
        "id": f"run-{number}",
        "number": number,
        "stay": stay,
        "event": kind,
        "status": "confirmed",
        "confidence": 0.99,
        "cards": [card],
    }


@pytest.fixture
def broker(tmp_path, until):
    """Starts a broker on loopback, and stops it."""
    if BROKER is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto, or name it with MOSQUITTO=/path/to/mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    running = []

    def start():
        running.append(subprocess.Popen([BROKER, "-c", str(tmp_path / "conf")], stderr=subprocess.DEVNULL))
        until(lambda: listens(port))
        return running[-1]

    yield port, start
    for process in running:
        process.kill()
        process.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def hears():
    """Subscribes to everything, and gives a queue of topics and messages."""
    made = []

    def listen(port):
        got = queue.Queue()
        listener = client.Client(client.CallbackAPIVersion.VERSION2)
        listener.on_connect = lambda c, *_: c.subscribe("#", qos=1)
        listener.on_message = lambda c, u, message: got.put((message.topic, message.payload, message.retain))
        listener.connect("127.0.0.1", port)
        listener.loop_start()
        made.append(listener)
        return got

    yield listen
    for listener in made:
        listener.disconnect()
        listener.loop_stop()


def take(got, fits):
    while not fits(found := got.get(timeout=30)):
        pass
    return found


def test_events_that_find_no_room_while_the_broker_is_away_are_counted_and_said_once(monkeypatch, caplog):
    monkeypatch.setattr("edge_runtime.server.mqtt.QUEUED", 2)
    told = []
    messenger = Mqtt("127.0.0.1:1", told=lambda *what: told.append(what))
    for number in range(5):
        messenger.put(confirmed(number))
    assert told == [("mqtt", "dropped")] * 3
    assert [record.message for record in caplog.records] == [
        "MQTT broker 127.0.0.1 is away, and 2 messages wait for it: events are dropped"
    ]


def test_events_arrive_and_what_is_known_is_kept_for_who_comes_later(broker, hears):
    port, start = broker
    start()
    got = hears(port)
    told = Mqtt(f"127.0.0.1:{port}", device="pi 4")
    told.start()
    take(got, lambda each: each[:2] == ("edge-runtime/pi-4/status", b"online"))
    told.put(confirmed())
    event = take(got, lambda each: each[0] == "edge-runtime/pi-4/event")
    assert json.loads(event[1]) == confirmed()
    take(got, lambda each: each[0] == "edge-runtime/pi-4/card")  # from here on the broker keeps it for who comes later
    late = hears(port)
    known = take(late, lambda each: each[0] == "edge-runtime/pi-4/card")
    assert (json.loads(known[1])["name"], json.loads(known[1])["status"], known[2]) == ("Amber Fox", "confirmed", True)
    told.put(confirmed(2, "left"))
    gone = take(late, lambda each: each[0] == "edge-runtime/pi-4/card")
    assert json.loads(gone[1]) == {"status": "no card", "name": "", "confidence": 0.0}
    told.close()
    take(got, lambda each: each[:2] == ("edge-runtime/pi-4/status", b"offline"))


def test_another_printing_of_a_card_is_not_told_by_that_ones_name(monkeypatch):
    told, sent = Mqtt("127.0.0.1", device="pi"), {}
    monkeypatch.setattr(told, "_publish", lambda topic, value, **_: sent.update({topic: value}))
    told.put({**confirmed(kind="changed"), "status": "unknown", "confidence": 0.05})
    assert sent["card"] == {"status": "unknown", "name": "", "confidence": 0.05}
    assert sent["event"]["cards"][0]["name"] == "Amber Fox"


def test_a_card_that_lay_there_when_the_service_ended_is_not_told_of_by_the_next_run(broker, hears):
    port, start = broker
    start()
    got = hears(port)
    before = Mqtt(f"127.0.0.1:{port}", device="pi")
    before.start()
    before.put(confirmed())
    take(got, lambda each: each[0] == "edge-runtime/pi/card" and b"Amber Fox" in each[1])
    before.close()
    take(got, lambda each: each[:2] == ("edge-runtime/pi/status", b"offline"))
    after = Mqtt(f"127.0.0.1:{port}", device="pi")
    after.start()
    card = take(got, lambda each: each[0].startswith("edge-runtime/pi/") and each[1] != b"offline")
    after.close()
    assert json.loads(card[1])["status"] == "no card"


def test_while_the_source_gives_no_frames_no_card_is_said_to_lie_there(monkeypatch):
    """Whoever came later was told of the card that lay there when the camera was lost, however long ago."""
    told, sent = Mqtt("127.0.0.1", device="pi"), []
    monkeypatch.setattr(told, "_publish", lambda topic, value, **_: sent.append(value["status"]))
    told.put(confirmed())
    for sees in (True, False, False, True):
        told.sees(sees)
    assert sent[1:] == ["confirmed", "no card", "confirmed"]


def test_while_a_card_lies_there_it_is_not_said_that_there_is_none(monkeypatch):
    told, sent = Mqtt("127.0.0.1", device="pi"), {}
    monkeypatch.setattr(told, "_publish", lambda topic, value, **_: sent.update({topic: value}))
    told.put(confirmed(1, stay=1))
    told.put(confirmed(2, stay=2, name="Reef Serpent"))
    told.put(confirmed(3, "left", stay=2))
    assert (sent["card"]["status"], sent["card"]["name"]) == ("confirmed", "Amber Fox")
    told.put(confirmed(4, "left", stay=1))
    assert sent["card"]["status"] == "no card"


def test_home_assistant_finds_two_sensors(broker, hears):
    port, start = broker
    start()
    told = Mqtt(f"127.0.0.1:{port}", device="pi")
    told.start()
    got = hears(port)
    configs = {}
    while len(configs) < 2:
        topic, payload, _ = take(got, lambda each: each[0].startswith("homeassistant/"))
        configs[topic] = json.loads(payload)
    told.close()
    assert set(configs) == {f"homeassistant/sensor/edge-runtime-pi/{name}/config" for name in ("card", "status")}
    for config in configs.values():
        assert config["state_topic"] == "edge-runtime/pi/card"
        assert config["availability_topic"] == "edge-runtime/pi/status"
        assert config["unique_id"].startswith("edge-runtime-pi-")


def test_events_wait_for_a_broker_that_comes_later(broker, hears):
    port, start = broker
    told = Mqtt(f"127.0.0.1:{port}", device="pi")
    told.start()
    for number in range(3):
        told.put(confirmed(number))
    start()
    got = hears(port)
    numbers = [json.loads(take(got, lambda each: each[0] == "edge-runtime/pi/event")[1])["number"] for _ in range(3)]
    told.close()
    assert numbers == [0, 1, 2]


NOT_AUTHORISED = bytes([0x20, 2, 0, 5])
"""A CONNACK of MQTT 3.1.1 (section 3.2)."""


def test_a_broker_that_refuses_this_device_and_one_that_is_away_are_told_once(until, caplog):
    with socket.create_server(("127.0.0.1", 0)) as refusing:
        told = Mqtt(f"127.0.0.1:{refusing.getsockname()[1]}", "pi", "wrong", device="pi")
        told.start()
        for _ in range(2):
            caller, _ = refusing.accept()
            with caller:
                caller.recv(1024)
                caller.sendall(NOT_AUTHORISED)
                caller.recv(1024)
    until(lambda: "can't be reached" in caplog.text)
    told.close()
    said = [record.getMessage() for record in caplog.records if record.name == "edge_runtime.server.mqtt"]
    assert ["refuses this device (Not authorized): see to --mqtt-user" in each for each in said] == [True, False]


def test_what_takes_the_connection_and_is_no_broker_is_told(until, caplog):
    """As a broker that wants TLS does, which ends what comes without."""
    with socket.create_server(("127.0.0.1", 0)) as no_broker:
        told = Mqtt(f"127.0.0.1:{no_broker.getsockname()[1]}", device="pi")
        told.start()
        no_broker.accept()[0].close()
        until(lambda: "takes the connection, but does not answer: see to its port" in caplog.text)
        told.close()


def test_why_a_broker_can_not_be_reached_is_told(until, caplog):
    """A certificate that nobody here trusts looked as if the broker were away."""
    with socket.create_server(("127.0.0.1", 0)) as without_tls:
        told = Mqtt(f"127.0.0.1:{without_tls.getsockname()[1]}", device="pi", tls=True)
        told.start()
        caller, _ = without_tls.accept()
        with caller:
            caller.sendall(NOT_AUTHORISED * 2)
            until(lambda: "can't be reached (" in caplog.text)
        told.close()
    assert "SSL" in caplog.text


def test_a_name_that_is_looked_up_for_ever_keeps_nobody_from_the_end(monkeypatch):
    """A stop took as long as the network's name server did not answer: a supervisor kills before that."""
    asked, answered = threading.Event(), threading.Event()

    def look_up(*_, **__):
        asked.set()
        answered.wait(60)
        raise socket.gaierror("nobody knows it")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    told = Mqtt("broker.example", device="pi")
    told.start()
    assert asked.wait(30)
    started = time.monotonic()
    told.close()
    took = time.monotonic() - started
    answered.set()
    assert took < 20


def test_two_services_of_one_host_have_names_of_their_own():
    """Else the broker takes them for one client, and ends the connection of one each time that the other comes."""
    given = ["serve", "0", "--releases", "home", "--mqtt", "broker", "--mqtt-device", "till 2"]
    (told,) = messengers_of(_parser().parse_args(given), Metrics())
    assert told._base == "edge-runtime/till-2"
    assert told._client._client_id == b"edge-runtime-till-2"


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        (["--mqtt-tls"], "add --mqtt HOST"),
        (["--mqtt-device", "till 2"], "add --mqtt HOST"),
        (["--webhook-secret-file", "secret"], "add --webhook URL"),
    ],
)
def test_options_of_a_teller_that_is_not_named_are_refused(options, cure):
    """Else a service would be thought to tell somebody, and told nobody."""
    with pytest.raises(NotSafe, match=cure):
        messengers_of(_parser().parse_args(["serve", "0", "--releases", "home", *options]), Metrics())


@pytest.mark.parametrize(
    "place", ["", "host:", "host:0", "host:99999", "mqtt://host", "a b", "user@host", "broker..local"]
)
def test_what_is_no_broker_is_refused(place):
    with pytest.raises(NotSafe, match="name HOST or HOST:PORT"):
        parse(place)


def test_hosts_and_ports_are_read():
    assert parse("broker.local") == ("broker.local", None)
    assert parse("[::1]:1884") == ("::1", 1884)


@pytest.mark.parametrize(("place", "tls"), [("broker.example", False), ("broker.example", True), ("127.0.0.1", False)])
def test_of_a_password_that_others_could_read_is_warned(place, tls, caplog):
    Mqtt(place, "shop", "a password", tls=tls)
    assert ("--mqtt-tls" in caplog.text) is (place == "broker.example" and not tls)
