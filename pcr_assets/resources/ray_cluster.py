"""The Ray cluster that work is given to: how it is found, and whether its nodes run what this process runs.

``RAY_ADDRESS`` names one (``HOST:6379``, ``ray://HOST:10001``); without it, a cluster of this machine alone is started, which
listens on the loopback interface and ends with this process.
"""

import atexit
import logging
import os
import socket
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
KNOCK_SECONDS = 10
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
    import ray

    if ray.is_initialized():
        return ray
    how: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    if address and address.startswith("ray://"):  # there the head begins the tasks for us, by its own environment
        how["runtime_env"] = {"env_vars": {OUT_OF_MEMORY[0]: os.environ[OUT_OF_MEMORY[0]]}}
    try:
        if address:
            _knock(address)
        ray.init(
            **how,
            namespace="pcr",
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:  # Ray raises a class of its own for each way to fail
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineError(
            f"no Ray cluster answers at {address or 'this machine'} ({said}): start one, or name another in RAY_ADDRESS "
            "(docs/cluster.md)"
        ) from error
    atexit.register(ray.shutdown)
    return ray


def _token_is_here() -> bool:
    """Whether there is a token of a cluster where Ray looks for one; asked before Ray is imported, which reads the mode then."""
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would go on asking for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


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
