"""docker/compose.yaml as the tests read it."""

import re
import shlex
from pathlib import Path

import yaml

DOCKER = Path(__file__).parents[2] / "docker"
TEXT = (DOCKER / "compose.yaml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]


def commands(service: str) -> list[list[str]]:
    """What a service runs, a shell's ``&&`` and ``exec`` taken apart."""
    command = SERVICES[service]["command"]
    words = shlex.split(command) if isinstance(command, str) else command
    if words[:2] != ["sh", "-c"]:
        return [words]
    return [shlex.split(part.strip().removeprefix("exec ")) for part in words[2].split("&&")]


def settings(text: str = TEXT) -> dict[str, str]:
    """Each ``${VARIABLE}`` of the file with what follows its name: ``:-default``, ``:?sentence`` or nothing."""
    return dict(re.findall(r"\$\{(\w+)([^}]*)\}", text))
