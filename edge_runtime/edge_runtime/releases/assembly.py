"""Putting a release together in a home: from files and pieces that are here already, and from parts that are fetched."""

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.disk import read_object, write
from edge_runtime.publishers import Publisher
from edge_runtime.releases.home import Home
from edge_runtime.releases.parts import File, Part, Range, fetch, files_of, is_part, lies_in, parts_of, ranges
from edge_runtime.releases.refusals import CannotPull, Damaged, ReleaseError

AT_ONCE = 8
"""Parts that are fetched at the same time."""
SPARE = 16 << 20
"""Bytes that a pull leaves free: on a full disk a service can note nothing, not even that a release takes it down."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fetched:
    """What had to be fetched: parts, lists of parts among them, and their bytes."""

    parts: int
    size: int


def assemble(
    publisher: Publisher, home: Home, files: Sequence[File], aside: Path, mend: bool, progress: Progress
) -> Fetched:
    """Put the files of a release together in the folder ``aside``, which is made anew; each is checked.

    ``mend``: read what is here already before it is used. Raises a :class:`ReleaseError`.
    """
    home.drop_unfinished()
    aside.mkdir()
    here = _files_here(home)
    lacking = [file for file in files if not _linked(file, here.get(file.whole), aside / file.name, mend)]
    lists = [file.listed for file in lacking if file.listed is not None and not lies_in(home.lists, file.listed)]
    _fetch(publisher, lists, home.lists, lambda done, total: None)
    made_of = {file: parts_of(file, home.lists) for file in lacking}
    found = _ranges_here(home, {part for parts in made_of.values() for part in parts})
    wanted = [part for part in dict.fromkeys(p for parts in made_of.values() for p in parts) if part not in found]
    home.keep_incoming({part.sha256 for part in wanted})
    missing = [part for part in wanted if not lies_in(home.incoming, part)]
    _require_room(home, sum(part.size for part in missing) + sum(file.whole.size for file in lacking))
    _fetch(publisher, missing, home.incoming, progress)
    found |= {part: Range(home.incoming / part.sha256, 0, part.size) for part in wanted}
    for file, parts in made_of.items():
        _put_together(file, [found[part] for part in parts], aside / file.name)
    return Fetched(len(lists) + len(missing), sum(part.size for part in (*lists, *missing)))


def lists_of(folder: Path) -> set[str]:
    """The lists of parts that a release which is here needs, by their SHA-256."""
    return {file.listed.sha256 for file in _files_in(folder) if file.listed}


def _files_in(folder: Path) -> list[File]:
    try:
        return files_of(read_object(folder / "manifest.json"), str(folder))
    except ReleaseError:
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
    if mend and not is_part(Range(path, 0, file.whole.size).read(), file.whole):
        return False
    try:
        os.link(path, target)
    except OSError:  # a file system without links, such as FAT
        write(target, [path.read_bytes()])
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


def _require_room(home: Home, needed: int) -> None:
    """Raises :class:`CannotPull` where so many bytes don't fit: found out by writing them, the disk would stay full."""
    free = shutil.disk_usage(home.folder).free
    if free < needed + SPARE:
        raise CannotPull(
            f"this release takes {needed / 1e6:.1f} MB more in {home.folder}, where {free / 1e6:.1f} MB are free and "
            f"{SPARE / 1e6:.0f} stay so: free space, then pull again"
        )


def _fetch(publisher: Publisher, parts: Sequence[Part], folder: Path, progress: Progress) -> None:
    """Fetch parts, several at a time; the first failure is raised and ends the rest."""
    total, done = sum(part.size for part in parts), 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tasks = [(part, pool.submit(fetch, publisher, part, folder)) for part in dict.fromkeys(parts)]
        try:
            for part, task in tasks:
                task.result()
                done += part.size
                progress(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _put_together(file: File, places: Sequence[Range], target: Path) -> None:
    if write(target, (place.read() for place in places)) != file.whole.sha256:
        raise Damaged(
            f"the parts of {file.name} are not the file that was signed: pull again, or publish the release again"
        )
