"""The Ray cluster that work is given to: how it is found, and whether its nodes run what this process runs.

``RAY_ADDRESS`` names one (``HOST:6379``, ``ray://HOST:10001``); without it, a cluster of this machine alone is started, which
listens on the loopback interface and ends with this process.
"""

import atexit
import logging
import os
import socket
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pcr_assets import digests, packages
from pcr_assets.resources.engine import EngineError

INSTALL = "pip install -c constraints.txt '.[ray]'"
SHAPING = ("numpy", "pyarrow", "pillow", "opencv-python-headless", "onnxruntime", "torch")
"""Libraries that what is made depends on, byte for byte."""
PAGE = "docs/cluster.md"
KNOCK_SECONDS = 10
LOOK_SECONDS, TIMES_IN_VAIN = 10.0, 2
"""How often the head is looked for while nodes work, and how often in vain until it is gone: in a minute Ray ends this process."""
ON_LOOPBACK = ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
"""Ray's variable that keeps a cluster's servers on the loopback interface, on any system; read when Ray is imported."""
OUT_OF_MEMORY = ("RAY_task_oom_retries", "10")
"""Ray's variable for how often a task is begun again that took its node's last memory: else without end, and nobody hears of it.
The pauses between double from one second to a minute, for memory that another task held: ten last five minutes."""


def connected() -> Any:
    """The module ``ray``, connected to the cluster. Raises EngineError."""
    if find_spec("ray") is None:
        raise EngineError(f"PCR_ENGINE is ray, and Ray is not installed here: {INSTALL}")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(*OUT_OF_MEMORY)
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        os.environ.setdefault(*ON_LOOPBACK)
    elif address.startswith("ray://") and _token_is_here():
        # Ray brings it to no cluster that is named, unless it is told to
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    if address and os.environ.get("RAY_AUTH_MODE") == "token" and not _token_is_here():
        raise EngineError(
            f"RAY_AUTH_MODE is token, and no token of {address} is here: copy the cluster's to ~/.ray/auth_token, or give it in "
            f"RAY_AUTH_TOKEN ({PAGE})"
        )
    import ray

    if ray.is_initialized():
        return ray
    how: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    if address and address.startswith("ray://"):  # there the head begins the tasks for us, by its own environment
        how["runtime_env"] = {"env_vars": {OUT_OF_MEMORY[0]: os.environ[OUT_OF_MEMORY[0]]}}
    somebody_listens = False
    try:
        somebody_listens = _knock(address or "")
        ray.init(
            **how,
            namespace="pcr",
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:  # Ray raises a class of its own for each way to fail
        said = _in_a_line(error)
        if somebody_listens:  # Ray does not say by what it was turned away
            raise EngineError(
                f"{address} answers, but lets this machine into no Ray cluster ({said}): {_about_token()} ({PAGE})"
            ) from error
        raise EngineError(
            f"no Ray cluster answers at {address or 'this machine'} ({said}): start one, or name another in RAY_ADDRESS ({PAGE})"
        ) from error
    atexit.register(ray.shutdown)
    return ray


def _in_a_line(error: Exception) -> str:
    """The first line of an error; the last one too, where the first announces it, as of what the head says to a client."""
    first, *others = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return f"{first} {others[-1]}" if others and first.endswith(":") else first


def _token_is_here() -> bool:
    """Whether there is a token of a cluster where Ray looks for one; asked before Ray is imported, which reads the mode then."""
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()


def _about_token() -> str:
    """What to look at where a cluster turns this machine away."""
    if os.environ.get("RAY_AUTH_MODE") == "token":
        return (
            "look whether the token that is here is the cluster's, and whether that is a cluster of this Ray and Python"
        )
    return "if the cluster asks for a token, bring it: in ~/.ray/auth_token, and with RAY_AUTH_MODE=token"


def _knock(address: str) -> bool:
    """Whether somebody listens, as far as the address says where. Raises OSError where nobody does: Ray itself would go on asking
    for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdigit()):
        return False
    socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()
    return True


class Watch:
    """Waits for what nodes do, and looks for the cluster's head meanwhile: a node may answer for long without one."""

    def __init__(self, ray: Any):
        self._ray, self._address = ray, os.environ.get("RAY_ADDRESS", "")
        self._looked, self._in_vain = time.monotonic(), 0

    def first_of(self, refs: Sequence[Any]) -> list[Any]:
        """Those of ``refs`` that have ended, at least one, which is waited for.

        Raises EngineError when the head is gone; then we are connected to no cluster, and nothing is left there to be cleared.
        """
        while True:
            try:
                ended, _ = self._ray.wait(list(refs), num_returns=1, timeout=LOOK_SECONDS)
            except ConnectionError as error:  # of a client, by ray://
                raise self._gone() from error
            if time.monotonic() >= self._looked + LOOK_SECONDS:
                self._in_vain = 0 if not self._address or _answers(self._address) else self._in_vain + 1
                self._looked = time.monotonic()
            if self._in_vain == TIMES_IN_VAIN:
                raise self._gone()
            if ended:
                return list(ended)

    def _gone(self) -> EngineError:
        self._ray.shutdown()
        return EngineError(
            f"the head of the Ray cluster at {self._address} is gone, and with it what its nodes were at: start the cluster anew, "
            "then run again; it goes on from what was made"
        )


def _answers(address: str) -> bool:
    try:
        _knock(address)
    except OSError:
        return False
    return True


def largest(ray: Any, resource: str) -> int:
    """The most that any one node that is up has of a resource (``CPU``, ``GPU``)."""
    up = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return int(max((node.get(resource, 0) for node in up), default=0))


@cache
def makeup() -> dict[str, str]:
    """What this process makes things with: the digest of our code, and the versions of :data:`SHAPING`."""
    return {"the code of pcr_assets": _code(), **{name: _version(name) for name in SHAPING}}


def differences(wanted: dict[str, str]) -> str:
    """How the makeup of this process differs from another's; empty if it doesn't."""
    ours = makeup()
    told = [
        name if name not in SHAPING else f"{name} {ours[name]} instead of {wanted[name]}"
        for name in wanted
        if ours[name] != wanted[name]
    ]
    return ", ".join(told)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _code() -> str:
    """The digest of the Python files of both packages, by their names below the package."""
    found: dict[str, str] = {}
    for root in (packages.PCR_ASSETS, packages.EDGE_RUNTIME):
        found |= {f"{root.name}/{file.relative_to(root)}": digests.of_file(file) for file in root.rglob("*.py")}
    return digests.of_json(found)[:16]
