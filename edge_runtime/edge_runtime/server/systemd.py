"""What a supervisor is told: sd_notify's protocol (``man 3 sd_notify``), a datagram to the socket that ``NOTIFY_SOCKET`` names."""

import os
import socket
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


def serving(release_id: str) -> str:
    """The line that ``systemctl status`` shows of a service that answers with this release."""
    return f"STATUS=serving release {release_id}"


def notify(*lines: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send lines; whether there is somebody who listens. A supervisor that can't be reached stops nothing."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address[0] == "@":  # Linux' abstract namespace
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(1)
            out.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True


def watchdog_seconds(environment: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two signs of life: half of what the supervisor allows. None if it doesn't ask this process for any."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        allowed = int(environment["WATCHDOG_USEC"]) / 1e6
    except (KeyError, ValueError):
        return None
    return allowed / 2 if allowed > 0 else None
