"""``metadata/inventory.json``: the measured store, kept so that one listing serves all records that speak of it."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict

from pcr_assets import layout
from pcr_assets.project_records.manifest import as_json
from pcr_assets.project_records.storage import Measured, Storage
from pcr_assets.resources.artifacts import ArtifactDamaged, ArtifactMissing, Artifacts
from pcr_assets.resources.stored import Stored

FILE = "metadata/inventory.json"


def current_keys(artifacts: Artifacts, stored: Iterable[Stored]) -> frozenset[str]:
    """The keys of all files that a pointer among the listed objects names. Others call files like that too, among scans or on a
    device: what is no pointer names none. Of a damaged one its own asset tells."""
    found: set[str] = set()
    for entry in stored:
        if entry.key.endswith("/current.json"):
            with suppress(ArtifactMissing, ArtifactDamaged):
                named = artifacts.current(entry.key.removesuffix("/current.json"))
                found |= {file.key for file in named.files.values()}
    return frozenset(found)


def files(storage: Storage) -> dict[str, bytes]:
    """The measured store: its key and its bytes."""
    return {FILE: as_json({"measured": [asdict(entry) for entry in storage.measured], "sizes": dict(storage.sizes)})}


def read(artifacts: Artifacts) -> Storage:
    """The measured store as it was last kept."""
    value = json.loads(artifacts.fetch(artifacts.current(layout.INVENTORY), FILE).read_text())
    return Storage(tuple(Measured(**entry) for entry in value["measured"]), value["sizes"])
