"""Floor *cards*: what scans there are, and the same as cleaned cards, a shard for each card set."""

from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets import layout
from pcr_assets.assets import show
from pcr_assets.assets.declare import asset, materialized, observed, say
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError
from pcr_assets.shard_plan import plan_shards

SHOWN = 24
TOLD = 10
"""Scans in quarantine that are told of one by one for each set; the asset's page lists more."""


def list_raw(project: Project) -> Any:
    """The listing of the raw folder with its catalogue. Raises StoreError when there is no scan at all."""
    from pcr_assets.cards.catalogue import find_catalogue, parent
    from pcr_assets.cards.listing import list_scans

    raw, above = project.open(project.raw_root), parent(project.raw_root)
    listing = list_scans(raw.list(), find_catalogue(raw, project.open(above) if above else None))
    if not listing.count:
        gone = "://" not in project.raw_root and not Path(project.raw_root).is_dir()
        raise StoreError(
            f"there are no card scans in {project.raw_root}{', for there is no such folder' if gone else ''}: "
            f"{'' if gone else 'put some there, or '}name their folder in CARDS (make) or PCR_CARDS"
        )
    return listing


@observed("cards", kinds={"s3"})
def raw_card_images(project: Project) -> dg.ObserveResult:
    """Card scans as they lie in the raw folder: listed, not downloaded. The data version is the digest of the listing."""
    listing = list_raw(project)
    sets = {set_id: len(scans) for set_id, scans in listing.scans.items()}
    metadata = {
        "scans": listing.count,
        "sets": len(sets),
        "scans by set": show.counts(sets, "scans"),
        "root": project.raw_root,
    }
    return dg.ObserveResult(data_version=dg.DataVersion(listing.digest), metadata=metadata)


@asset("cards", layout.PROCESSED, deps=[raw_card_images], kinds={"parquet"}, code_version="2")
def processed_cards(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Cleaned cards, a Parquet shard for each card set; only sets whose listing changed are decoded again.

    Scans that can't serve are in quarantine with the reason. Cards with the same art form an art group.
    """
    from pcr_assets.cards import shards
    from pcr_assets.cards.processed import NO_SCANS, TABLE, assemble, sample

    listing, raw, artifacts = list_raw(project), project.open(project.raw_root), project.artifacts
    before = artifacts.find(layout.PROCESSED)
    if before and TABLE not in before.files:  # published before there was one
        before = None
    known = {**before.record["sets"], **before.record["without_cards"]} if before else {}
    inputs = {set_id: shards.inputs_digest(listing, set_id) for set_id in listing.scans}
    plan = plan_shards(inputs, {set_id: entry["inputs"] for set_id, entry in known.items()})
    names = [known[set_id]["file"] for set_id in plan.kept if known[set_id]["scans"]]
    kept = {name: before.files[name] for name in names} if before else {}
    with project.passing_workdir() as work:
        sets, files = {set_id: known[set_id] for set_id in plan.kept}, {}
        for number, set_id in enumerate(plan.built, start=1):
            shard = shards.build_shard(set_id, listing.scans[set_id], raw)
            name = f"shards/{shard.file_name}"
            if not shard.table.num_rows:
                name = ""
            elif before and name in before.files:  # the same pixels as before: the published file serves
                kept[name] = before.files[name]
            else:
                files[name] = work / shard.file_name
                shards.write_table(shard.table, files[name])
            sets[set_id] = shards.entry(shard, name, inputs[set_id])
            say(context, f"cards: set {set_id} ({number} of {len(plan.built)}), {shard.table.num_rows} scans")
            for reject in shard.rejects[:TOLD]:
                say(context, f"quarantine {reject.key}: {reject.reason}")
        scans = read_scans(artifacts, before) if before else NO_SCANS
        new = {set_id: entry for set_id, entry in sets.items() if set_id in plan.built and entry["scans"]}
        paths = {s: files.get(entry["file"]) or artifacts.fetch_file(kept[entry["file"]]) for s, entry in new.items()}
        found = assemble(sets, paths, scans)
        published = artifacts.publish(
            layout.PROCESSED, {**files, **found.scans.files()}, kept=kept, digest=found.digest, record=found.record
        )
        return materialized(published, _shown(found.record, plan.built, *sample(paths, SHOWN)))


def read_scans(artifacts: Artifacts, processed: Artifact) -> Any:
    """What is known of all scans without their pictures: :class:`pcr_assets.cards.processed.Scans`."""
    from pcr_assets.cards.processed import TABLE, TWINS, Scans

    return Scans.read(artifacts.fetch(processed, TABLE), artifacts.fetch(processed, TWINS))


def _shown(record: Any, built: tuple[str, ...], images: list[Any], captions: list[str]) -> dict[str, Any]:
    return {
        "cards": record["cards"],
        "scans": record["scans"],
        "rejected": record["rejected"],
        "sets built now": len(built),
        "twins": record["twins"],
        "pictures": show.pictures(images, captions, "cards of the sets that were built"),
        "sets": show.rows(
            {name: {k: entry[k] for k in ("scans", "rejected")} for name, entry in record["sets"].items()}, "set"
        ),
        "quarantine": show.listed({"reason": row["reason"], "scan": row["key"]} for row in record["quarantine"]),
    }
