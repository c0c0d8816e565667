"""Published artifacts: immutable files in the store, and one pointer a name that says which version is current.

The pointer (:mod:`~pcr_assets.resources.pointers`) moves last, in one step, so a reader sees the old artifact or the new one,
never a mixture. No file is ever written over: of two publishers at once each has a version folder of its own, and the pointer
decides.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from pcr_assets import digests
from pcr_assets.resources.pointers import Artifact, ArtifactDamaged, Pointers, PublishedFile
from pcr_assets.resources.side_by_side import side_by_side
from pcr_assets.resources.store import Damaged, Missing, Store, StoreError
from pcr_assets.resources.turns import publishing

__all__ = [
    "AT_ONCE",
    "NEEDS",
    "NUMBERED",
    "Artifact",
    "ArtifactDamaged",
    "ArtifactMissing",
    "Artifacts",
    "PublishedFile",
    "needed",
    "number_of",
]

NUMBERED = re.compile(r"v([0-9]+)\.([0-9]+)")
"""A version folder as numbered artifacts have them: ``v1.0``, and ``v2.0`` where one was adopted."""
AT_ONCE = 16
"""Files that are looked for, or written, at the same time."""
FEW = 8
"""So many files are asked for one by one; of more, a listing tells with fewer requests."""
SHORT = 10
NEEDS = "needs"
"""Entry of a record: other objects that the artifact is not whole without, as :func:`needed` writes them."""


class ArtifactMissing(StoreError):
    """An artifact was never published here, or files of it are gone."""


class Artifacts:
    """The artifacts of one store."""

    def __init__(self, store: Store):
        self.store = store
        self._pointers = Pointers(store)

    def find(self, name: str) -> Artifact | None:
        """The current version of ``name``, or None when there is none or when one of its files is gone."""
        artifact = self.named(name)
        return None if artifact is None else self._whole(artifact)

    def remains(self, name: str) -> Artifact | None:
        """The current version of ``name`` with those of its files that are there: what a mending can keep. None where there
        is none."""
        artifact = self.named(name)
        return None if artifact is None else replace(artifact, files=self._there(artifact))

    def named(self, name: str) -> Artifact | None:
        """The current version of ``name``, be its files there or not; None where there is none."""
        return self._pointers.read(name)[1]

    def current(self, name: str) -> Artifact:
        """The current version of ``name``. Raises :class:`ArtifactMissing` or :class:`ArtifactDamaged`."""
        artifact = self.named(name)
        if artifact is None:
            raise ArtifactMissing(
                f"{name} is not in the store {self.store.root} yet: materialize the asset that makes it first "
                "(`make refresh` builds everything that is missing)"
            )
        return artifact

    def _whole(self, artifact: Artifact) -> Artifact | None:
        if len(self._there(artifact)) < len(artifact.files):
            return None
        needs = artifact.record.get(NEEDS)
        return artifact if needs is None or self._has(needs) else None

    def _there(self, artifact: Artifact) -> dict[str, PublishedFile]:
        """Those of an artifact's files that are there; none is opened."""
        sizes: dict[str, int | None] = {}
        asked: list[str] = []
        folders: dict[str, list[str]] = {}
        for file in artifact.files.values():
            folders.setdefault(_folder(artifact.name, file.key), []).append(file.key)
        for folder, keys in folders.items():
            if folder and len(keys) > FEW:
                listed = {entry.key: entry.size for entry in self.store.list(folder)}
                sizes |= {key: listed.get(key) for key in keys}
            else:
                asked += keys
        sizes |= zip(asked, side_by_side(self.store.size, asked, AT_ONCE), strict=True)
        return {name: file for name, file in artifact.files.items() if sizes[file.key] == file.size}

    def _has(self, needs: Mapping[str, str]) -> bool:
        there = {entry.key.rpartition("/")[2][:SHORT] for entry in self.store.list(needs["below"])}
        names = b64decode(needs["names"]).hex()
        return all(names[at : at + SHORT] in there for at in range(0, len(names), SHORT))

    def fetch(self, artifact: Artifact, file: str) -> Path:
        """A verified local file of an artifact. Raises :class:`ArtifactMissing` or :class:`ArtifactDamaged`."""
        if file not in artifact.files:
            raise ArtifactMissing(
                f"{artifact.name} {artifact.version} holds no {file}"
                + (
                    ", for it was made elsewhere: train it here (`make build`), or adopt one that has it"
                    if artifact.record.get("adopted")
                    else ""
                )
            )
        return self.fetch_file(artifact.files[file])

    def fetch_file(self, published: PublishedFile) -> Path:
        """A verified local copy of a published file (the file itself when the store is a folder)."""
        try:
            return self.store.fetch(published.key, published.sha256)
        except Missing as error:
            raise ArtifactMissing(
                f"{published.key} is gone from {self.store.root}: `make refresh` builds it again"
            ) from error
        except Damaged as error:
            raise ArtifactDamaged(str(error)) from error

    def fetch_files(self, published: Iterable[PublishedFile]) -> Iterator[Path]:
        """What :meth:`fetch_file` gives of each, in their order, several fetched at once: of one at a time most is waiting."""
        return side_by_side(self.fetch_file, published, AT_ONCE)

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

        ``digest`` is the digest of the content, hex. ``kept`` are files that lie in the store already, of the last version or
        written ahead: they are named again, not written again. A version folder is called by the digest, or ``v1.0``,
        ``v1.1``, … when ``numbered``.
        The same content in files of the same names and under the same record publishes nothing new. Raises ``Moved`` when another
        publisher was faster.
        """
        with publishing(self.store):
            return self._publish(name, files, digest, dict(record or {}), kept or {}, numbered)

    def _publish(
        self,
        name: str,
        files: Mapping[str, Path | bytes],
        digest: str,
        record: dict[str, Any],
        kept: Mapping[str, PublishedFile],
        numbered: bool,
    ) -> Artifact:
        pointer, last = self._pointers.read(name)
        same = last is not None and last.digest == digest and last.files.keys() == {*files, *kept}
        if last is not None and same and self._whole(last):
            version, published = last.version, dict(last.files)
        else:
            self._refuse_lost(kept, last)
            versions = self._minors(name) if numbered else _named_after(digest)
            version, written = self._write(name, versions, files)
            published = {**kept, **written}
        artifact = Artifact(name, version, digest, published, record)
        self._pointers.move(artifact, pointer)
        return artifact

    def adopt(self, artifact: Artifact) -> None:
        """Make files current that lie in the store already: nothing is written but the pointer. Raises ``Moved``."""
        self._pointers.move(artifact, self._pointers.data(artifact.name))

    def _refuse_lost(self, kept: Mapping[str, PublishedFile], last: Artifact | None) -> None:
        """Files that the pointer names stay while it does. Others may have been cleared away since they were looked at."""
        named = set(last.files.values()) if last else set()
        unsure = [file for file in kept.values() if file not in named]
        for file, size in zip(
            unsure, side_by_side(lambda file: self.store.size(file.key), unsure, AT_ONCE), strict=True
        ):
            if size != file.size:
                raise StoreError(f"{self.store.root}/{file.key} was cleared away meanwhile: run again, it is made anew")

    def _write(
        self, name: str, versions: Iterable[str], files: Mapping[str, Path | bytes]
    ) -> tuple[str, dict[str, PublishedFile]]:
        """Write the files into the first version folder that nobody claims for other files, and where no others lie."""
        if not files:
            return next(iter(versions)), {}
        digest = {file: _sha256(data) for file, data in files.items()}
        claim = digests.canonical_json(digest)
        for version in versions:
            if not self._claims(f"{name}/.claims/{version}", claim):
                continue
            entries = {
                file: PublishedFile(f"{name}/{version}/{file}", digest[file], _size(files[file])) for file in files
            }
            written = side_by_side(lambda file: self._create(entries[file], files[file]), files, AT_ONCE)  # noqa: B023
            if all([*written]):
                return version, entries
        raise AssertionError("there is always another version")

    def _claims(self, key: str, claim: bytes) -> bool:
        """Whether a version is ours, by its files' digests. A claim is small, for servers that let several end an upload in
        parts at once let one write a small object. The claim of a killed publisher of the same files is ours as well."""
        return self.store.create(key, claim) or self.store.read(key) == claim

    def _create(self, file: PublishedFile, data: bytes | Path) -> bool:
        """Write a file where there is none. False when another lies there; one with the same bytes serves as well."""
        if not self.store.create(file.key, data):
            try:
                self.store.fetch(file.key, file.sha256)
            except Damaged:
                return False
        return True

    def _minors(self, name: str) -> Iterator[str]:
        taken = {entry.key[len(name) + 1 :].split("/")[0] for entry in self.store.list(name)}
        major, minor = max(filter(None, map(number_of, taken)), default=(1, -1))
        return (f"v{major}.{next_minor}" for next_minor in count(minor + 1))


def _folder(name: str, key: str) -> str:
    """Where a file of an artifact is listed: its own folder, or that of another whose files it pins; each has two parts at least.
    Empty where there is none."""
    return name if key.startswith(f"{name}/") else "/".join(key.split("/")[:-1][:2])


def number_of(version: str) -> tuple[int, int] | None:
    """Major and minor of a numbered version; None for any other."""
    at = NUMBERED.fullmatch(version)
    return (int(at[1]), int(at[2])) if at else None


def needed(below: str, names: Iterable[str]) -> dict[str, str]:
    """What an artifact's record says under :data:`NEEDS` of objects in a folder whose names are digests in hex: the first
    five bytes of each name, so that one listing tells whether all are there."""
    return {"below": below, "names": b64encode(bytes.fromhex("".join(sorted(name[:SHORT] for name in names)))).decode()}


def _named_after(digest: str) -> Iterator[str]:
    yield digest[:16]
    yield from (f"{digest[:16]}-{number}" for number in count(2))


def _size(data: bytes | Path) -> int:
    return len(data) if isinstance(data, bytes) else data.stat().st_size


def _sha256(data: bytes | Path) -> str:
    return digests.of_bytes(data) if isinstance(data, bytes) else digests.of_file(data)
