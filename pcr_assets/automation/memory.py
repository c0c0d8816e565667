"""What the sensor remembers between two ticks: its cursor. Pure: no clock, no bucket, no Dagster.

Dagster writes the cursor with every tick and keeps the ticks of a week, so it must stay small: five bytes of digest a set,
never a key. Above :data:`GROUPS` sets, they share that many groups by the hash of their names; what is said of a set below
is then said of its group.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pcr_assets.automation.watch import Watch
from pcr_assets.cards.tally import BITS, Tally

GROUPS = 500
_KEPT = 40
"""Bits of a digest that are remembered. That a change goes unseen has a chance of one in 10^12."""


class Moving(NamedTuple):
    """A set that is not as it was asked for: its digest (None: only the queue spoke of it), and when it last and first moved."""

    digest: str | None
    since: float
    first: float


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

    def hinted(self, groups: set[str], now: float) -> "Memory":
        """The queue says that something happened to these."""
        hints = {
            group: Moving(None, now, self.moving[group].first if group in self.moving else now) for group in groups
        }
        return replace(self, moving={**self.moving, **hints})

    def seen(self, sets: Mapping[str, Tally], now: float) -> "Memory":
        """The folder was listed, and has these sets. What is as it was asked for does not move; it may have moved and back."""
        grouped = len(sets) > GROUPS
        found = _digests(sets, grouped)
        before = self if grouped == self.grouped else Memory(requests=self.requests, received=self.received)
        moving = {}
        for group in sorted(found.keys() | before.asked.keys()):
            digest = found.get(group, "")
            if digest == before.asked.get(group, ""):
                continue
            last = before.moving.get(group)
            stands = last is not None and last.digest in {digest, None}
            moving[group] = Moving(digest, last.since if last and stands else now, last.first if last else now)
        return replace(before, moving=moving, listed=now, grouped=grouped)

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
        return base64.b64encode(zlib.compress(json.dumps(fields, separators=(",", ":")).encode(), 9)).decode()

    @classmethod
    def of_text(cls, cursor: str | None) -> "Memory":
        """Read a cursor; none, or one of another version, is an empty memory."""
        try:
            fields = json.loads(zlib.decompress(base64.b64decode(cursor or "")))
            return cls(**{**fields, "moving": {group: Moving(*last) for group, last in fields["moving"].items()}})
        except (ValueError, zlib.error, TypeError, KeyError):
            return cls()


def group_of(set_id: str, grouped: bool) -> str:
    """The name under which a set is remembered."""
    if not grouped:
        return set_id
    return str(int.from_bytes(hashlib.blake2b(set_id.encode(), digest_size=8).digest()) % GROUPS)


def _digests(sets: Mapping[str, Tally], grouped: bool) -> dict[str, str]:
    sums: dict[str, int] = {}
    for set_id, tally in sets.items():
        group = group_of(set_id, grouped)
        sums[group] = (sums.get(group, 0) + tally.digest) % (1 << BITS)
    return {group: _short(value) for group, value in sums.items()}


def _short(value: int) -> str:
    return base64.b64encode((value >> (BITS - _KEPT)).to_bytes(_KEPT // 8)).decode().rstrip("=")
