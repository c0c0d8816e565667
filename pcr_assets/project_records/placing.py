"""Publishing a record: files at fixed places that people and scripts know, and a pointer by which the planner sees them.

Artifacts lie in version folders and are never written over; records are derived, so each has one place and is replaced
there. Whatever somebody else put in such a place is kept aside first.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pcr_assets import digests, layout
from pcr_assets.resources.artifacts import Artifact, Artifacts, PublishedFile
from pcr_assets.resources.store import read_if_there

RECORDED = tuple(
    f"{folder}/"
    for folder in (
        layout.MANIFEST,
        layout.METRICS,
        layout.COSTS,
        layout.DASHBOARDS,
        layout.EXPERIMENTS,
        layout.RUNS,
        layout.PIPELINES,
    )
)


def is_record(key: str) -> bool:
    """Whether a key is a record's: such are left out when the store is measured, or each would change the next."""
    return key.startswith(RECORDED) or key.endswith("README.md") or (key.startswith("models/") and "/card/" in key)


def place(
    artifacts: Artifacts,
    name: str,
    files: Mapping[str, bytes],
    record: Mapping[str, Any] | None = None,
    digest: str | None = None,
) -> Artifact:
    """Put ``files`` (keys of the store, and bytes) in their places and let ``name`` mean them.

    The digest is that of all bytes, unless one of their content is given. Files that are there with these bytes are not
    written again.
    """
    before = artifacts.named(name)
    ours = {file.key: file.sha256 for file in before.files.values()} if before else {}
    placed = {key: PublishedFile(key, digests.of_bytes(data), len(data)) for key, data in sorted(files.items())}
    for key, data in files.items():
        if ours.get(key) != placed[key].sha256 or artifacts.store.size(key) != len(data):
            _keep_aside(artifacts, key, ours.get(key), placed[key].sha256)
            artifacts.store.write(key, data)
    digest = digest or digests.of_json({key: file.sha256 for key, file in placed.items()})
    if before is not None and before.digest == digest and before.files != placed:  # the same content in other bytes
        artifacts.adopt(replace(before, files=placed))
    return artifacts.publish(name, {}, kept=placed, digest=digest, record=record)


def _keep_aside(artifacts: Artifacts, key: str, ours: str | None, new: str) -> None:
    """Copy what lies at a place, unless a record of ours or the new bytes lie there."""
    found = read_if_there(artifacts.store, key)
    if found and (sha256 := digests.of_bytes(found)) not in (ours, new):
        artifacts.store.create(f"{layout.REPLACED}/{key}.{sha256[:16]}", found)
