"""Who may come in: the names that this service is reached by, and the token that a client must show."""

import hashlib
import hmac
import ipaddress
import re
import socket
import time
from collections.abc import Collection
from pathlib import Path

SHORTEST = 16
"""Characters of a token: 16 random ones of base64 are 96 bits."""
COOKIE = "edge_runtime"
COOKIE_DAYS = 30
MOST_FILE_BYTES = 4096


class NotSafe(ValueError):
    """The service would be open to others as it was asked for; the message says what to do."""


def read_secret(path: Path, what: str) -> str:
    """The one line of a file of secrets. Raises :class:`NotSafe` if it isn't there or is easily guessed."""
    text = _text(path, what, "write one with `openssl rand -hex 32`")
    if len(text) < SHORTEST or not text.isprintable() or " " in text:
        raise NotSafe(
            f"{path} holds no {what} of {SHORTEST} characters or more: write one with `openssl rand -hex 32 > {path}`"
        )
    return text


def read_password(path: Path) -> str:
    """The one line of a file, a password that others chose. Raises :class:`NotSafe` if there is none."""
    text = _text(path, "password", "write it there, on one line")
    if not text or not text.isprintable():
        raise NotSafe(f"{path} holds no password: write it there, on one line")
    return text


def _text(path: Path, what: str, cure: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_FILE_BYTES + 1)
        text = data.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotSafe(f"{path} can't be read as a {what} ({error}): {cure}") from error
    if len(data) > MOST_FILE_BYTES:
        raise NotSafe(f"{path} holds more than {MOST_FILE_BYTES} bytes, and is no {what}: {cure}")
    return text


def is_loopback(bind: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return bind == "localhost"


def can_be_asked_for(host: str) -> bool:
    """Whether a name, or an address, can be looked up at all: Python raises no OSError for one that can't, but UnicodeError."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def name_of(host: str) -> str:
    """A name that the service is reached by besides its own, as browsers send it. Raises :class:`NotSafe` for what is none: it
    would let nobody in, and whoever comes by it is told to add it."""
    name = _without_port(host)
    if not name or not can_be_asked_for(name):
        raise NotSafe(f"{host} is no name of a host: say it without https:// and path, such as cards.example.org")
    return name.encode("idna").decode()


def require_safe(bind: str, token: str) -> None:
    """Raises :class:`NotSafe` for a service that others could reach without a token."""
    if not token and not is_loopback(bind):
        raise NotSafe(f"{bind} is reached from other machines: name a file that holds a token with --token-file")


class Names:
    """The hosts of requests that are meant for this service.

    A page of another site can have its own name resolve to this machine (DNS rebinding); the browser then sends that name.
    An address is no name, and nobody else's, so it is let through.
    """

    def __init__(self, more: Collection[str]):
        own = socket.gethostname().lower()
        self._known = {
            "localhost",
            own,
            f"{own}.local",
            f"{own.split('.', maxsplit=1)[0]}.local",
            *map(_without_port, more),
        }

    def __contains__(self, host: object) -> bool:
        name = _without_port(str(host))
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return bool(name) and name in self._known
        return True


def _without_port(host: str) -> str:
    """The name or address that a Host header, or somebody who starts a service, says; empty for what is none."""
    parts = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@\s]+)(:\d{1,5})?", host)
    return parts[1].strip("[]").lower().rstrip(".") if parts else ""


class Gate:
    """Tokens and cookies, compared in constant time. Without a token everyone may come in."""

    def __init__(self, token: str):
        self._token = token.encode()
        self._key = hashlib.sha256(b"cookie of edge-runtime\0" + self._token).digest()
        self.cookie_name = f"{COOKIE}_{self._seal('name')[:8]}"
        """The token's own: a browser keeps one cookie of a name for all ports of a host, where another service may run."""

    @property
    def closed(self) -> bool:
        """Whether a token is asked for."""
        return bool(self._token)

    def is_token(self, shown: bytes) -> bool:
        """Whether this is the token, in UTF-8."""
        return hmac.compare_digest(_digest(shown), _digest(self._token))

    def admits(self, authorization: str, cookie: str) -> bool:
        """Whether a request with this header, its bytes as Latin-1, or this cookie may come in."""
        kind, _, shown = authorization.partition(" ")
        if not self.closed or (kind.lower() == "bearer" and self.is_token(shown.strip().encode("latin-1"))):
            return True
        return self._is_cookie(cookie)

    def cookie(self, now: float | None = None) -> str:
        """A cookie for a browser that showed the token: when it ends, and a seal that only the token makes."""
        ends = str(int((time.time() if now is None else now) + COOKIE_DAYS * 86400))
        return f"{ends}.{self._seal(ends)}"

    def _is_cookie(self, cookie: str) -> bool:
        ends, _, seal = cookie.partition(".")
        right = hmac.compare_digest(_digest(seal.encode()), _digest(self._seal(ends).encode()))
        return right and bool(re.fullmatch(r"\d{1,12}", ends, re.ASCII)) and int(ends) > time.time()

    def _seal(self, ends: str) -> str:
        return hmac.new(self._key, ends.encode(), hashlib.sha256).hexdigest()


def _digest(value: bytes) -> bytes:
    """What is compared, so that not even the length shows."""
    return hashlib.sha256(value).digest()
