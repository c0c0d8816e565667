"""Telling Dagster of artifacts that are there: a materialization for each, as if a run had made it of what its record says, or else
of what is there now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (  # internal, dagster 1.13
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    extract_data_version_from_entry,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)

from pcr_assets.assets.declare import ARTIFACT
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.runs import Run, logged

LOOKING = frozenset({"cards", "reference", "release"})
"""Floors whose assets look themselves at what they were made of, and make what lacks. They aren't recorded as made of what is there
now, but as stale: cards may have come while the records were lost, and nothing else would ever tell of them."""

Version = tuple[str, int | None]
"""A data version, and the event in Dagster's log that told it."""
Inputs = Mapping[dg.AssetKey, Version]


@dataclass(frozen=True)
class Told:
    """What became of one asset: ``recorded``, ``known`` (Dagster had it), or ``missing`` with what lacks."""

    asset: str
    outcome: str
    why: str = ""

    def __str__(self) -> str:
        return "  ".join(filter(None, [f"{self.outcome:8}", self.asset, self.why]))


def materialize(
    defs: dg.Definitions, instance: dg.DagsterInstance, artifacts: Artifacts, *, dry_run: bool
) -> list[Told]:
    """Record every artifact of the graph that is whole and whose inputs are there, in the order of the graph.

    Sources must have been observed. Those of :data:`LOOKING` are stale then, for the next refresh to look at. An asset one of
    whose inputs is missing is not recorded: it could not be told whether it is stale.
    """
    graph = defs.resolve_asset_graph()
    versions: dict[dg.AssetKey, Version] = {
        key: seen for key in graph.observable_asset_keys if (seen := _latest(instance, key, source=True))
    }
    told, runs = [], logged(artifacts.store)
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        name = node.metadata.get(ARTIFACT)
        if key not in graph.materializable_asset_keys or name is None:
            continue
        found, known = artifacts.find(str(name)), _latest(instance, key, source=False)
        lacks = sorted(parent.to_user_string() for parent in node.parent_keys if parent not in versions)
        asset = key.to_user_string()
        if found is None:
            told.append(Told(asset, "missing", "it is not there: a refresh builds it"))
        elif known and known[0] == found.digest:
            versions[key] = known
            told.append(Told(asset, "known"))
        elif lacks:
            told.append(Told(asset, "missing", f"it is there, but {', '.join(lacks)} is not: a refresh builds it"))
        else:
            versions[key] = (found.digest, None)
            if not dry_run:
                parents = {parent: str(graph.get(parent).metadata.get(ARTIFACT)) for parent in node.parent_keys}
                inputs = {} if node.group_name in LOOKING else _inputs(key, found, parents, versions, runs)
                instance.report_runless_asset_event(_event(key, found, str(node.code_version), inputs))
                versions[key] = _latest(instance, key, source=False) or versions[key]
            told.append(Told(asset, "recorded", _called(found)))
    return told


def _inputs(
    asset: dg.AssetKey,
    artifact: Artifact,
    parents: Mapping[dg.AssetKey, str],
    versions: Mapping[dg.AssetKey, Version],
    runs: Iterable[Run],
) -> Inputs:
    """What an artifact was made of: by its own record or its training's, which names ``parents`` as the store does, else what is
    there now. A network that was trained just before the records were lost would count as exported.
    """
    name = asset.to_user_string()
    trained = [run.made_from for run in runs if (run.asset, run.digest) == (name, artifact.digest)]
    says = {**(trained[-1] if trained else {}), **artifact.record.get("made_from", {})}
    inputs = {}
    for parent, stored in parents.items():
        now, at = versions[parent]
        was = says.get(parent.to_user_string()) or says.get(stored) or now
        inputs[parent] = (was, at if was == now else None)
    return inputs


def _called(artifact: Artifact) -> str:
    digest = artifact.digest[:16]
    return digest if artifact.version == digest else f"{artifact.version}, digest {digest}"


def _event(key: dg.AssetKey, artifact: Artifact, code_version: str, inputs: Inputs) -> dg.AssetMaterialization:
    tags = {
        DATA_VERSION_TAG: artifact.digest,
        DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
        CODE_VERSION_TAG: code_version,
        **{get_input_data_version_tag(parent): version for parent, (version, _) in inputs.items()},
        **{get_input_event_pointer_tag(parent): str(at or "NULL") for parent, (_, at) in inputs.items()},
    }
    metadata: dict[str, Any] = {
        "adopted": True,
        "version": artifact.version,
        "size (MB)": round(artifact.size / 1e6, 3),
    }
    return dg.AssetMaterialization(key, description="Adopted: it was there.", metadata=metadata, tags=tags)


def _latest(instance: dg.DagsterInstance, key: dg.AssetKey, *, source: bool) -> Version | None:
    record = instance.get_latest_data_version_record(key, source)
    version = extract_data_version_from_entry(record.event_log_entry) if record else None
    return (version.value, record.storage_id) if record and version else None
