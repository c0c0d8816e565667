"""A client that talks to a service as others would, and holds its answers against the API's description."""

import contextlib
import json
from dataclasses import dataclass, field

import cv2
import jsonschema
import numpy as np
import requests
from websockets.sync.client import connect

from edge_runtime.server.api import description

PATIENCE = 30
"""Seconds that a test waits for what must happen."""


@dataclass
class Client:
    """Talks to a service, and holds each JSON answer against the API's description."""

    base: str
    headers: dict = field(default_factory=dict)

    def get(self, path, **named):
        return self.ask("GET", path, **named)

    def post(self, path, data, **named):
        return self.ask("POST", path, data=data, **named)

    def ask(self, method, path, headers=None, **named):
        given = {**self.headers, **(headers or {})}
        answer = requests.request(method, self.base + path, headers=given, timeout=PATIENCE, **named)
        check(method, path, answer)
        return answer

    @contextlib.contextmanager
    def stream(self, **named):
        address = self.base.replace("http", "ws") + "/api/v1/stream"
        with connect(address, additional_headers=self.headers, open_timeout=PATIENCE, **named) as socket:
            yield Listener(socket)


class Listener:
    """One WebSocket. ``take`` gives the next message that fits."""

    def __init__(self, socket):
        self.socket = socket

    def next_message(self):
        data = self.socket.recv(timeout=PATIENCE)
        if isinstance(data, bytes):
            return data
        message = json.loads(data)
        validate(message, {"$ref": f"#/components/schemas/{message['type'].title()}Message"})
        return message

    def take(self, fits):
        while True:
            message = self.next_message()
            if not isinstance(message, bytes) and fits(message):
                return message

    def picture(self):
        self.socket.send('{"type": "next"}')
        head = self.take(lambda message: message["type"] == "picture")
        jpeg = np.frombuffer(self.next_message(), np.uint8)
        return head, cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB)


def validate(value, schema):
    """Hold a value against a schema of the API's description."""
    jsonschema.Draft202012Validator({**schema, "components": description()["components"]}).validate(value)


def check(method, path, answer):
    """Every answer is one that the API's description knows, of the shape that it says."""
    paths = description()["paths"]
    known = [template for template in paths if fits(template, path.partition("?")[0])]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind == "application/problem+json":
        validate(answer.json(), {"$ref": "#/components/schemas/Problem"})
        assert answer.json()["status"] == answer.status_code
    if not known or method.lower() not in paths[known[0]]:
        return
    responses = paths[known[0]][method.lower()]["responses"]
    assert str(answer.status_code) in responses, f"{method} {path} gave {answer.status_code}: {answer.text[:300]}"
    content = responses[str(answer.status_code)].get("content", {})
    assert kind in content
    if kind == "application/json":
        validate(answer.json(), content[kind]["schema"])


def fits(template, path):
    ours, theirs = template.split("/"), path.split("/")
    return len(ours) == len(theirs) and all(a == b or a[:1] == "{" for a, b in zip(ours, theirs, strict=True))
