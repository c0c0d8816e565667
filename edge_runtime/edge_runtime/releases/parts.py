"""The parts of a release: what a manifest says of them, how one is fetched, and which lie in releases that are here already.

A file of several parts has a list of them, a part itself: JSON, ``[[sha256, size], …]`` in order.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.disk import LOST, read_object
from edge_runtime.publishers import Publisher
from edge_runtime.releases.refusals import Damaged, NotPublished, PartMissing, PartTampered, PartTruncated, WrongSchema
from edge_runtime.releases.release import NOT_AS_EXPECTED

SHA256 = re.compile(r"[0-9a-f]{64}")
PARTS = "parts"
"""Where a publisher keeps the parts."""


@dataclass(frozen=True)
class Part:
    """Some bytes by their SHA-256, in hex, and their number."""

    sha256: str
    size: int

    @classmethod
    def read(cls, sha256: Any, size: Any) -> "Part":
        """Raises ValueError for what is no digest and no size: digests become names of files."""
        if not isinstance(sha256, str) or not SHA256.fullmatch(sha256) or type(size) is not int or size < 0:
            raise ValueError(f"{sha256!r} of {size!r} bytes is no part")
        return cls(sha256, size)


@dataclass(frozen=True)
class File:
    """A file of a release: its name, its content, and the list of its parts, None where it is one part."""

    name: str
    whole: Part
    listed: Part | None


@dataclass(frozen=True)
class Range:
    """Where a part lies inside a file."""

    path: Path
    start: int
    size: int

    def read(self) -> bytes:
        """Its bytes; fewer where the file is shorter than it was, none where the disk gives them back no more."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                return file.read(self.size)
        except OSError as error:
            if error.errno not in LOST:
                raise
            return b""


def files_of(manifest: Mapping[str, Any], place: str) -> list[File]:
    """The files of a verified manifest, which :func:`edge_runtime.releases.release.described` reads too. Raises WrongSchema."""
    try:
        return [
            File(
                name,
                Part.read(entry["sha256"], entry["size"]),
                Part.read(**entry["parts"]) if "parts" in entry else None,
            )
            for name, entry in manifest["files"].items()
        ]
    except (*NOT_AS_EXPECTED, AttributeError) as error:
        raise WrongSchema(f"{place}/manifest.json is signed, but lists no files ({error}): publish it again") from error


def parts_of(file: File, lists: Path) -> list[Part]:
    """The parts of a file, in order; its list lies in ``lists``. Raises :class:`Damaged` for a list that is not this file's."""
    if file.listed is None:
        return [file.whole]
    try:
        parts = [Part.read(*row) for row in json.loads((lists / file.listed.sha256).read_bytes())]
    except NOT_AS_EXPECTED as error:
        raise Damaged(f"the list of {file.name}'s parts is none ({error}): publish the release again") from error
    if sum(part.size for part in parts) != file.whole.size:
        raise Damaged(f"the parts of {file.name} are not {file.whole.size} bytes: publish the release again")
    return parts


def lies_in(folder: Path, part: Part) -> bool:
    """Whether a folder holds the part, whole and unchanged."""
    path = folder / part.sha256
    return path.is_file() and path.stat().st_size == part.size and is_part(Range(path, 0, part.size).read(), part)


def is_part(data: bytes, part: Part) -> bool:
    """Whether these bytes are the part."""
    return len(data) == part.size and hashlib.sha256(data).hexdigest() == part.sha256


PARTIAL = ".partial"
"""What of a part has come so far ends so."""


def fetch(publisher: Publisher, part: Part, folder: Path) -> None:
    """Fetch a part into a folder, under its SHA-256: checked while it is written aside, then renamed.

    What came before the line was cut is kept, and gone on from. Raises :class:`PartMissing`, :class:`PartTruncated`,
    :class:`PartTampered` and ``Unreachable``.
    """
    aside = folder / f"{part.sha256}{PARTIAL}"
    resumed = aside.is_file() and 0 < aside.stat().st_size < part.size
    try:
        try:
            _fetch_rest(publisher, part, aside, resumed)
        except (PartTruncated, PartTampered):
            if not resumed:
                raise
            _fetch_rest(publisher, part, aside, False)  # what was here already may be what is wrong
    except NotPublished as error:
        raise PartMissing(
            f"{error}: copy the releases again if this is a copy, else publish them again (`make build ASSET=edge_release`)"
        ) from error
    except (PartTruncated, PartTampered):
        aside.unlink(missing_ok=True)
        raise
    aside.replace(folder / part.sha256)


def _fetch_rest(publisher: Publisher, part: Part, aside: Path, resumed: bool) -> None:
    digest = hashlib.sha256(aside.read_bytes() if resumed else b"")
    size = aside.stat().st_size if resumed else 0
    with aside.open("ab" if resumed else "wb") as file:
        for piece in publisher.read(f"{PARTS}/{part.sha256}", size):
            digest.update(piece)
            size += len(piece)
            if size > part.size:
                break
            file.write(piece)
    if size < part.size:
        raise PartTruncated(
            f"part {part.sha256} of {publisher.name} ends after {size} of {part.size} bytes: copy or publish the release again"
        )
    if size > part.size or digest.hexdigest() != part.sha256:
        raise PartTampered(
            f"part {part.sha256} of {publisher.name} is not the one that was signed: copy or publish the release again"
        )


def ranges(folder: Path, lists: Path) -> Iterator[tuple[str, Range]]:
    """Which parts lie where in the files of a release that is here, as far as its lists are."""
    try:
        files = files_of(read_object(folder / "manifest.json"), str(folder))
    except WrongSchema:
        return
    for file in files:
        start = 0
        try:
            parts = parts_of(file, lists)
        except (OSError, Damaged):
            continue
        for part in parts:
            yield part.sha256, Range(folder / file.name, start, part.size)
            start += part.size
