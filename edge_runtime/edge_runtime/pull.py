"""Pull the newest release of a source: only the parts that are not here yet, and served only when it is whole.

The order is fixed: signature of the manifest, by a pinned key; the parts that lack, each checked while it is written aside;
the files, each put together and checked in a folder aside; that folder renamed into place; the pointer moved. Killed at any
moment, the last good release is served, and the next pull goes on with the parts that were fetched.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edge_runtime import in_use
from edge_runtime.home import ASIDE, Home, home_of
from edge_runtime.keys import trusted_keys
from edge_runtime.parts import File, Part, Range, fetch, files_of, is_part, lies_in, parts_of, ranges
from edge_runtime.release import (
    Damaged,
    Release,
    ReleaseError,
    described,
    is_plain_name,
    open_release,
    read_pointer,
    verified,
)
from edge_runtime.source import FolderSource, Source

AT_ONCE = 8
"""Parts that are fetched at the same time."""
MOST_POINTER_BYTES = 4096

Progress = Callable[[int, int], None]


class CannotPull(ReleaseError):
    """The source can't be read, or the home can't be written."""


@dataclass(frozen=True)
class Pulled:
    """A release that lies in a home now: its id, its folder, its size, and the bytes and parts that had to be fetched."""

    release_id: str
    folder: Path
    size: int
    fetched: int
    parts: int


def pull(
    source: Source,
    home: Path,
    keys: Mapping[str, bytes] | None = None,
    *,
    mend: bool = False,
    progress: Progress = lambda done, total: None,
) -> Pulled:
    """Bring the newest release of a source into a home, and serve it.

    ``keys``: trusted ones, by default the pinned; ``mend``: read every file that is here already, and fetch damaged ones
    again. ``progress`` is told of bytes fetched and to fetch. Raises a :class:`ReleaseError` of the kind that fits; the release
    that was served before is served then.
    """
    try:
        with Home(home).alone():
            pulled = _pull(source, Home(home), trusted_keys() if keys is None else keys, mend, progress)
            if isinstance(source, FolderSource):
                in_use.leave(source.folder, pulled.release_id, home)
            return pulled
    except OSError as error:
        raise CannotPull(
            f"{error.filename or home} can't be used ({error.strerror}): free space or mend the rights, then pull again"
        ) from error


def _pull(source: Source, home: Home, keys: Mapping[str, bytes], mend: bool, progress: Progress) -> Pulled:
    pointer = source.pointer()
    if len(pointer) > MOST_POINTER_BYTES:
        raise Damaged(f"{source.name}/latest.json is larger than any pointer")
    release_id, digest = read_pointer(pointer, source.name)
    data, signature = source.manifest(release_id)
    if not is_plain_name(release_id) or release_id.startswith(".") or release_id.endswith(ASIDE):
        raise Damaged(f"{source.name}/latest.json names no release: publish the release again")
    if hashlib.sha256(data).hexdigest() != digest:
        raise Damaged(
            f"{source.name}/latest.json names another manifest than {release_id}'s: publish the release again"
        )
    place = f"{source.name}/{release_id}"
    folder = home.releases / release_id
    manifest = verified(data, signature, place, source.key_hint, keys)
    described(folder, manifest)  # what could not be opened must not take the place of what can
    files = files_of(manifest, place)
    size = sum(file.whole.size for file in files)
    if home.pointer == pointer and folder.is_dir() and not mend:
        return Pulled(release_id, folder, size, len(pointer), 0)

    before = home.served
    aside = home.releases / f"{release_id}{ASIDE}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    here = _files_here(home)
    lacking = [file for file in files if not _linked(file, here.get(file.whole), aside / file.name, mend)]
    lists = [file.listed for file in lacking if file.listed is not None and not lies_in(home.lists, file.listed)]
    _fetch(source, lists, home.lists, lambda done, total: None)
    made_of = {file: parts_of(file, home.lists) for file in lacking}
    found = _ranges_here(home, {part for parts in made_of.values() for part in parts})
    wanted = [part for part in dict.fromkeys(p for parts in made_of.values() for p in parts) if part not in found]
    missing = [part for part in wanted if not lies_in(home.incoming, part)]
    _fetch(source, missing, home.incoming, progress)
    found |= {part: Range(home.incoming / part.sha256, 0, part.size) for part in wanted}
    for file, parts in made_of.items():
        _assemble(file, [found[part] for part in parts], aside / file.name)
    for name, content in (("manifest.json", data), ("manifest.sig", signature or b"")):
        _write(aside / name, [content])
    home.publish(aside, folder, pointer)
    kept = {release_id, before or release_id}
    home.tidy(kept, {f.listed.sha256 for name in kept for f in _files_in(home.releases / name) if f.listed})
    fetched = sum(part.size for part in (*lists, *missing)) + len(pointer) + len(data) + len(signature or b"")
    return Pulled(release_id, folder, size, fetched, len(lists) + len(missing))


def _files_in(folder: Path) -> list[File]:
    try:
        return files_of(json.loads((folder / "manifest.json").read_bytes()), str(folder))
    except (OSError, ValueError, ReleaseError):
        return []


def _files_here(home: Home) -> dict[Part, Path]:
    """The files of the releases in a home by their content."""
    found: dict[Part, Path] = {}
    for folder in home.kept():
        for file in _files_in(folder):
            found.setdefault(file.whole, folder / file.name)
    return found


def _linked(file: File, path: Path | None, target: Path, mend: bool) -> bool:
    """Whether the file was here already; it is shared then, or copied where files can't be."""
    if path is None or not path.is_file() or path.stat().st_size != file.whole.size:
        return False
    if mend and not is_part(path.read_bytes(), file.whole):
        return False
    try:
        os.link(path, target)
    except OSError:  # a file system without links, such as FAT
        shutil.copyfile(path, target)
    return True


def _ranges_here(home: Home, wanted: set[Part]) -> dict[Part, Range]:
    """Where wanted parts lie in files that are here, checked by their SHA-256."""
    names = {part.sha256: part for part in wanted}
    found: dict[Part, Range] = {}
    for folder in home.kept() if wanted else ():
        for sha256, place in ranges(folder, home.lists):
            part = names.get(sha256)
            if part is not None and part not in found and place.path.is_file() and is_part(place.read(), part):
                found[part] = place
    return found


def _fetch(source: Source, parts: Sequence[Part], folder: Path, progress: Progress) -> None:
    """Fetch parts, several at a time; the first failure is raised and ends the rest."""
    total, done = sum(part.size for part in parts), 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tasks = [(part, pool.submit(fetch, source, part, folder)) for part in dict.fromkeys(parts)]
        try:
            for part, task in tasks:
                task.result()
                done += part.size
                progress(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _assemble(file: File, places: Sequence[Range], target: Path) -> None:
    if _write(target, (place.read() for place in places)) != file.whole.sha256:
        raise Damaged(
            f"the parts of {file.name} are not the file that was signed: pull again, or publish the release again"
        )


def _write(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a file that survives a power cut; gives its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def open_newest(
    place: Path,
    keys: Mapping[str, bytes] | None = None,
    *,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda done, total: None,
) -> Release:
    """Open the newest release of a place: a publisher's ``releases``, a home, a folder of whole releases, or one of these.

    From a publisher it is pulled first, into this user's home for that place. Where that fails, the last good release is
    opened, and ``say`` is told why. Raises a :class:`ReleaseError` where there is none.
    """
    place = Path(place)
    if (place / "releases" / "latest.json").exists():
        return open_release(place / "releases", keys)
    source = FolderSource(place)
    home = Home(home_of(source.name))
    whole = (place / "manifest.json").exists() or ((place / "latest.json").exists() and not (place / "parts").is_dir())
    if whole or not ((place / "parts").is_dir() or home.pointer):
        return open_release(place, keys)
    try:
        pull(source, home.folder, keys, progress=progress)
    except ReleaseError as error:
        if home.pointer is None:
            raise
        say(f"{error}; going on with the last good release, {home.served}")
    try:
        return open_release(home.releases, keys)
    except Damaged as error:
        say(f"{error}; doing so")
        pull(source, home.folder, keys, mend=True, progress=progress)
        return open_release(home.releases, keys)
