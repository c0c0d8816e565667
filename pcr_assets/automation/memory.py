"""What the sensor remembers between two ticks: its cursor. Pure: no clock, no bucket, no Dagster.

Dagster writes the cursor with every tick and keeps the ticks of a week, so it must stay small: five bytes of digest a set,
never a key, but for the dozen between which a listing that takes several ticks goes on. Above :data:`GROUPS` sets, they share
that many groups by the hash of their names; what is said of a set below is then said of its group.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pcr_assets.automation.watch import Watch
from pcr_assets.cards.tally import BITS, Tally
from pcr_assets.resources.store import Span

GROUPS = 500
_KEPT = 40
"""Bits of a digest that are remembered. That a change goes unseen has a chance of one in 10^12."""


class Moving(NamedTuple):
    """A set that is not as it was asked for: its digest (None: only the queue spoke of it), and when it last and first moved."""

    digest: str | None
    since: float
    first: float


class Partly(NamedTuple):
    """A listing that goes on in the next tick: when it began, after how many ticks, whether what is ripe may be asked for in the
    end, the spans of keys that are left, and what was counted, by set or by group. ``grouped``: by group."""

    began: float
    ticks: int
    asks: bool
    left: list[Span]
    counted: Mapping[str, Tally]
    grouped: bool

    @property
    def scans(self) -> int:
        """How many were counted so far."""
        return sum(tally.scans for tally in self.counted.values())

    def as_json(self) -> list[Any]:
        """As the cursor has it."""
        counted = {name: [tally.scans, _text(tally.digest)] for name, tally in self.counted.items()}
        return [self.began, self.ticks, self.asks, self.left, counted, self.grouped]

    @classmethod
    def of_json(cls, began: float, ticks: int, asks: bool, left: Any, counted: Any, grouped: bool) -> "Partly":
        """Read what :meth:`as_json` gave."""
        tallies = {name: Tally(scans, _number(text)) for name, (scans, text) in counted.items()}
        return cls(began, ticks, asks, [(after, until) for after, until in left], tallies, grouped)


@dataclass(frozen=True)
class Memory:
    """What was asked for, and what moved since."""

    asked: Mapping[str, str] = field(default_factory=dict)
    """The digest of each set when a refresh was last asked for on its account."""
    moving: Mapping[str, Moving] = field(default_factory=dict)
    requests: int = 0
    listed: float = 0.0
    """When the folder was last listed; 0 for never."""
    grouped: bool = False
    received: str = ""
    """Names the last batch of messages from the queue that this memory holds."""
    partly: Partly | None = None

    def as_of(self, now: float) -> "Memory":
        """Without moments that are yet to come: the clock ran ahead and was set back, and what waits would wait until then."""
        moving = {
            group: last._replace(since=min(last.since, now), first=min(last.first, now))
            for group, last in self.moving.items()
        }
        return replace(self, moving=moving, listed=min(self.listed, now))

    def hinted(self, groups: set[str], now: float) -> "Memory":
        """The queue says that something happened to these."""
        hints = {
            group: Moving(None, now, self.moving[group].first if group in self.moving else now) for group in groups
        }
        return replace(self, moving={**self.moving, **hints})

    def seen(self, sets: Mapping[str, Tally], now: float, *, of_groups: bool = False) -> "Memory":
        """The folder was listed, and has these sets. What is as it was asked for does not move; it may have moved and back.

        ``of_groups``: they are groups of sets already.
        """
        grouped = of_groups or len(sets) > GROUPS
        found = _digests(sets if of_groups else by_group(sets, grouped))
        before = self if grouped == self.grouped else Memory(requests=self.requests, received=self.received)
        moving = before._moving(found, found.keys() | before.asked.keys(), now)
        return replace(before, moving=moving, listed=now, grouped=grouped, partly=None)

    def seen_of(self, groups: set[str], sets: Mapping[str, Tally], now: float) -> "Memory":
        """These groups were listed, and no others, and have these sets."""
        found = _digests(by_group(sets, self.grouped))
        others = {group: last for group, last in self.moving.items() if group not in groups}
        return replace(self, moving={**others, **self._moving(found, groups, now)})

    def _moving(self, found: Mapping[str, str], groups: Iterable[str], now: float) -> dict[str, Moving]:
        """Those of the groups that are not as they were asked for."""
        moving = {}
        for group in sorted(groups):
            digest = found.get(group, "")
            if digest == self.asked.get(group, ""):
                continue
            last = self.moving.get(group)
            stands = last is not None and last.digest in {digest, None}
            moving[group] = Moving(digest, last.since if last and stands else now, last.first if last else now)
        return moving

    def ripe(self, now: float, watch: Watch) -> set[str]:
        """What stood still for long enough by now, or was waited for long enough."""
        return {
            group
            for group, last in self.moving.items()
            if now - last.since >= watch.quiet_seconds or now - last.first >= watch.most_seconds
        }

    def asking(self, groups: set[str]) -> "Memory":
        """A refresh is asked for, as these now are. A set that is gone needs no remembering."""
        asked = {**self.asked, **{group: self.moving[group].digest or "" for group in groups}}
        return replace(
            self,
            asked={group: digest for group, digest in asked.items() if digest},
            moving={group: last for group, last in self.moving.items() if group not in groups},
            requests=self.requests + 1,
        )

    @property
    def content(self) -> str:
        """The digest of all that was asked for."""
        return hashlib.blake2b(json.dumps(dict(sorted(self.asked.items()))).encode(), digest_size=8).hexdigest()

    def as_text(self) -> str:
        """The cursor."""
        fields = {**vars(self), "moving": {group: list(last) for group, last in self.moving.items()}}
        fields["partly"] = self.partly.as_json() if self.partly else None
        return base64.b64encode(zlib.compress(json.dumps(fields, separators=(",", ":")).encode(), 9)).decode()

    @classmethod
    def of_text(cls, cursor: str | None) -> "Memory":
        """Read a cursor; none, or one of another version, is an empty memory."""
        try:
            fields = json.loads(zlib.decompress(base64.b64decode(cursor or "")))
            partly = Partly.of_json(*fields["partly"]) if fields.get("partly") else None
            moving = {group: Moving(*last) for group, last in fields["moving"].items()}
            return cls(**{**fields, "moving": moving, "partly": partly})
        except (ValueError, zlib.error, TypeError, KeyError):
            return cls()


def group_of(set_id: str, grouped: bool) -> str:
    """The name under which a set is remembered."""
    if not grouped:
        return set_id
    return str(int.from_bytes(hashlib.blake2b(set_id.encode(), digest_size=8).digest()) % GROUPS)


def by_group(sets: Mapping[str, Tally], grouped: bool) -> dict[str, Tally]:
    """Sets under the names by which they are remembered; those of a group are summed up."""
    sums: dict[str, Tally] = {}
    for set_id, tally in sets.items():
        last = sums.get(group := group_of(set_id, grouped), Tally())
        sums[group] = Tally(last.scans + tally.scans, (last.digest + tally.digest) % (1 << BITS))
    return sums


def _digests(groups: Mapping[str, Tally]) -> dict[str, str]:
    """The first bits of each digest, as text."""
    return {group: _text(tally.digest >> (BITS - _KEPT), _KEPT) for group, tally in groups.items()}


def _text(digest: int, bits: int = BITS) -> str:
    return base64.b64encode(digest.to_bytes(bits // 8)).decode().rstrip("=")


def _number(text: str) -> int:
    return int.from_bytes(base64.b64decode(text + "=="))
