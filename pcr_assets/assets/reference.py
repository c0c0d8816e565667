"""Floor *reference*: embeddings of all cards by every model that will answer, the index, and pictures for a second look."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.cards import processed_cards, read_scans
from pcr_assets.assets.declare import asset, materialized, say, worth_saying
from pcr_assets.assets.exports import student_int8, student_onnx
from pcr_assets.resources.artifacts import Artifact, Artifacts, PublishedFile
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError
from pcr_assets.shard_plan import plan_shards

MODELS = {"int8": (layout.INT8, "student_int8.onnx"), "fp32": (layout.ONNX, "student.onnx")}
"""The variants of a release: each has an index made with its own model."""
NETWORKS = {"outline filter": layout.OUTLINE_FILTER, "printing verifier": layout.PRINTING_VERIFIER}
"""What a release holds beside, and a report is asked of, by what the report calls it."""


@asset(
    "reference",
    layout.EMBEDDINGS,
    deps=[processed_cards, student_onnx, student_int8],
    kinds={"parquet"},
    code_version="2",
)
def card_embeddings(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Embeddings of all cards, a shard for each set and variant; only cards whose pixels or model changed are embedded."""
    artifacts, before = project.artifacts, project.artifacts.remains(layout.EMBEDDINGS)
    _refuse_no_cards(artifacts.current(layout.PROCESSED).record)
    variants: dict[str, Any] = {}
    files: dict[str, PublishedFile] = {}
    embedded = 0
    with project.passing_workdir() as work:
        for variant in MODELS:
            variants[variant], named, count = _embedded(context, project, variant, before, work)
            files |= named
            embedded += count
        gauges = {variant: _gauge(artifacts, found["sets"], files) for variant, found in variants.items()}
        record = {"variants": variants, "mean_cosine": {name: gauge["mean_cosine"] for name, gauge in gauges.items()}}
        content = {name: {s: e["digest"] for s, e in found["sets"].items()} for name, found in variants.items()}
        published = artifacts.publish(layout.EMBEDDINGS, {}, kept=files, digest=digests.of_json(content), record=record)
    return materialized(published, {"scans embedded now": embedded, "different cards": show.rows(gauges, "variant")})


def _refuse_no_cards(processed: Mapping[str, Any]) -> None:
    """Raises StoreError where every scan is in quarantine: of a gallery of no card nothing can be made."""
    if not processed["cards"]:
        first = processed["quarantine"][0]
        raise StoreError(
            f"all {processed['rejected']} scans are in quarantine, as {first['key']} is ({first['reason']}): the page of "
            "processed_cards lists them. If these are no card scans, name the folder of yours in CARDS (make) or PCR_CARDS"
        )


def _embedded(
    context: dg.AssetExecutionContext, project: Project, variant: str, before: Artifact | None, work: Path
) -> tuple[dict[str, Any], dict[str, PublishedFile], int]:
    """One variant: its record, its shards in the store, and how many scans were embedded now."""
    from edge_runtime.embedder import OnnxEmbedder
    from pcr_assets.gallery import embeddings
    from pcr_assets.gallery.making import SetOfCards, make_embeddings

    artifacts = project.artifacts
    model, file = artifacts.current(MODELS[variant][0]), MODELS[variant][1]
    digest, size = model.files[file].sha256, OnnxEmbedder(artifacts.fetch(model, file)).input_size
    made_by = embeddings.embedder_digest(digest, size)
    last = before.record["variants"].get(variant, {}) if before else {}
    there = before.files if before else {}
    known = {set_id: entry for set_id, entry in last.get("sets", {}).items() if entry["file"] in there}
    processed = artifacts.current(layout.PROCESSED)
    cards = processed.record["sets"]
    inputs = {s: embeddings.inputs_digest(entry["digest"], digest, size) for s, entry in cards.items()}
    plan = plan_shards(inputs, known)
    sets, count = dict(plan.kept), 0
    files = {entry["file"]: there[entry["file"]] for entry in sets.values()}

    def lacking(set_id: str) -> SetOfCards:
        shard = processed.files[cards[set_id]["file"]]
        earlier = there[known[set_id]["file"]] if set_id in known and last.get("made_by") == made_by else None
        return SetOfCards(project.root.root, set_id, inputs[set_id], shard, variant, model.files[file], earlier)

    made = project.engine.each(make_embeddings, [lacking(set_id) for set_id in plan.built], work)
    for number, (set_id, shard) in enumerate(zip(plan.built, made, strict=True), start=1):
        sets[set_id] = shard.entry
        files |= {shard.entry["file"]: shard.file} if shard.file else {}
        count += shard.fresh
        how = "as a run before made them" if shard.found else f"{shard.fresh} of {shard.entry['scans']} scans"
        if worth_saying(number, len(plan.built)):
            say(context, f"embeddings: {variant}, set {set_id} ({number} of {len(plan.built)}), {how}")
    return {"model": model.digest, "made_by": made_by, "sets": sets}, files, count


def apart(artifacts: Artifacts, asked_of: Mapping[str, str] | None = None) -> list[str]:
    """What does not belong together of the models, embeddings and indexes that are here, and of a report if it is said what it was
    made of: a sentence for each. One asset that is built by hand may be newer than what was made of it."""
    from pcr_assets.gallery import bundle

    embedded, indexed = (artifacts.current(name).record["variants"] for name in (layout.EMBEDDINGS, layout.INDEX))
    models = {variant: artifacts.current(name).digest for variant, (name, _) in MODELS.items()}
    networks = {name: artifacts.current(place).digest for name, place in NETWORKS.items()}
    return bundle.mismatches(models, networks, embedded, indexed, asked_of)


def _gauge(artifacts: Artifacts, sets: dict[str, Any], files: dict[str, PublishedFile]) -> dict[str, float]:
    """Whether embeddings have collapsed, seen on as many sets as give enough scans."""
    import numpy as np

    from pcr_assets.gallery.embeddings import read_shard, sample_of_sets, vectors_of
    from pcr_assets.measures import MOST_COMPARED, collapse

    asked = sample_of_sets({name: entry["scans"] for name, entry in sets.items()}, MOST_COMPARED)
    paths = artifacts.fetch_files(files[sets[name]["file"]] for name in asked)
    tables = [read_shard(path, ["card_id", "embedding"]) for path in paths]
    cards = np.array([card_id for table in tables for card_id in table["card_id"].to_pylist()])
    return collapse(np.concatenate([vectors_of(table) for table in tables]), cards)


@asset("reference", layout.INDEX, deps=[card_embeddings, processed_cards], kinds={"usearch"}, code_version="1")
def card_index(project: Project) -> dg.MaterializeResult:
    """The uSearch index of each variant, brought up to date card by card, and the catalogue that says what its keys mean."""
    from pcr_assets.gallery.catalogue import catalogue, keys_by_set
    from pcr_assets.gallery.index import SetShard, index_digest, save_index, update_index

    artifacts = project.artifacts
    processed, embedded = artifacts.current(layout.PROCESSED), artifacts.current(layout.EMBEDDINGS)
    before = artifacts.find(layout.INDEX)
    known = before.record["variants"] if before else {}
    keys = keys_by_set(artifacts.fetch(before, "catalogue.csv")) if before else {}
    variants, files, content, scans = {}, {}, {}, {}
    with project.passing_workdir() as work:
        for variant, found in embedded.record["variants"].items():
            shards = {
                set_id: SetShard(entry["digest"], partial(artifacts.fetch, embedded, entry["file"]))
                for set_id, entry in found["sets"].items()
            }
            last = artifacts.fetch(before, f"{variant}.usearch") if before and variant in known else None
            update = update_index(last, known.get(variant, {}).get("sets", {}), shards, keys)
            files[f"{variant}.usearch"] = work / f"{variant}.usearch"
            save_index(update.index, files[f"{variant}.usearch"])
            content[variant] = index_digest(update.index)
            scans[variant] = len(update.index)
            variants[variant] = {"sets": dict(update.sets), "scans": scans[variant]}
            del update  # else the next variant's index comes into memory beside this one
        said = processed.record
        data = catalogue(read_scans(artifacts, processed).table, said["art_groups"], said.get("set_names", {}))
        digest = digests.of_json({**content, "catalogue": digests.of_bytes(data)})
        record = {"variants": variants, "cards": processed.record["cards"]}
        published = artifacts.publish(layout.INDEX, {**files, "catalogue.csv": data}, digest=digest, record=record)
    return materialized(
        published, {"cards": record["cards"], "scans of each variant": show.counts(scans, "scans", "variant")}
    )


@asset("reference", layout.REFERENCES, deps=[processed_cards], kinds={"jpeg"}, code_version="1")
def card_references(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Small pictures of all cards, an archive for each set: what the edge's second look compares with, and its page shows."""
    from pcr_assets.gallery import references
    from pcr_assets.gallery.making import SetOfCards, make_pictures

    artifacts, before = project.artifacts, project.artifacts.remains(layout.REFERENCES)
    processed = artifacts.current(layout.PROCESSED)
    cards, there = processed.record["sets"], before.files if before else {}
    known = {s: entry for s, entry in before.record["sets"].items() if entry["file"] in there} if before else {}
    inputs = {s: references.inputs_digest(entry["digest"]) for s, entry in cards.items()}
    plan = plan_shards(inputs, known)
    sets = dict(plan.kept)
    files = {entry["file"]: there[entry["file"]] for entry in sets.values()}
    lacking = [SetOfCards(project.root.root, s, inputs[s], processed.files[cards[s]["file"]]) for s in plan.built]
    with project.passing_workdir() as work:
        made = project.engine.each(make_pictures, lacking, work)
        for number, (set_id, archive) in enumerate(zip(plan.built, made, strict=True), start=1):
            sets[set_id] = archive.entry
            files |= {archive.entry["file"]: archive.file} if archive.file else {}
            if not archive.found and worth_saying(number, len(plan.built)):
                scans = archive.entry["scans"]
                say(context, f"references: set {set_id} ({number} of {len(plan.built)}), {scans} pictures")
    digest = digests.of_json({set_id: entry["digest"] for set_id, entry in sets.items()})
    published = artifacts.publish(layout.REFERENCES, {}, kept=files, digest=digest, record={"sets": sets})
    pictures = sum(entry["scans"] for entry in sets.values())
    return materialized(published, {"pictures": pictures, "sets built now": len(plan.built)})
