"""All shards together: how many cards, which share their art, what is in quarantine, and the digest of it all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pcr_assets import digests
from pcr_assets.cards.duplicates import art_groups, find_twins
from pcr_assets.cards.reader import CardImages
from pcr_assets.cards.shards import SCHEMA

COLUMNS = ["card_id", "view", "set", "number", "name", "pixel_digest", "phash"]


@dataclass(frozen=True)
class Processed:
    """The record of the processed cards, its digest, and where the shards lie on this machine."""

    record: dict[str, Any]
    digest: str
    paths: Mapping[str, Path]

    def sample(self, count: int) -> tuple[list[np.ndarray], list[str]]:
        """Cards spread evenly over all sets, and their names."""
        cards = CardImages([self.paths[set_id] for set_id in sorted(self.paths)])
        picked = np.linspace(0, max(0, len(cards) - 1), min(count, len(cards))).astype(int)
        return [cards.image(index) for index in picked], [cards.rows[index]["card_id"] for index in picked]


def read_cards(paths: Mapping[str, Path]) -> pa.Table:
    """Everything but the pictures, of all shards in the order of their sets."""
    if not paths:
        return SCHEMA.empty_table().select(COLUMNS)
    return pa.concat_tables(pq.read_table(paths[set_id], columns=COLUMNS) for set_id in sorted(paths))


def assemble(sets: Mapping[str, Mapping[str, Any]], paths: Mapping[str, Path]) -> Processed:
    """Put the entries of all sets together. ``paths``: the Parquet file of each set that has a card.

    A set of which every scan is in quarantine, such as an empty folder, has no shard and stands apart: ``without_cards``.
    """
    table = read_cards(paths)
    card_ids, names = table["card_id"].to_pylist(), table["name"].to_pylist()
    hashes = np.frombuffer(b"".join(table["phash"].to_pylist()), np.uint8).reshape(len(table), 32)
    twins = find_twins(card_ids, names, table["pixel_digest"].to_pylist(), hashes) if len(table) else []
    groups = art_groups(card_ids, twins)
    shared = {card_id: group for card_id, group in groups.items() if card_id != group}
    record = {
        "sets": {set_id: dict(sets[set_id]) for set_id in sorted(paths)},
        "without_cards": {set_id: dict(sets[set_id]) for set_id in sorted(set(sets) - set(paths))},
        "cards": len(groups),
        "scans": len(table),
        "rejected": sum(entry["rejected"] for entry in sets.values()),
        "quarantine": [reject for set_id in sorted(sets) for reject in sets[set_id]["quarantine"]],
        "twins": len(twins),
        "exact_twins": sum(pair.kind == "exact" for pair in twins),
        "art_groups": shared,
    }
    content = {"sets": {set_id: sets[set_id]["digest"] for set_id in paths}, "art_groups": shared}
    return Processed(record, digests.of_json(content), paths)


def groups_of(record: Mapping[str, Any], card_ids: list[str]) -> dict[str, str]:
    """The art group of each card, from the record: cards that share their art with no other are a group of their own."""
    return {card_id: record["art_groups"].get(card_id, card_id) for card_id in card_ids}
