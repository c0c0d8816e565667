"""What this machine keeps that it need not: scratch folders of runs that ended or were killed, downloads beyond their bounds."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from math import inf
from pathlib import Path

from pcr_assets.resources import downloads
from pcr_assets.resources.folder_store import ASIDE
from pcr_assets.tidy.found import DAY, Keep, Leaving

OF_A_STEP = re.compile(r".+-[0-9a-f]{16}")
"""A folder in which a step's work survives its run; it is called by the digest of what the step was given."""


def scratch(folder: Path, keep: Keep) -> Iterator[Leaving]:
    """Folders of steps that nobody has touched for a while. ``folder``: where :meth:`Project.workdir` makes them."""
    for path in sorted((folder / "passing").glob("*")):
        size, modified = _measured(path)
        if not keep.is_young(modified):
            yield Leaving("scratch", "of a step that was killed", size, modified, remove=partial(_remove, path))
    for path in sorted(path for path in folder.glob("*") if path.is_dir() and OF_A_STEP.fullmatch(path.name)):
        size, modified = _measured(path)
        if keep.now - modified > keep.scratch_days * DAY and not keep.is_young(modified):
            why = f"not touched for {keep.scratch_days:g} days"
            yield Leaving("scratch", why, size, modified, remove=partial(_remove, path))


def cache(keep: Keep) -> Iterator[Leaving]:
    """Downloads that were not used for the longest, as far as all of them are larger than is kept; and broken-off ones."""
    stats = {}
    for folder in downloads.CACHE.glob("*"):
        with suppress(FileNotFoundError, NotADirectoryError):  # others download and remove meanwhile
            for path in folder.iterdir():
                with suppress(FileNotFoundError):
                    if path.is_file():
                        stats[path] = path.stat()
    whole = [path for path in stats if not path.name.startswith(ASIDE)]
    for path in set(stats) - set(whole):
        if not keep.is_young(stats[path].st_mtime):
            yield _download(path, stats[path], stats[path].st_mtime, "broken off")
    left = sum(stats[path].st_size for path in whole) - keep.cache_bytes
    for path in sorted(whole, key=lambda path: stats[path].st_atime):
        if left <= 0 or keep.is_young(stats[path].st_atime):
            break
        left -= stats[path].st_size
        yield _download(
            path, stats[path], stats[path].st_atime, f"not used lately, and more than {keep.cache_bytes / 1e9:g} GB"
        )


def _download(path: Path, stat: os.stat_result, used: float, why: str) -> Leaving:
    return Leaving("download", why, stat.st_size, used, remove=partial(_forget, path, stat))


def _forget(path: Path, seen: os.stat_result) -> None:
    """Remove a download, unless somebody asked for it since it was looked at: who did is about to open it."""
    with suppress(FileNotFoundError):
        if path.stat().st_atime_ns == seen.st_atime_ns:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    path.unlink(missing_ok=True)
    if path.parent != downloads.CACHE:
        with suppress(OSError):  # another download is in it
            path.parent.rmdir()


def _measured(path: Path) -> tuple[int, float]:
    """The bytes below a path, and when anything there was written last: hereafter, where it is gone meanwhile."""
    size, times = 0, []
    within = (Path(folder, name) for folder, *names in os.walk(path) for name in chain(*names))
    for each in chain([path], within):
        with suppress(FileNotFoundError):  # somebody is at work there
            stat = each.lstat()
            size += stat.st_size if each != path else 0
            times.append(stat.st_mtime)
    return size, max(times, default=inf)
