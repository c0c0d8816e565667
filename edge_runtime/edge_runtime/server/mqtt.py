"""Events to an MQTT broker, and two sensors for Home Assistant, which finds them by itself.

Topics below ``edge-runtime/DEVICE``: ``event`` each event; ``card`` what is known now of the card that was told of last, kept for
who comes later; ``status`` ``online`` or ``offline``, said by the broker when this device is gone.
"""

import contextlib
import json
import logging
import re
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from edge_runtime.extras import cure
from edge_runtime.server.access import NotSafe, can_be_asked_for, is_loopback
from edge_runtime.sources.live import within

QUEUED = 1000
"""Messages that wait for a broker that is away; beyond that new ones are dropped, and counted."""
DISCOVERY = "homeassistant"
"""Home Assistant's own default prefix for MQTT discovery."""

LEAVING = 3.0
"""Seconds that the connection is waited for at the end."""

log = logging.getLogger(__name__)


def parse(place: str) -> tuple[str, int | None]:
    """``HOST`` or ``HOST:PORT``. Raises :class:`NotSafe` for anything else."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+)(?::(\d{1,5}))?", place)
    if found is None or not can_be_asked_for(found[1]) or (found[2] and not 0 < int(found[2]) < 65536):
        raise NotSafe(f"{place} is no MQTT broker: name HOST or HOST:PORT")
    return found[1].strip("[]"), int(found[2]) if found[2] else None


class Mqtt:
    """One broker. It is waited for when it is away; ``user`` and ``password`` may be empty; ``told`` counts what is dropped."""

    def __init__(
        self,
        place: str,
        user: str = "",
        password: str = "",
        device: str = "",
        *,
        tls: bool = False,
        told: Callable[[str, str], None] = lambda to, outcome: None,
    ):
        try:
            from paho.mqtt import client
        except ImportError as error:
            raise NotSafe(f"for MQTT, paho-mqtt is needed: {cure('mqtt')}") from error
        self._host, port = parse(place)
        self._port = port or (8883 if tls else 1883)
        self._device = re.sub(r"[^A-Za-z0-9_-]", "-", device or socket.gethostname())
        self._base = f"edge-runtime/{self._device}"
        self._client = client.Client(client.CallbackAPIVersion.VERSION2, client_id=f"edge-runtime-{self._device}")
        self._client.max_queued_messages_set(QUEUED)
        self._client.reconnect_delay_set(1, 120)
        self._client.will_set(f"{self._base}/status", "offline", qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_pre_connect = self._on_pre_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._answered = False
        """Whether what was connected to has answered as a broker does."""
        self._said = ""
        self._sees = True
        self._full = client.MQTT_ERR_QUEUE_SIZE
        self._told = told
        self._dropping = False
        self._known: dict[int, dict[str, Any]] = {}
        """What is known of the cards in view by their stay, the one that was told of last at the end."""
        self._telling = threading.Lock()
        if user:
            self._client.username_pw_set(user, password or None)
        if tls:
            self._client.tls_set()
        elif password and not is_loopback(self._host):
            log.warning(
                "the password for MQTT broker %s can be read by anyone between: use --mqtt-tls if the broker has it",
                self._host,
            )

    def start(self) -> None:
        """Begin to connect; nothing waits for it."""
        self._client.connect_async(self._host, self._port)
        self._client.loop_start()

    def put(self, event: dict[str, Any]) -> None:
        """Publish an event; never waits."""
        self._count(self._publish("event", event, qos=1))
        if event["event"] != "appeared":
            with self._telling:
                self._known.pop(event["stay"], None)
                if event["event"] != "left":
                    self._known[event["stay"]] = _known(event)
                self._tell_card()

    def _count(self, result: int) -> None:
        """Note whether an event had room, and say once for how many there is none."""
        full = result == self._full
        if full:
            self._told("mqtt", "dropped")
        if full and not self._dropping:
            log.error("MQTT broker %s is away, and %d messages wait for it: events are dropped", self._host, QUEUED)
        self._dropping = full

    def sees(self, sees: bool) -> None:
        """Take note whether the source gives frames: of a card in front of a camera that is lost nothing is known."""
        with self._telling:
            if sees is not self._sees:
                self._sees = sees
                self._tell_card()

    def _tell_card(self) -> None:
        """Keep with the broker what is known now. Not queued for one that is away: it is told anew when that is back."""
        known = reversed(self._known.values()) if self._sees else iter(())
        self._publish("card", next(known, {"status": "no card", "name": "", "confidence": 0.0}), retain=True)

    def close(self) -> None:
        """Say that this device is gone, and go."""
        last = self._client.publish(f"{self._base}/status", "offline", qos=1, retain=True)
        with contextlib.suppress(RuntimeError, ValueError):  # the broker is away: it says so by itself
            last.wait_for_publish(2)
        self._client.disconnect()
        within(LEAVING, self._client.loop_stop)  # it waits for a name to be looked up, or a broker that never answers

    def _publish(self, topic: str, value: dict[str, Any], *, qos: int = 0, retain: bool = False) -> int:
        message = json.dumps(value, ensure_ascii=False)
        return int(self._client.publish(f"{self._base}/{topic}", message, qos=qos, retain=retain).rc)

    def _on_pre_connect(self, *_: Any) -> None:
        self._answered = False

    def _on_connect_fail(self, *_: Any) -> None:
        error = sys.exception()  # paho calls this where it catches what went wrong, and hands on nothing of it
        self._say("can't be reached", f" ({str(error) or type(error).__name__})" if error else "")

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure and not self._answered:
            self._say("takes the connection, but does not answer", ": see to its port, and whether it wants --mqtt-tls")

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._answered = True
        if reason.is_failure:
            self._say("refuses this device", f" ({reason}): see to --mqtt-user and --mqtt-password-file")
            return
        self._said = ""
        for name, config in self._sensors().items():
            topic = f"{DISCOVERY}/sensor/{self._base.replace('/', '-')}/{name}/config"
            client.publish(topic, json.dumps(config), qos=1, retain=True)
        with self._telling:
            self._tell_card()  # what the broker kept may be of an earlier run, or lost
        client.publish(f"{self._base}/status", "online", qos=1, retain=True)

    def _say(self, what: str, why: str = "") -> None:
        """Say once what hinders, whatever the reason at each try; it is tried again for ever."""
        if what != self._said:
            log.warning("MQTT broker %s %s%s; trying again", self._host, what, why)
        self._said = what

    def _sensors(self) -> dict[str, dict[str, Any]]:
        """The configuration of both sensors, as Home Assistant's documentation of MQTT discovery has it."""
        ours = f"edge-runtime-{self._device}"
        shared = {
            "state_topic": f"{self._base}/card",
            "availability_topic": f"{self._base}/status",
            "device": {"identifiers": [ours], "name": f"Card recogniser {self._device}"},
        }
        card = {"name": "Card", "unique_id": f"{ours}-card", "value_template": "{{ value_json.name }}"}
        status = {"name": "Recognition", "unique_id": f"{ours}-status", "value_template": "{{ value_json.status }}"}
        return {
            "card": {**shared, **card, "json_attributes_topic": f"{self._base}/card", "icon": "mdi:cards"},
            "status": {**shared, **status},
        }


def _known(event: dict[str, Any]) -> dict[str, Any]:
    """What an event tells of its card. An unknown one may come with the card whose other printing it is."""
    card = event["cards"][0] if event["cards"] and event["status"] != "unknown" else {}
    return {"status": event["status"], "name": card.get("name", ""), **card, "confidence": event["confidence"]}
