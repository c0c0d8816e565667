"""Files that travel to a node of a Ray cluster and back, in pieces, through Ray's object store.

Pieces that don't fit its memory are spilled to disk by Ray. A file that arrives is written aside, checked, and renamed.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pcr_assets import digests

PIECE = 16 << 20
"""Bytes of a piece: a quarter of the smallest object store that Ray starts with."""
TRIES = 5
"""How often a folder is listed anew that changes while it is read."""


@dataclass(frozen=True)
class Parcel:
    """A file on its way: its name below the folder it goes to, SHA-256 in hex, and pieces in Ray's object store."""

    name: str
    sha256: str
    pieces: tuple[Any, ...]


def packed(put: Callable[[bytes], Any], name: str, path: Path) -> Parcel:
    """Put a file's pieces into the object store. Raises OSError."""
    with path.open("rb") as file:
        pieces = tuple(put(piece) for piece in iter(lambda: file.read(PIECE), b""))
    return Parcel(name, digests.of_file(path), pieces)


def unpack(get: Callable[[Any], bytes], parcel: Parcel, folder: Path) -> Path:
    """Write a file below ``folder``, whole or not at all. Raises OSError, and ValueError for one that isn't what was sent."""
    path = folder / parcel.name
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".aside-{os.getpid()}-{path.name}")
    try:
        with aside.open("wb") as file:
            for piece in parcel.pieces:
                file.write(get(piece))
        if digests.of_file(aside) != parcel.sha256:
            raise ValueError(f"{path} arrived as another file than was sent: run again")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


Stamp = tuple[int, int]
"""Time of writing in ns, and size in bytes: by it a file is known to have changed."""


def listed(folder: Path) -> dict[str, Stamp]:
    """The files below a folder by name; those still being written (``writing``, ``….writing``, hidden ones) are left out."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "writing"]
        for name in names:
            if not name.startswith(".") and not name.endswith(".writing"):
                path = Path(place, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:  # renamed or removed since
                    continue
                found[str(path.relative_to(folder))] = (stat.st_mtime_ns, stat.st_size)
    return found


def changed(
    folder: Path, sent: Mapping[str, Stamp], put: Callable[[bytes], Any]
) -> tuple[dict[str, Stamp], list[Parcel]] | None:
    """All files below a folder, and parcels of those that were not sent as they are; None while they change too fast.

    What is given was all there at one moment, and parcels come in the order in which the files were written: a checkpoint
    never goes before the next one is there, and the file that makes one whole arrives last.
    """
    for _ in range(TRIES):
        before = listed(folder)
        try:
            new = sorted((name for name in before if sent.get(name) != before[name]), key=before.__getitem__)
            parcels = [packed(put, name, folder / name) for name in new]
        except FileNotFoundError:
            continue
        if listed(folder) == before:
            return before, parcels
    return None


def mirror(
    folder: Path, names: Iterable[str], parcels: Iterable[Parcel], get: Callable[[Any], bytes], had: Iterable[str]
) -> None:
    """Bring a folder up to what :func:`changed` gave elsewhere: write what is new, then remove what is there no more."""
    for parcel in parcels:
        unpack(get, parcel, folder)
    for name in set(had) - set(names):
        path = folder / name
        path.unlink(missing_ok=True)
        if path.parent != folder and not any(path.parent.iterdir()):
            path.parent.rmdir()
