"""Everything the planner knows about one asset: for ``refresh explain``."""

from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.data_version import extract_data_provenance_from_entry  # internal, dagster 1.13

from pcr_assets.assets.declare import ARTIFACT
from pcr_assets.planner.gates import Gate, gates_of
from pcr_assets.planner.plan import Published, Status, Step, resolve, stale_resolver


@dataclass(frozen=True)
class Input:
    """A direct input of an asset: its data version when the asset was built (None: it was no input) and now."""

    asset: dg.AssetKey
    then: str | None
    now: str | None


@dataclass(frozen=True)
class Explanation:
    """An asset's place in the plan and what that follows from."""

    step: Step
    code_then: str | None
    code_now: str | None
    data_version: str | None
    artifact: str | None
    """The name of its artifact in the store."""
    held: str | None
    """The digest that the store holds under that name."""
    inputs: tuple[Input, ...]
    gates: tuple[Gate, ...]
    """The blocking checks of the asset itself."""


def explain(
    defs: dg.Definitions, instance: dg.DagsterInstance, selection: str, published: Published
) -> list[Explanation]:
    """One explanation for each selected asset, in the order of the graph."""
    graph = defs.resolve_asset_graph()
    plan = resolve(defs, instance, "*", published)
    steps = {step.asset: step for step in plan.steps} | {
        blocked.asset: Step(blocked.asset, Status.STALE, (str(blocked.gate),)) for blocked in plan.blocked
    }
    chosen = dg.AssetSelection.from_coercible(selection).resolve(graph) & graph.materializable_asset_keys
    resolver = stale_resolver(defs, instance)

    def version(asset: dg.AssetKey) -> str | None:
        record = instance.get_latest_data_version_record(asset, graph.get(asset).is_external)
        return resolver.get_current_data_version(asset).value if record else None

    def explained(asset: dg.AssetKey) -> Explanation:
        node = graph.get(asset)
        record = instance.get_latest_data_version_record(asset, node.is_external)
        made = extract_data_provenance_from_entry(record.event_log_entry) if record else None
        then = made.input_data_versions if made else {}
        artifact = node.metadata.get(ARTIFACT)
        return Explanation(
            step=steps.get(asset, Step(asset, Status.FRESH, ())),
            code_then=made.code_version if made else None,
            code_now=node.code_version,
            data_version=version(asset),
            artifact=artifact,
            held=published(asset) if artifact else None,
            inputs=tuple(
                Input(parent, then[parent].value if parent in then else None, version(parent))
                for parent in sorted(node.parent_keys)
            ),
            gates=tuple(gates_of(defs, instance, [asset])),
        )

    return [explained(asset) for asset in graph.toposorted_asset_keys if asset in chosen]
