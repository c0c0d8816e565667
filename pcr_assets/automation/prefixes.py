"""With what the keys of each set begin, as the last listing of the whole folder saw it: so a set can be listed alone.

The file lies in the scratch folder. Where it is lost, or a set's keys have no common beginning, the whole folder is listed.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

FILE, UNFINISHED = "prefixes.json", "prefixes-unfinished.json"
MOST = 4
"""A set whose keys begin in more ways is not listed alone."""


class Prefixes:
    """The prefixes of the keys of each group of sets; None for a group that can't be listed alone."""

    def __init__(self, known: dict[str, list[str] | None] | None = None):
        self._known = {} if known is None else known
        self.complete = known is not None
        """Whether the groups that are not here are new."""

    @classmethod
    def read(cls, folder: Path, file: str = FILE) -> "Prefixes":
        """What was kept in a folder; nothing where that can't be read."""
        try:
            return cls(dict(json.loads((folder / file).read_bytes())))
        except (OSError, ValueError, TypeError):
            return cls()

    @classmethod
    def going_on(cls, folder: Path, ticks: int) -> "Prefixes":
        """For a listing of the whole folder that went on for so many ticks: what those before noted."""
        return cls.read(folder, UNFINISHED) if ticks else cls({})

    def go_on(self, folder: Path) -> None:
        """The listing goes on in another tick."""
        if self.complete:
            self.write(folder, UNFINISHED)

    def end(self, folder: Path) -> None:
        """The whole folder was listed. What the queue told of meanwhile stays; it may lie in what had been listed before."""
        if self.complete:
            for group, told in Prefixes.read(folder)._known.items():
                known = self._known.get(group, [])
                if told and known is not None:
                    both = sorted({*known, *told})
                    self._known[group] = both if len(both) <= MOST else None
            self.write(folder)

    def write(self, folder: Path, file: str = FILE) -> None:
        """Keep them. On a full disk they are lost: then the whole folder is listed."""
        target, aside = folder / file, folder / f".aside-{file}"
        try:
            aside.write_text(json.dumps(self._known))
            aside.replace(target)
        except OSError:
            for path in (aside, target):
                with suppress(OSError):
                    path.unlink()

    def note(self, group: str, set_id: str, key: str) -> None:
        """A key of a set of this group."""
        prefix, known = prefix_of(set_id, key), self._known.setdefault(group, [])
        if known is None or prefix in known:
            return
        if prefix is None or len(known) == MOST:
            self._known[group] = None
        else:
            known.append(prefix)

    def of(self, groups: Iterable[str]) -> list[str] | None:
        """With these, and no others, the keys of these groups begin; None where that is unknown."""
        found: set[str] = set()
        for group in groups:
            known = self._known.get(group)
            if not self.complete or known is None:
                return None
            found |= set(known)
        return [prefix for prefix in sorted(found) if not any(prefix[:end] in found for end in range(1, len(prefix)))]


def prefix_of(set_id: str, key: str) -> str | None:
    """What the keys of a set begin with, by one of them: its folder and the set, else its folder, else nothing.

    >>> prefix_of("base1", "base1-4_Charizard.png"), prefix_of("base1", "base/4.png"), prefix_of("base1", "4.png")
    ('base1-', 'base/', None)
    """
    folder = key[: key.rfind("/") + 1]
    named = f"{folder}{set_id}-"
    return named if key.startswith(named) else folder or None
