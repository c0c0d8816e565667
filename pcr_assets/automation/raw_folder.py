"""The raw folder as the sensor sees it: a look at what is there, and which sets a changed key concerns."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property

from pcr_assets.automation.changes import Change, open_changes
from pcr_assets.automation.memory import Memory, group_of
from pcr_assets.automation.watch import Watch, WatchError
from pcr_assets.cards.catalogue import FILE, Catalogue, find_catalogue, parent
from pcr_assets.cards.listing import Scan, place
from pcr_assets.cards.tally import Tally, tally
from pcr_assets.resources.project import Project
from pcr_assets.resources.s3_listing import list_unordered
from pcr_assets.resources.store import Entry


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
        self._project = project
        self._raw = project.open(project.raw_root)

    @cached_property
    def _catalogue(self) -> Catalogue:
        above = parent(self._project.raw_root)
        return find_catalogue(self._raw, self._project.open(above) if above else None)

    def look(self, memory: Memory, watch: Watch, now: float, *, ask: bool) -> Look:
        """List the folder. With ``ask``, what stood still since before this look is due."""
        ripe = memory.ripe(now, watch) if ask else set()
        with open_changes(self._project.workdir("new_cards")) if ripe else nullcontext() as changes:

            def note(scan: Scan, mark: bytes) -> None:
                if changes and (group := group_of(scan.set_id, memory.grouped)) in ripe:
                    changes.note(group, scan, mark)

            sets = tally(list_unordered(self._raw), self._catalogue, note if changes else None)
            after = memory.seen(sets, now)
            due = ripe & after.ripe(now, watch)
            if not due:
                return Look(after, due)
            versions = {group: (memory.asked.get(group, ""), after.moving[group].digest or "") for group in due}
            found, unknown = changes.since(versions) if changes else ({}, due)
        return _told_apart(after, due, sets, found, unknown)

    def groups_of(self, told: Iterable[tuple[str, str]], grouped: bool) -> set[str]:
        """The groups of the scans that these (bucket, key) pairs are; others, and what is no scan, are passed over.

        The catalogue is no scan, and a change of it is seen by a look. Raises WatchError when the folder is no bucket.
        """
        if not self._raw.root.startswith("s3://"):
            raise WatchError(f"PCR_SQS_QUEUE tells of a bucket, but the card scans are in {self._raw.root}: unset it")
        bucket, _, prefix = self._raw.root.removeprefix("s3://").partition("/")
        base, above = (f"{prefix}/" if prefix else ""), f"{prefix.rpartition('/')[0]}/{FILE}".lstrip("/")
        by_card = {row.card_id: row for row in self._catalogue.values()}
        groups = set()
        for where, key in told:
            inside = key.removeprefix(base) if where == bucket and key.startswith(base) else ""
            scan = place(Entry(inside, 0, ""), self._catalogue, by_card) if inside else None
            if scan:
                groups.add(group_of(scan.set_id, grouped))
            elif where == bucket and (inside == FILE or key == above):
                groups.add(FILE)
        return groups


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
