"""Which shards are kept and which are built: the same question on every floor that keeps a shard for each card set."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ShardPlan:
    """Sets by what becomes of their shard: ``kept`` as published, or ``built`` anew."""

    kept: tuple[str, ...]
    built: tuple[str, ...]


def plan_shards(inputs: Mapping[str, str], previous: Mapping[str, str]) -> ShardPlan:
    """Compare the inputs digest of each set with that of the shard published before (empty when there was none)."""
    kept = tuple(sorted(set_id for set_id, digest in inputs.items() if previous.get(set_id) == digest))
    return ShardPlan(kept, tuple(sorted(set(inputs) - set(kept))))
