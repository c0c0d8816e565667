"""The raw folder as the sensor sees it: a look at what is there, and which sets a changed key concerns."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pcr_assets.automation.changes import Change, Changes, open_changes
from pcr_assets.automation.memory import GROUPS, Memory, Partly, by_group, group_of
from pcr_assets.automation.prefixes import Prefixes
from pcr_assets.automation.watch import Watch, WatchError
from pcr_assets.cards.catalogue import FILE, Catalogue, find_catalogue
from pcr_assets.cards.listing import Scan, place
from pcr_assets.cards.tally import Tally, tally
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Entry

TICK_SECONDS = 30.0
"""After so long a tick lists no more, what it read from the queue before included: Dagster ends one after 60 s, and what was
found is still to be compared."""


@dataclass(frozen=True)
class Look:
    """What a look at the folder found: the memory that follows, the groups that are due, and their sets, with words on how
    each changed. ``counts`` holds scans added, replaced and removed in all, where that is known of every set."""

    memory: Memory
    due: set[str]
    arrived: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


class RawFolder:
    """The raw folder of a project, for one tick."""

    def __init__(self, project: Project):
        self._until = time.monotonic() + TICK_SECONDS
        self._project = project
        self._raw = project.open(project.raw_root)
        self.root = self._raw.root

    @cached_property
    def _catalogue(self) -> Catalogue:
        return find_catalogue(self._raw, self._project.above(self._project.raw_root))

    def look(self, memory: Memory, watch: Watch, now: float, *, ask: bool) -> Look:
        """List the folder. With ``ask``, what stood still since before this look is due.

        A folder for which :data:`TICK_SECONDS` are too short is listed over several ticks: nothing is due before the last.
        """
        partly = memory.partly or Partly(now, 0, ask, [("", None)], {}, False)
        ripe = memory.ripe(partly.began, watch) if partly.asks else set()
        prefixes = Prefixes.going_on(self._folder, partly.ticks) if watch.queue else None
        left = list(partly.left)
        with self._changes(partly, ripe) as changes:
            entries = self._raw.list_unordered("", left, lambda: time.monotonic() < self._until)
            naming = (lambda set_id: group_of(set_id, True)) if partly.grouped else str
            note = _noting(changes, ripe, memory.grouped, prefixes)
            sets = tally(entries, self._catalogue, note, naming, partly.counted)
            if left:
                if changes:
                    changes.go_on()
                if prefixes:
                    prefixes.go_on(self._folder)
                many = partly.grouped or len(sets) > GROUPS
                counted = by_group(sets, True) if many and not partly.grouped else sets
                on = Partly(partly.began, partly.ticks + 1, partly.asks, left, counted, many)
                return Look(replace(memory, partly=on), set())
            after = memory.seen(sets, now, of_groups=partly.grouped)
            if prefixes:
                prefixes.end(self._folder)
            return self._due(after, ripe & after.ripe(now, watch) if ask else set(), memory, changes, sets)

    def glance(self, memory: Memory, watch: Watch, now: float, groups: set[str]) -> Look | None:
        """List these groups of sets alone; what of them stood still is due. None where they can't be."""
        prefixes = Prefixes.read(self._folder).of(groups)
        if prefixes is None:
            return None
        with self._changes(Partly(now, 0, True, [], {}, False), groups) as changes:
            note = _noting(changes, groups, memory.grouped, None)
            entries = (entry for prefix in prefixes for entry in self._raw.list_unordered(prefix))
            sets = tally(entries, self._catalogue, note)
            counted = {name: sums for name, sums in sets.items() if group_of(name, memory.grouped) in groups}
            after = memory.seen_of(groups, counted, now)
            return self._due(after, groups & after.ripe(now, watch), memory, changes, counted)

    @property
    def _folder(self) -> Path:
        return self._project.workdir("new_cards")

    def _changes(self, partly: Partly, ripe: set[str]) -> AbstractContextManager[Changes | None]:
        return open_changes(self._folder, partly.began, partly.ticks) if ripe else nullcontext()

    def _due(
        self, after: Memory, due: set[str], before: Memory, changes: Changes | None, sets: Mapping[str, Tally]
    ) -> Look:
        if not due:
            return Look(after, due)
        versions = {group: (before.asked.get(group, ""), after.moving[group].digest or "") for group in due}
        found, unknown = changes.since(versions) if changes else ({}, due)
        return _told_apart(after, due, sets, found, unknown)

    def groups_of(self, told: Iterable[tuple[str, str]], grouped: bool) -> set[str]:
        """The groups of the scans that these (bucket, key) pairs are; others, and what is no scan, are passed over.

        Where their keys begin is kept, so that :meth:`glance` finds them. The catalogue is no scan, and a change of it is seen
        by a look. Raises WatchError when the folder is no bucket.
        """
        if not self._raw.root.startswith("s3://"):
            raise WatchError(f"PCR_SQS_QUEUE tells of a bucket, but the card scans are in {self._raw.root}: unset it")
        bucket, _, prefix = self._raw.root.removeprefix("s3://").partition("/")
        base, above = (f"{prefix}/" if prefix else ""), f"{prefix.rpartition('/')[0]}/{FILE}".lstrip("/")
        by_card = {row.card_id: row for row in self._catalogue.values()}
        groups, prefixes = set(), Prefixes.read(self._folder)
        for where, key in told:
            inside = key.removeprefix(base) if where == bucket and key.startswith(base) else ""
            scan = place(Entry(inside, 0, ""), self._catalogue, by_card) if inside else None
            if scan:
                groups.add(group := group_of(scan.set_id, grouped))
                prefixes.note(group, scan.set_id, scan.key)
            elif where == bucket and (inside == FILE or key == above):
                groups.add(FILE)
        if prefixes.complete and groups:
            prefixes.write(self._folder)
        return groups


def _noting(
    changes: Changes | None, ripe: set[str], grouped: bool, prefixes: Prefixes | None
) -> Callable[[Scan, bytes], None] | None:
    """What is taken down of each scan, if anything is."""
    if changes is None and prefixes is None:
        return None

    def note(scan: Scan, mark: bytes) -> None:
        group = group_of(scan.set_id, grouped)
        if changes and group in ripe:
            changes.note(group, scan, mark)
        if prefixes:
            prefixes.note(group, scan.set_id, scan.key)

    return note


def _told_apart(
    memory: Memory, due: set[str], sets: Mapping[str, Tally], found: Mapping[str, Change], unknown: set[str]
) -> Look:
    """Say of each set how it changed, or name all that may have where that is unknown."""
    unsure = {set_id for set_id in sets if group_of(set_id, memory.grouped) in unknown}
    unsure |= unknown - set(sets) if not memory.grouped else set()
    arrived = {**dict.fromkeys(unsure, "changed"), **{set_id: str(change) for set_id, change in found.items()}}
    counts = {
        what: sum(getattr(change, what) for change in found.values()) for what in ("added", "replaced", "removed")
    }
    return Look(memory, due, dict(sorted(arrived.items())), {} if unknown else counts)
