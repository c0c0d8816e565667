"""What the store holds for each asset, as the planner asks it."""

import dagster as dg

from pcr_assets.assets.declare import ARTIFACT
from pcr_assets.planner.plan import Published


def published_in(defs: dg.Definitions, instance: dg.DagsterInstance | None = None) -> Published:
    """Look artifacts up in the store of these definitions' ``project`` resource.

    The returned function gives the current digest of the artifact that an asset names under ``pcr/artifact``, or None
    when the artifact was never published, lost a file, can't be found by others any more, or the asset names none. It raises
    ``StoreError`` when the store can't be read. An asset that made nothing (no compiler here) publishes an artifact without files.
    ``instance``: that of the refresh, else Dagster makes one in memory for this.
    """
    graph = defs.resolve_asset_graph()
    with dg.build_resources({"project": (defs.resources or {})["project"]}, instance=instance) as resources:
        project = resources.project

    def published(asset: dg.AssetKey) -> str | None:
        name = graph.get(asset).metadata.get(ARTIFACT)
        found = project.published(name) if name else None
        return found.digest if found else None

    return published


def unrecorded(defs: dg.Definitions, instance: dg.DagsterInstance, published: Published) -> dg.AssetKey | None:
    """An asset that the store holds, where Dagster has a record of none: of another machine's store, or after its home was lost."""
    graph = defs.resolve_asset_graph()
    kept = [key for key in graph.toposorted_asset_keys if ARTIFACT in graph.get(key).metadata]
    if any(instance.get_latest_materialization_event(key) for key in kept):
        return None
    return next((key for key in kept if published(key)), None)
