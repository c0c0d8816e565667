"""Events to a URL, signed as Standard Webhooks has it (standardwebhooks.com, version 1.0.0).

``webhook-id`` is the event's own, the same at each try; ``webhook-signature`` is ``v1,`` and the base64 of the HMAC-SHA256 of
``id.timestamp.body``, by the secret. A secret that begins with ``whsec_`` is base64, another is taken as it stands.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import ssl
import time
from typing import Any
from urllib.parse import quote, urlsplit

from edge_runtime.publishers.deadline import Deadline
from edge_runtime.server.access import NotSafe, can_be_asked_for, is_loopback
from edge_runtime.server.outbox import Never, TryAgain

TIMEOUT = 10.0
AS_IT_STANDS = "!#$%&'()*+,/:;=?@[]~"
"""Of an address's path and query; the rest is sent as browsers do, in UTF-8 and percent-encoded."""
MOST_LETTERS = 200
"""Of a reason: what answers, and is no web server, gives up to 64 kB of its own for one."""
LATER = {408, 425, 429}
"""Answers of the 4xx kind that ask to come again."""


class Webhook:
    """One URL. Raises :class:`NotSafe` for one that would carry events in the clear to another machine."""

    def __init__(self, url: str, secret: str = ""):
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise NotSafe(f"a webhook is an https:// address without a user in it ({error})") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
            raise NotSafe("a webhook is an https:// address without a user in it")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise NotSafe(f"{parts.hostname} would be told over http://, which anyone between can read: use https://")
        if not can_be_asked_for(parts.hostname):
            raise NotSafe(
                f"{parts.hostname} can't be the name of a webhook's host: look for a missing part, or one too long"
            )
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        # Always said: without a port http.client takes the end of an IPv6 address for one.
        self._port = port or (http.client.HTTPS_PORT if self._secure else http.client.HTTP_PORT)
        self._path = quote(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", safe=AS_IT_STANDS)
        self._secret = _secret_bytes(secret)

    def deliver(self, event: dict[str, Any]) -> None:
        """Post one event. Raises TryAgain and Never. A redirect is not followed: the secret is meant for this address."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "edge-runtime",
            "connection": "close",
            **signed(self._secret, event["id"], int(time.time()), body),
        }
        connection, deadline = self._connection(), Deadline()
        try:
            connection.connect()
            # The timeout is for each byte: whoever trickles would hold up all events for days.
            deadline.shut(connection.sock)
            connection.request("POST", self._path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            if deadline.over:
                raise TryAgain(f"{self._host} did not answer within {deadline.taken:.0f} s") from error
            why = str(error).strip()[:MOST_LETTERS] or type(error).__name__
            raise TryAgain(f"{self._host} can't be reached ({why})") from error
        finally:
            deadline.end()
            connection.close()
        if 200 <= status < 300:
            return
        if status in LATER or status >= 500:
            raise TryAgain(f"{self._host} answered {status}")
        raise Never(f"{self._host} answered {status}")

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)


def signed(secret: bytes, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery; without a secret there is no signature."""
    headers = {"webhook-id": event_id, "webhook-timestamp": str(timestamp)}
    if secret:
        content = b".".join((event_id.encode(), str(timestamp).encode(), body))
        seal = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
        headers["webhook-signature"] = f"v1,{seal}"
    return headers


def _secret_bytes(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise NotSafe("a webhook's secret that begins with whsec_ goes on in base64") from error
