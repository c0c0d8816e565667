"""Which shards are kept and which are built: the same question on every floor that keeps a shard for each card set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ShardPlan:
    """Sets by what becomes of their shard: ``kept`` as published, each with its entry in the record, or ``built`` anew."""

    kept: Mapping[str, Mapping[str, Any]]
    built: tuple[str, ...]


def plan_shards(inputs: Mapping[str, str], known: Mapping[str, Mapping[str, Any]]) -> ShardPlan:
    """Compare the inputs digest of each set with the ``inputs`` of its shard. ``known``: the record's entries of those that are
    there."""
    kept = {set_id: known[set_id] for set_id in sorted(inputs) if known.get(set_id, {}).get("inputs") == inputs[set_id]}
    return ShardPlan(kept, tuple(sorted(inputs.keys() - kept.keys())))
