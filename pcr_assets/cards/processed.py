"""All shards together: how many cards, which share their art, what is in quarantine, and the digest of it all.

What the shards say of their scans, all but the pictures, is kept once more in one table, and the twins beside it: when a set
changes, no other set's shard is read, and only its scans are compared with the others.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pcr_assets import digests
from pcr_assets.cards.duplicates import Twins, art_groups, find_twins, in_order
from pcr_assets.cards.reader import CardImages
from pcr_assets.cards.shards import SCHEMA
from pcr_assets.imaging.art import SIZE
from pcr_assets.measures import even_sample

COLUMNS = ["card_id", "view", "set", "number", "name", "pixel_digest", "phash", "art"]
TABLE, TWINS = "cards.parquet", "twins.json"
TABLE_VERSION = 4
"""Raise it when the table or the twins' file is made otherwise: both are then published anew."""


@dataclass(frozen=True)
class Scans:
    """What is known of all scans without their pictures: a table of :data:`COLUMNS` by set, and the twins among them."""

    table: pa.Table
    twins: tuple[Twins, ...]

    @classmethod
    def read(cls, table: Path, twins: Path) -> "Scans":
        """Read what :meth:`files` gave."""
        return cls(pq.read_table(table), tuple(Twins(*row) for row in json.loads(twins.read_bytes())))

    def files(self) -> dict[str, bytes]:
        """The files that hold it, by name; the same content gives the same bytes under the same pyarrow."""
        sink = pa.BufferOutputStream()
        pq.write_table(self.table, sink, compression="zstd", use_dictionary=False)
        rows = [[pair.card_id, pair.other_id, pair.kind, pair.distance] for pair in self.twins]
        return {TABLE: sink.getvalue().to_pybytes(), TWINS: digests.canonical_json(rows)}

    def updated(self, sets: set[str], built: Mapping[str, Path]) -> "Scans":
        """The scans of ``sets``: those in ``built`` read from their new shards, the others as they were."""
        kept = self.table.filter(pc.is_in(self.table["set"], pa.array(sorted(sets - set(built)), pa.string())))
        tables = {set_id: read_cards({set_id: path}) for set_id, path in built.items()}
        new = {card_id for table in tables.values() for card_id in table["card_id"].to_pylist()}
        table = pa.concat_tables([kept, *tables.values()]).sort_by(
            [(name, "ascending") for name in ("set", "card_id", "view")]
        )
        card_ids = table["card_id"].to_pylist()
        fresh = np.array([card_id in new for card_id in card_ids], bool)
        hashes, art = (
            np.frombuffer(b"".join(table[name].to_pylist()), np.uint8).reshape(len(table), *shape)
            for name, shape in (("phash", (32,)), ("art", SIZE[::-1]))
        )
        found = find_twins(card_ids, table["name"].to_pylist(), table["pixel_digest"].to_pylist(), hashes, art, fresh)
        staying = set(card_ids) - new
        old = [pair for pair in self.twins if pair.card_id in staying and pair.other_id in staying]
        return Scans(table, tuple(in_order([*old, *found])))


NO_SCANS = Scans(SCHEMA.empty_table().select(COLUMNS), ())


@dataclass(frozen=True)
class Processed:
    """The record of the processed cards, its digest, and what is known of all scans."""

    record: dict[str, Any]
    digest: str
    scans: Scans


def sample(shards: Mapping[str, Path], count: int) -> tuple[list[np.ndarray], list[str]]:
    """Cards spread evenly over some sets' shards, and their names."""
    sets = sorted(shards)
    # No more shards are opened than shown.
    cards = CardImages([shards[sets[at]] for at in even_sample(len(sets), count)])
    picked = even_sample(len(cards), count)
    return [cards.image(index) for index in picked], cards.scans["card_id"].take(picked).to_pylist()


def read_cards(paths: Mapping[str, Path]) -> pa.Table:
    """Everything but the pictures, of some shards in the order of their sets."""
    if not paths:
        return NO_SCANS.table
    return pa.concat_tables(pq.read_table(paths[set_id], columns=COLUMNS) for set_id in sorted(paths))


def assemble(
    sets: Mapping[str, Mapping[str, Any]],
    built: Mapping[str, Path],
    before: Scans = NO_SCANS,
    set_names: Mapping[str, str] = MappingProxyType({}),
) -> Processed:
    """Put the entries of all sets together. ``built``: the Parquet files of those that ``before`` doesn't know as they are.

    ``set_names``: what sets are called; where none is, record and digest are as before sets could have names.
    A set of which every scan is in quarantine, such as an empty folder, has no shard and stands apart: ``without_cards``.
    """
    with_cards = {set_id for set_id, entry in sets.items() if entry["scans"]}
    scans = before.updated(with_cards, built)
    groups = art_groups(scans.table["card_id"].to_pylist(), scans.twins)
    shared = {card_id: group for card_id, group in groups.items() if card_id != group}
    names = {set_id: set_names[set_id] for set_id in sorted(with_cards & set(set_names))}
    named = {"set_names": names} if names else {}
    record = {
        "sets": {set_id: dict(sets[set_id]) for set_id in sorted(with_cards)},
        "without_cards": {set_id: dict(sets[set_id]) for set_id in sorted(set(sets) - with_cards)},
        "cards": len(groups),
        "scans": len(scans.table),
        "rejected": sum(entry["rejected"] for entry in sets.values()),
        "quarantine": [reject for set_id in sorted(sets) for reject in sets[set_id]["quarantine"]],
        "twins": len(scans.twins),
        "exact_twins": sum(pair.kind == "exact" for pair in scans.twins),
        "art_groups": shared,
        "table": TABLE_VERSION,
        **named,
    }
    content = {set_id: sets[set_id]["digest"] for set_id in with_cards}
    digest = digests.of_json({"sets": content, "art_groups": shared, "table": TABLE_VERSION, **named})
    return Processed(record, digest, scans)


def fits(record: Mapping[str, Any], files: Collection[str]) -> bool:
    """Whether what was published of all scans is there, and as this code makes it."""
    return {TABLE, TWINS} <= set(files) and record.get("table") == TABLE_VERSION


def groups_of(record: Mapping[str, Any], card_ids: list[str]) -> dict[str, str]:
    """The art group of each card, from the record: cards that share their art with no other are a group of their own."""
    return {card_id: record["art_groups"].get(card_id, card_id) for card_id in card_ids}
