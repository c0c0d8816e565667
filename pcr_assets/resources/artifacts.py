"""Published artifacts: immutable files in the store, and one pointer a name that says which version is current.

``<name>/current.json`` holds the version, the content digest (the asset's data version), every file with size and
SHA-256, and a record: what the artifact was made from and what was measured on it. The pointer moves last, in one step,
so a reader sees the old artifact or the new one, never a mixture.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pcr_assets import digests
from pcr_assets.resources.store import Missing, Store, StoreError


class ArtifactMissing(StoreError):
    """An artifact was never published here, or files of it are gone."""


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


class Artifacts:
    """The artifacts of one store."""

    def __init__(self, store: Store):
        self.store = store

    def find(self, name: str) -> Artifact | None:
        """The current version of ``name``, or None when there is none or when one of its files is gone."""
        try:
            artifact = self.current(name)
        except ArtifactMissing:
            return None
        return artifact if self._whole(artifact) else None

    def current(self, name: str) -> Artifact:
        """The current version of ``name``. Raises :class:`ArtifactMissing` or :class:`ArtifactDamaged`."""
        try:
            pointer = json.loads(self.store.read(f"{name}/current.json"))
            files = {file: PublishedFile(**entry) for file, entry in pointer["files"].items()}
            return Artifact(name, pointer["version"], pointer["digest"], files, pointer["record"])
        except Missing as error:
            raise ArtifactMissing(
                f"{name} is not in the store {self.store.root} yet: materialize the asset that makes it first "
                "(`make refresh` builds everything that is missing)"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactDamaged(
                f"{self.store.root}/{name}/current.json is no pointer to an artifact: delete it, then `make refresh` "
                "builds the artifact again"
            ) from error

    def _whole(self, artifact: Artifact) -> bool:
        return all(self.store.size(file.key) == file.size for file in artifact.files.values())

    def fetch(self, artifact: Artifact, file: str) -> Path:
        """A verified local file of an artifact. Raises :class:`ArtifactMissing` or :class:`ArtifactDamaged`."""
        return self.fetch_file(artifact.files[file])

    def fetch_file(self, published: PublishedFile) -> Path:
        """A verified local copy of a published file (the file itself when the store is a folder)."""
        try:
            path = self.store.fetch(published.key)
        except Missing as error:
            raise ArtifactMissing(
                f"{published.key} is gone from {self.store.root}: `make refresh` builds it again"
            ) from error
        if digests.of_file(path) != published.sha256:
            raise ArtifactDamaged(
                f"{path} is not the file that was published: delete it, then `make refresh` builds it again"
            )
        return path

    def publish(
        self,
        name: str,
        files: Mapping[str, Path | bytes],
        *,
        digest: str,
        record: Mapping[str, Any] | None = None,
        kept: Mapping[str, PublishedFile] | None = None,
        numbered: bool = False,
    ) -> Artifact:
        """Publish files under ``name`` and make them current, in one step.

        ``digest`` is the digest of the content, hex. ``kept`` are files of the last version that this one shares: they are
        named again, not written again. A version folder is called by the digest, or ``v1.0``, ``v1.1``, … when ``numbered``.
        The same content under the same record publishes nothing new. Raises ``Moved`` when another publisher was faster.
        """
        before = self.find(name)
        pointer = self._pointer(name)
        if before is not None and before.digest == digest:
            version, published = before.version, dict(before.files)
        else:
            version = self._next_minor(name) if numbered else digest[:16]
            published = dict(kept or {}) | {
                file: self._write(f"{name}/{version}/{file}", files[file]) for file in files
            }
        artifact = Artifact(name, version, digest, published, dict(record or {}))
        entry = {file: vars(value) for file, value in sorted(published.items())}
        body = {"version": version, "digest": digest, "files": entry, "record": artifact.record}
        data = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False).encode()
        if data != pointer:
            self.store.swap(f"{name}/current.json", data, pointer)
        return artifact

    def _pointer(self, name: str) -> bytes | None:
        try:
            return self.store.read(f"{name}/current.json")
        except Missing:
            return None

    def _write(self, key: str, data: bytes | Path) -> PublishedFile:
        self.store.write(key, data)
        if isinstance(data, bytes):
            return PublishedFile(key, digests.of_bytes(data), len(data))
        return PublishedFile(key, digests.of_file(data), data.stat().st_size)

    def _next_minor(self, name: str) -> str:
        taken = {entry.key[len(name) + 1 :].split("/")[0] for entry in self.store.list(name)}
        minors = [int(version.removeprefix("v1.")) for version in taken if version.startswith("v1.")]
        return f"v1.{max(minors, default=-1) + 1}"
