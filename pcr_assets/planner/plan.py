"""The plan: which assets are stale, why, and in which order they would be built."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import dagster as dg
from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView  # internal, dagster 1.13
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph  # internal, dagster 1.13
from dagster._core.definitions.data_version import (  # internal, dagster 1.13
    CachingStaleStatusResolver,
    StaleCause,
    StaleCauseCategory,
    StaleStatus,
)
from dagster._core.definitions.events import AssetKeyPartitionKey  # internal, dagster 1.13
from dagster._core.storage.event_log.base import AssetRecord, EventLogRecord  # internal, dagster 1.13
from dagster._utils.caching_instance_queryer import CachingInstanceQueryer  # internal, dagster 1.13

from pcr_assets.assets.declare import ARTIFACT, SETTINGS
from pcr_assets.planner.gates import Gate, Verdict, gates_of

Published = Callable[[dg.AssetKey], str | None]
"""The digest of what the store holds for an asset, or None when it holds nothing whole."""


class Status(StrEnum):
    """Why an asset is in the plan; FRESH ones are not."""

    FRESH = "FRESH"
    MISSING = "MISSING"
    STALE = "STALE"
    PENDING = "PENDING"
    """Fresh itself, but something above it will be rebuilt: it is built only if that comes out different."""


@dataclass(frozen=True)
class Step:
    """An asset of the plan and the causes, one sentence each."""

    asset: dg.AssetKey
    status: Status
    causes: tuple[str, ...]
    news_of: frozenset[dg.AssetKey] = frozenset()
    """The sources, settings aside, of which new data is all that makes it stale: nothing is wrong with what was built."""


@dataclass(frozen=True)
class Blocked:
    """An asset that is not built, and the gate above it that refuses."""

    asset: dg.AssetKey
    gate: Gate

    def __str__(self) -> str:
        return f"{self.asset.to_user_string()} is not built: {self.gate}"


@dataclass(frozen=True)
class Plan:
    """What a refresh would do now. Assets stand in the order of the graph."""

    total: int
    """How many assets were looked at."""
    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...]
    gates: tuple[Gate, ...]
    """Gates that are not passed, of assets that will not be rebuilt anyway: a refresh asks them again."""
    frontier: frozenset[dg.AssetKey]
    """The stale assets that can be built now."""

    @property
    def due(self) -> tuple[dg.AssetKey, ...]:
        """What is built, or may be."""
        return tuple(step.asset for step in self.steps)

    @property
    def settled(self) -> bool:
        """Nothing is stale and each gate is passed: a refresh has nothing to build and nothing to ask."""
        return not (self.steps or self.blocked or self.gates)


def selected_assets(defs: dg.Definitions, selection: str) -> AbstractSet[dg.AssetKey]:
    """The materializable assets of a Dagster selection, such as ``*``, ``+card_index`` or ``group:models``."""
    graph = defs.resolve_asset_graph()
    return dg.AssetSelection.from_coercible(selection).resolve(graph) & graph.materializable_asset_keys


def ancestors(defs: dg.Definitions, assets: Iterable[dg.AssetKey]) -> set[dg.AssetKey]:
    """Everything upstream of ``assets``."""
    graph = defs.resolve_asset_graph()
    return {above for asset in assets for above in graph.get_ancestor_asset_keys(asset)}


def stale_resolver(defs: dg.Definitions, instance: dg.DagsterInstance) -> CachingStaleStatusResolver:
    """Dagster's own answers about staleness. It caches: take a new one after every materialization.

    Of all assets it reads the last materialization in one query, where each would have several of its own.
    """
    view = AssetGraphView.for_test(defs, instance)
    AssetRecord.prepare(view, view.asset_graph.materializable_asset_keys | view.asset_graph.observable_asset_keys)
    resolver = CachingStaleStatusResolver(instance, view.asset_graph, loading_context=view)
    resolver._instance_queryer = _AskingOnce(instance, view.asset_graph, view)
    return resolver


def observed_versions(
    defs: dg.Definitions, instance: dg.DagsterInstance, sources: Iterable[dg.AssetKey]
) -> dict[dg.AssetKey, str]:
    """The data versions of sources, as they were observed last."""
    resolver = stale_resolver(defs, instance)
    return {source: resolver.get_current_data_version(source).value for source in sources}


class _AskingOnce(CachingInstanceQueryer):
    """Reads the last observation of a source once, where Dagster asks four times: twice for a materialization that is not there."""

    def _get_latest_materialization_or_observation_record(
        self, asset_partition: AssetKeyPartitionKey, before_cursor: int | None = None
    ) -> EventLogRecord | None:
        key = asset_partition.asset_key
        record = self.get_asset_record(key)
        materialized = record is not None and record.asset_entry.last_materialization_record is not None
        if materialized or before_cursor or key in self.asset_graph.materializable_asset_keys:
            return super()._get_latest_materialization_or_observation_record(
                asset_partition=asset_partition, before_cursor=before_cursor
            )
        if key not in self._observations:
            self._observations[key] = next(iter(self.instance.fetch_observations(key, limit=1).records), None)
        return self._observations[key]

    @cached_property
    def _observations(self) -> dict[dg.AssetKey, EventLogRecord | None]:
        return {}


def staleness(
    defs: dg.Definitions, resolver: CachingStaleStatusResolver, asset: dg.AssetKey, published: Published
) -> Step:
    """One asset's own status and causes, whatever is above it. Only a fresh asset's artifact is looked up."""
    status = resolver.get_status(asset)
    if status is StaleStatus.MISSING:
        return Step(asset, Status.MISSING, ("never materialized",))
    if status is StaleStatus.STALE:
        causes = resolver.get_stale_causes(asset)
        said = tuple(_in_words(cause) for cause in causes)
        return Step(asset, Status.STALE, said, _news_of(defs.resolve_asset_graph(), causes))
    if ARTIFACT in defs.resolve_asset_graph().get(asset).metadata:
        held = published(asset)
        if held is None:
            return Step(asset, Status.MISSING, ("artifact missing",))
        if held != resolver.get_current_data_version(asset).value:
            return Step(asset, Status.STALE, ("the store holds another version",))
    return Step(asset, Status.FRESH, ())


def _news_of(graph: AssetGraph, causes: Sequence[StaleCause]) -> frozenset[dg.AssetKey]:
    """The sources that have new data, if that is all there is. An edited setting is none: somebody wants other models."""
    told = {
        cause.dependency_asset_key
        for cause in causes
        if cause.category is StaleCauseCategory.DATA and cause.dependency_asset_key in graph.observable_asset_keys
    }
    sources = frozenset(key for key in told if key and graph.get(key).group_name != SETTINGS)
    return sources if len(sources) == len(causes) else frozenset()


def _in_words(cause: object) -> str:
    dependency = getattr(cause, "dependency_asset_key", None)
    reason = str(getattr(cause, "reason", cause))
    if dependency is None or dependency.to_user_string() in reason:
        return reason
    return reason.replace("a new dependency data version", f"new data from {dependency.to_user_string()}")


def resolve(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    selection: str,
    published: Published,
    taken: AbstractSet[dg.AssetKey] = frozenset(),
) -> Plan:
    """What is stale among ``selection`` now. It only reads: call :func:`pcr_assets.planner.observe` before.

    What is ``taken`` counts as fresh though its sources have news: a refresh goes on with what it built.
    """
    graph = defs.resolve_asset_graph()
    selected = selected_assets(defs, selection)
    resolver = stale_resolver(defs, instance)
    due: dict[dg.AssetKey, Step] = {}
    for asset in (key for key in graph.toposorted_asset_keys if key in selected):
        step = staleness(defs, resolver, asset, published)
        if asset in taken and step.news_of:
            step = Step(asset, Status.FRESH, ())
        waits_for = sorted(parent.to_user_string() for parent in graph.get(asset).parent_keys if parent in due)
        if step.status is not Status.FRESH:
            due[asset] = step
        elif waits_for:
            due[asset] = Step(asset, Status.PENDING, (f"waits for {', '.join(waits_for)}",))

    shut = tuple(
        gate
        for gate in gates_of(defs, instance, selected | ancestors(defs, selected))
        if gate.verdict is not Verdict.PASSED and gate.check.asset_key not in due
    )
    above = {asset: ancestors(defs, [asset]) for asset in due}
    behind = {asset: [gate for gate in shut if gate.check.asset_key in above[asset]] for asset in due}
    refused = {
        asset: gate for asset, gates in behind.items() for gate in reversed(gates) if gate.verdict is Verdict.REFUSED
    }
    return Plan(
        total=len(selected),
        steps=tuple(step for asset, step in due.items() if asset not in refused),
        blocked=tuple(Blocked(asset, gate) for asset, gate in refused.items()),
        gates=shut,
        frontier=frozenset(asset for asset in due if not behind[asset] and not above[asset] & due.keys()),
    )
