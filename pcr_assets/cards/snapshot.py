"""The training snapshot: which cards models learn from, pinned, so that new cards alone start no training."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pcr_assets.cards.settings import SnapshotSettings

SPLITS = ("train", "validation", "test")
SCHEMA = pa.schema(
    [
        ("card_id", pa.string()),
        ("view", pa.int32()),
        ("set", pa.string()),
        ("name", pa.string()),
        ("art_group", pa.string()),
        ("pixel_digest", pa.string()),
        ("split", pa.string()),
    ]
)


class TooFewCards(ValueError):
    """The cards do not fill all splits; the message says what to do."""


def reason_to_move(
    settings: SnapshotSettings,
    pinned: pa.Table | None,
    cards: Mapping[str, str],
    generation: int | None,
    worse: Collection[str] = (),
    said: str = "",
) -> tuple[bool, str]:
    """Whether a new snapshot is due, and why or why not, in a sentence.

    ``pinned``: the last one, and its ``generation``; ``cards``: those of the gallery now, and the set of each; ``worse``: sets
    that came since and are recognised worse, with what is ``said`` of them, or of there being none.
    """
    if pinned is None:
        return True, "there was none"
    if generation != settings.generation:
        return True, f"generation {settings.generation} was asked for"
    rows = zip(pinned["art_group"].to_pylist(), pinned["split"].to_pylist(), strict=True)
    if moved := sum(split_of(group, settings) != split for group, split in rows):
        return True, f"other shares were asked for, which put {moved} of {len(pinned)} scans into another split"
    old = set(pinned["card_id"].to_pylist())
    return _news(settings, len(old), [cards[card_id] for card_id in cards.keys() - old], worse, said)


def _news(
    settings: SnapshotSettings, old: int, new: Collection[str], worse: Collection[str], said: str
) -> tuple[bool, str]:
    """The same of the cards that came: ``new`` is the set of each, ``old`` how many cards there were."""
    came = f"{len(new)} cards came to the {old} of the last snapshot"
    if len(new) >= settings.growth * max(1, old):
        return True, came
    few = f"{came}, fewer than {settings.growth:.0%}"
    if not worse:
        return False, f"{few}; {said}" if said else few
    if set(worse).isdisjoint(new):
        return False, f"{few}; none is of {', '.join(worse)}, which the report found recognised worse"
    return True, said


def pin(rows: Iterable[Mapping[str, Any]], groups: Mapping[str, str], settings: SnapshotSettings) -> pa.Table:
    """The snapshot of processed cards, in the order of card ids and views. ``groups``: art group of each card.

    Raises :class:`TooFewCards` when a split comes out empty: better here than after minutes of training.
    """
    pinned = [
        {
            **{name: row[name] for name in ("card_id", "view", "set", "name", "pixel_digest")},
            "art_group": groups[row["card_id"]],
            "split": split_of(groups[row["card_id"]], settings),
        }
        for row in rows
    ]
    for split in SPLITS:
        if not any(row["split"] == split for row in pinned):
            raise TooFewCards(
                f"of {len(pinned)} scans none is in the {split} split: put more cards into the raw folder (a hundred will do), "
                "or raise the shares in the section snapshot of the profile"
            )
    return pa.Table.from_pylist(sorted(pinned, key=lambda row: (row["card_id"], row["view"])), schema=SCHEMA)


def split_of(art_group: str, settings: SnapshotSettings) -> str:
    """``train``, ``validation`` or ``test``, by a stable hash of the art group: art that is tested on is in no training card."""
    place = int.from_bytes(hashlib.blake2b(art_group.encode(), digest_size=8).digest(), "big") / 2**64
    if place < settings.test:
        return "test"
    return "validation" if place < settings.test + settings.validation else "train"


def write(table: pa.Table, sink: Path | BinaryIO) -> None:
    """Write a snapshot as Parquet to a path or a file object."""
    pq.write_table(table, sink, compression="zstd")
