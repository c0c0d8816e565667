"""``python -m growth.one_refresh PLACE [made-up]``: build the floors from scans to release in a store whose models are given.

The last line is JSON: the seconds after the process has started, by the clock and of all cores, those of each floor, and how
many scans were embedded.
"""

import json
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_runtime.releases.pull import Pulled, pull
from edge_runtime.releases.trust import read_root
from pcr_assets import layout

FLOORS = ("processed_cards", "card_references", "card_embeddings", "card_index", "edge_release")
GIVEN = (layout.ONNX, layout.INT8, layout.HEF, layout.OUTLINE_FILTER, layout.PRINTING_VERIFIER, layout.REPORT)


def project_of(folder: Path) -> Any:
    """The store of the benchmark in a folder, with its scans and its scratch folder."""
    from pcr_assets.resources.project import Project

    store, scans, scratch = (str(folder / name) for name in ("store", "cards", "work"))
    return Project(store=store, raw=scans, scratch=scratch, profile="embedded")


def pulled(folder: Path, device: Path, made_up: bool) -> Pulled:
    """Let a device that trusts this store's root pull its newest release.

    One of ``made_up`` embeddings is not tried before it is served: its index and its model rightly don't belong together.
    """
    releases = folder / "store" / layout.PROJECT / layout.RELEASES
    check = (lambda folder: None) if made_up else None
    return pull(releases, device, [read_root(releases / "root.json")], check=check)


def given_by(store: Path) -> list[str]:
    """The keys in a built store of what is taken from it. Raises StoreError where it was not built."""
    from pcr_assets.resources.artifacts import Artifacts
    from pcr_assets.resources.store import open_store

    artifacts = Artifacts(open_store(str(store.absolute() / layout.PROJECT)))
    files = {name: artifacts.current(name).files.values() for name in GIVEN}
    return [key for name, held in files.items() for key in (f"{name}/current.json", *(file.key for file in held))]


def give_models(store: Path, folder: Path) -> None:
    """Copy the models and the report of a built store into a new one, and make it signing keys. Raises StoreError.

    The report comes without its table of the gallery that it was asked of: of other cards no release would be made under it.
    """
    from pcr_assets.cards.processed import TABLE
    from pcr_assets.trust.keys import make_keys
    from pcr_assets.trust.settings import ROLES

    for key in given_by(store):
        target = folder / "store" / layout.PROJECT / key
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store / layout.PROJECT / key, target)
    artifacts = project_of(folder).artifacts
    report = artifacts.current(layout.REPORT)
    artifacts.adopt(replace(report, files={name: file for name, file in report.files.items() if name != TABLE}))
    make_keys(folder / "keys", dict.fromkeys(ROLES, 1))


def main(folder: Path, made_up: bool = False) -> None:
    """Build all floors once, and say what it took. ``made_up``: draw the embeddings instead of asking the models."""
    import dagster as dg

    from pcr_assets.definitions import FLOORS as MODULES

    began, cpu_before = time.perf_counter(), time.process_time()
    assets = dg.load_assets_from_modules(MODULES)
    floors, embedded = {}, 0
    with dg.DagsterInstance.ephemeral() as instance:
        for floor in FLOORS:
            started = time.perf_counter()
            if made_up and floor == "card_embeddings":
                from growth.made_up import publish_embeddings

                embedded = publish_embeddings(project_of(folder))
                floors[f"{floor}, drawn"] = round(time.perf_counter() - started, 2)
                continue
            done = dg.materialize(
                assets, selection=[floor], instance=instance, resources=resources(folder), raise_on_error=True
            )
            floors[floor] = round(time.perf_counter() - started, 2)
            (made,) = done.asset_materializations_for_node(floor)
            embedded += made.metadata["scans embedded now"].value if floor == "card_embeddings" else 0
    cpu = time.process_time() - cpu_before
    said = {"seconds": time.perf_counter() - began, "cpu_seconds": cpu, "floors": floors, "embedded": embedded}
    print(json.dumps(said), flush=True)


def resources(folder: Path) -> dict[str, Any]:
    """All resources that some asset asks for; those of assets that aren't built here do nothing."""
    from pcr_assets.compute.local import LocalCompute
    from pcr_assets.resources.hailo import HailoCompiler
    from pcr_assets.resources.signing import ReleaseSigner

    signer = ReleaseSigner(key_folder=str(folder / "keys"))
    return {"project": project_of(folder), "signer": signer, "compute": LocalCompute(), "hailo": HailoCompiler()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), made_up=sys.argv[2:] == ["made-up"])
