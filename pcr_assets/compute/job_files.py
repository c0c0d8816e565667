"""The files that a job names: told by their content, and named anew where the job runs elsewhere."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

NAMED = ("snapshot", "shards", "weights", "model")
"""Keys of a job file under which paths stand: see :class:`pcr_assets.learning.job.Job`."""
PREFIX = "file:"
"""How the weights of a spec name a file; what else they name (``package:…``, ``hub``) is found where the job runs."""


def files_of(job: Mapping[str, Any]) -> list[Path]:
    """The files that a job reads, each once."""
    return list(dict.fromkeys(_paths(job)))


def named_anew(job: Mapping[str, Any], name: Callable[[Path], str]) -> dict[str, Any]:
    """The same job with other names for its files."""
    return {key: _anew(key, value, name) for key, value in job.items()}


def _anew(key: str, value: Any, name: Callable[[Path], str]) -> Any:
    match value:
        case dict():
            return named_anew(value, name)
        case list() if key in NAMED:
            return [_anew(key, entry, name) for entry in value]
        case str() if (path := _path(key, value)) is not None:
            return f"{PREFIX}{name(path)}" if value.startswith(PREFIX) else name(path)
    return value


def _paths(job: Mapping[str, Any]) -> Iterator[Path]:
    found: list[Path] = []

    def note(path: Path) -> str:
        found.append(path)
        return str(path)

    named_anew(job, note)
    yield from found


def _path(key: str, value: str) -> Path | None:
    if key not in NAMED:
        return None
    if value.startswith(PREFIX):
        return Path(value.removeprefix(PREFIX))
    return Path(value) if value.startswith("/") else None
