"""Floor *cards*: what scans there are, and the same as cleaned cards, a shard for each card set."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from posixpath import splitext
from typing import TYPE_CHECKING, Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.declare import asset, made_of, materialized, observed, say, worth_saying
from pcr_assets.cards.catalogue import find_catalogue
from pcr_assets.cards.listing import Listing, list_scans
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError
from pcr_assets.shard_plan import plan_shards

if TYPE_CHECKING:
    import numpy as np

    from pcr_assets.cards.processed import Scans

SHOWN = 24
TOLD, TOLD_IN_ALL = 10, 200
"""Scans in quarantine that are told of one by one, for each set and for all; the asset's page lists more."""


def list_raw(project: Project) -> Listing:
    """The listing of the raw folder with its catalogue. Raises StoreError when there is no scan at all."""
    raw = project.open(project.raw_root)
    listing = list_scans(raw.list(), find_catalogue(raw, project.above(project.raw_root)))
    if not listing.count:
        gone = "://" not in project.raw_root and not Path(project.raw_root).is_dir()
        why = ", for there is no such folder" if gone else _what_else(entry.key for entry in raw.list())
        raise StoreError(
            f"there are no card scans in {project.raw_root}{why}: "
            f"{'' if gone else 'put some there, or '}name their folder in CARDS (make) or PCR_CARDS"
        )
    return listing


def _what_else(keys: Iterable[str]) -> str:
    """What there is where no scan is, a camera's raw pictures or an archive say."""
    kinds = Counter(splitext(key)[1].lower() or "no suffix" for key in keys if not key.endswith("/"))
    most = ", ".join(f"{count:,} of {kind}" for kind, count in kinds.most_common(3))
    return f", only files that are not read ({most}; PNG, JPEG and WebP are)" if most else ""


@observed("cards", kinds={"images"})
def raw_card_images(project: Project) -> dg.ObserveResult:
    """Card scans as they lie in the raw folder: listed, not downloaded. The data version is the digest of the listing.

    Scans that could not be read when the cards were made, and can be now, are news though no listing tells of them.
    """
    listing = list_raw(project)
    sets = {set_id: len(scans) for set_id, scans in listing.scans.items()}
    metadata = {
        "scans": listing.count,
        "sets": len(sets),
        "scans by set": show.counts(sets, "scans"),
        "root": project.raw_root,
    }
    return dg.ObserveResult(data_version=dg.DataVersion(_version(project, listing)), metadata=metadata)


def _version(project: Project, listing: Listing) -> str:
    """The data version of the raw folder, as it was listed."""
    opened = _opened(project, listing)
    return digests.of_json([listing.digest, opened]) if opened else listing.digest


def _opened(project: Project, listing: Listing) -> list[str]:
    """The scans that were shut, or away, when the cards were made, and can be read by now."""
    before = project.artifacts.named(layout.PROCESSED)
    sets = {**before.record["sets"], **before.record["without_cards"]} if before else {}
    shut = {key for entry in sets.values() for key in entry.get("shut", ())}
    entries = [scan.entry for scans in listing.scans.values() for scan in scans if scan.key in shut] if shut else []
    contents = project.open(project.raw_root).read_many(entries)
    return [entry.key for entry, data in zip(entries, contents, strict=True) if isinstance(data, bytes)]


@asset("cards", layout.PROCESSED, deps=[raw_card_images], kinds={"parquet"}, code_version="7", tells=[raw_card_images])
def processed_cards(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Cleaned cards, a Parquet shard for each card set; only sets whose listing changed are decoded again.

    Scans that can't serve are in quarantine with the reason. Cards with the same art form an art group.
    """
    from pcr_assets.cards import shards
    from pcr_assets.cards.processed import NO_SCANS, assemble, fits, sample

    listing, artifacts = list_raw(project), project.artifacts
    version = _version(project, listing)
    before = artifacts.remains(layout.PROCESSED)
    known = _known(before) if before else {}
    inputs = {set_id: shards.inputs_digest(listing, set_id) for set_id in listing.scans}
    plan = plan_shards(inputs, known)
    sets = dict(plan.kept)
    with project.passing_workdir() as work:
        built = _built(context, project, listing, {set_id: inputs[set_id] for set_id in plan.built}, before, work)
        sets |= {set_id: shard.entry for set_id, shard in built.items()}
        kept = {shard.entry["file"]: shard.file for shard in built.values() if shard.file}
        kept |= {e["file"]: before.files[e["file"]] for e in plan.kept.values() if before and e["scans"]}
        table = before if before and fits(before.record, before.files) else None
        unread = [set_id for set_id in sets if sets[set_id]["scans"] and (set_id in built or not table)]
        paths = {set_id: path for set_id in unread if set_id in built and (path := built[set_id].path)}
        away = [set_id for set_id in unread if set_id not in paths]
        paths |= zip(away, artifacts.fetch_files(kept[sets[set_id]["file"]] for set_id in away), strict=True)
        found = assemble(sets, paths, read_scans(artifacts, table) if table else NO_SCANS, listing.set_names)
        published = artifacts.publish(
            layout.PROCESSED, found.scans.files(), kept=kept, digest=found.digest, record=found.record
        )
        result = materialized(published, _shown(found.record, plan.built, *sample(paths, SHOWN)))
    return made_of(result, {raw_card_images.key: version})


def _known(before: Artifact) -> dict[str, Any]:
    """What the record says of the sets whose shard is there."""
    with_cards = {s: entry for s, entry in before.record["sets"].items() if entry["file"] in before.files}
    return {**with_cards, **before.record["without_cards"]}


def _built(
    context: dg.AssetExecutionContext,
    project: Project,
    listing: Listing,
    inputs: dict[str, str],
    before: Artifact | None,
    work: Path,
) -> dict[str, Any]:
    """The sets that lack a shard, by their inputs. Each shard is in the store as soon as it is made, and is found there."""
    from pcr_assets.cards.making import SetOfScans, make_shard

    store, raw = project.root.root, project.open(project.raw_root).root

    def lacking(set_id: str) -> SetOfScans:
        entry = before.record["sets"].get(set_id) if before else None
        last = (
            {entry["file"]: before.files[entry["file"]]} if before and entry and entry["file"] in before.files else {}
        )
        scans, made_from = listing.scans[set_id], entry["inputs"] if entry else None
        return SetOfScans(store, raw, set_id, inputs[set_id], scans, last, made_from)

    built, told = {}, 0
    made = project.engine.each(make_shard, [lacking(set_id) for set_id in inputs], work)
    for number, (set_id, shard) in enumerate(zip(inputs, made, strict=True), start=1):
        built[set_id], entry = shard, shard.entry
        where = f"cards: set {set_id} ({number} of {len(inputs)}), {entry['scans']} scans"
        if worth_saying(number, len(inputs)):
            how = "as a run before made them" if shard.found else f"{entry['rejected']} refused"
            say(context, f"{where}, {how}")
        for reject in [] if shard.found else entry["quarantine"][: min(TOLD, TOLD_IN_ALL - told)]:
            say(context, f"quarantine {reject['key']}: {reject['reason']}")
            told += 1
    return built


def read_scans(artifacts: Artifacts, processed: Artifact) -> "Scans":
    """What is known of all scans without their pictures."""
    from pcr_assets.cards.processed import TABLE, TWINS, Scans

    return Scans.read(artifacts.fetch(processed, TABLE), artifacts.fetch(processed, TWINS))


def _shown(
    record: Mapping[str, Any], built: tuple[str, ...], images: "list[np.ndarray]", captions: list[str]
) -> dict[str, Any]:
    names = record.get("set_names", {})
    worst = sorted(record["sets"].items(), key=lambda item: -item[1]["rejected"])  # of many, the page shows the first
    return {
        "cards": record["cards"],
        "scans": record["scans"],
        "rejected": record["rejected"],
        "sets built now": len(built),
        "twins": record["twins"],
        "quarantine": show.listed({"reason": row["reason"], "scan": row["key"]} for row in record["quarantine"]),
        "pictures": show.pictures(images, captions, "cards of the sets that were built"),
        "sets": show.rows(
            {
                set_id: {
                    **({"name": names.get(set_id, "")} if names else {}),
                    **{k: entry[k] for k in ("scans", "rejected")},
                }
                for set_id, entry in worst
            },
            "set",
        ),
    }
