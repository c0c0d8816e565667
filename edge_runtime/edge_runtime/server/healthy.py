"""``python -m edge_runtime.server.healthy [PORT]``: its exit code says whether the service on this machine lives, to a container.

A service that was given a certificate is asked by HTTPS. Whose certificate it is does not matter: this is the same machine.
"""

import http.client
import ssl
import sys
from collections.abc import Sequence

PORT = 8080
PATIENCE = 2.0
"""Seconds that an answer may take, by each way of asking."""


def is_healthy(port: int) -> bool:
    """Whether a service on this machine says that it lives."""
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    ways = (
        http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE),
        http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=anyone),
    )
    return any(_says_so(way) for way in ways)


def _says_so(connection: http.client.HTTPConnection) -> bool:
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):  # nobody answers there, or not in this way
        return False
    finally:
        connection.close()


def main(arguments: Sequence[str]) -> int:
    """0 where it lives, else 1."""
    return 0 if is_healthy(int(arguments[0]) if arguments else PORT) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
