"""Pointers: the one object a name that is ever replaced. It says which version of an artifact is current.

``<name>/current.json`` holds the version, the content digest (the asset's data version), every file with size and SHA-256,
and a record: what the artifact was made from and what was measured on it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pcr_assets.resources.store import Store, StoreError, read_if_there


class ArtifactDamaged(StoreError):
    """A file is not the one that was published."""


@dataclass(frozen=True)
class PublishedFile:
    """A file of an artifact: its key in the store, its SHA-256 in hex and its size in bytes."""

    key: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Artifact:
    """One published version: where its files are, what it is, and what is known about it."""

    name: str
    version: str
    digest: str
    files: Mapping[str, PublishedFile]
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files.values())


class Pointers:
    """The pointers of one store."""

    def __init__(self, store: Store):
        self._store = store
        self._parsed: dict[str, tuple[bytes, Artifact]] = {}

    def data(self, name: str) -> bytes | None:
        """The pointer of a name as it lies in the store; None where there is none."""
        return read_if_there(self._store, _key(name))

    def read(self, name: str) -> tuple[bytes | None, Artifact | None]:
        """The pointer of a name, and what it says. Raises :class:`ArtifactDamaged`.

        One that is as it was is not parsed again: a refresh asks for it dozens of times, and of thousands of sets it has megabytes.
        """
        data = self.data(name)
        if data is None:
            return None, None
        last = self._parsed.get(name)
        if last is None or last[0] != data:
            last = self._parsed[name] = data, self._parse(name, data)
        return last

    def move(self, artifact: Artifact, before: bytes | None) -> None:
        """Make an artifact the current one of its name, if the pointer is ``before`` still. Raises ``Moved``."""
        files = {file: vars(value) for file, value in sorted(artifact.files.items())}
        body = {"version": artifact.version, "digest": artifact.digest, "files": files, "record": artifact.record}
        # A line for each item, but no indent: that would take the encoder in Python, and of thousands of sets half a second.
        data = json.dumps(body, separators=(",\n", ": "), sort_keys=True, ensure_ascii=False).encode()
        if data != before:
            self._store.swap(_key(artifact.name), data, before)

    def _parse(self, name: str, data: bytes) -> Artifact:
        try:
            held = json.loads(data)
            files = {file: PublishedFile(**entry) for file, entry in held["files"].items()}
            return Artifact(name, held["version"], held["digest"], files, held["record"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactDamaged(
                f"{self._store.root}/{_key(name)} is no pointer to an artifact: delete it, then `make refresh` "
                "builds the artifact again"
            ) from error


def _key(name: str) -> str:
    return f"{name}/current.json"
