"""What a person may set, and the limits that hold where nothing is said."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """What uploads may cost.

    ``bytes`` and ``pixels`` of one photo; ``rate``: photos a second for one client in the long run, ``burst``: at once before
    that counts; ``at_once``: photos in memory, of all clients; ``patience``: seconds that sending one, and its answer, may take.
    """

    bytes: int = 16 << 20
    pixels: int = 25_000_000
    rate: float = 2.0
    burst: int = 10
    at_once: int = 2
    patience: float = 30.0


@dataclass(frozen=True)
class Settings:
    """How the service is reached, and what it tells whom. ``hosts``: names it is reached by, beside its own."""

    bind: str = "127.0.0.1"
    port: int = 8080
    token: str = field(default="", repr=False)
    hosts: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    limits: Limits = field(default_factory=Limits)
    history: int = 1000
    fps: float = 12.0
