"""Floor *release*, second half: the bundle, published in parts and offered in signed channels."""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.declare import asset, materialized
from pcr_assets.assets.edge_networks import outline_filter, printing_verifier
from pcr_assets.assets.exports import student_hef, student_int8, student_onnx
from pcr_assets.assets.reference import MODELS, apart, card_index, card_references
from pcr_assets.assets.report import DEFAULT_VARIANT, overdue, recognition_report
from pcr_assets.gallery import bundle
from pcr_assets.gallery.parts import Parts
from pcr_assets.gallery.permits import refusals
from pcr_assets.resources.artifacts import NEEDS, Artifacts, PublishedFile, needed
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.trust.settings import trust_settings

MADE_FROM = {
    "recognition_report": layout.REPORT,
    "card_index": layout.INDEX,
    "card_references": layout.REFERENCES,
    "student_hef": layout.HEF,
    "outline_filter": layout.OUTLINE_FILTER,
    "printing_verifier": layout.PRINTING_VERIFIER,
    **{f"student_{variant}": name for variant, (name, _) in MODELS.items()},
}
"""What a release is made from: the artifact of each, by the name that its manifest gives it."""


@asset(
    "release",
    layout.RELEASES,
    deps=[
        recognition_report,
        card_index,
        card_references,
        student_onnx,
        student_int8,
        student_hef,
        outline_filter,
        printing_verifier,
    ],
    kinds={"release"},
    code_version="7",
)
def edge_release(project: Project, signer: ReleaseSigner) -> dg.MaterializeResult:
    """The signed bundle that edge_runtime opens: models, indexes, pictures, report, in parts of which only new ones are written."""
    from pcr_assets.trust.channels import offering, publish_release

    artifacts, trust = project.artifacts, trust_settings(project.settings)
    signer.open(project.root, trust)  # what can't be signed is not put together
    made_from = _digests(artifacts)
    _require_one_making(project)
    before = artifacts.named(layout.RELEASES)
    _require_permission(project, before.record if before else {})
    variants, shared = _bundled(artifacts)
    shared[bundle.SELF_TEST] = _self_test(artifacts, made_from)
    parts = _parts(artifacts, made_from)
    contents = bundle.bundle_files(variants, shared)
    bundled = parts.publish(contents, artifacts.fetch_file)
    manifest, digest = bundle.manifest(
        variants,
        bundled,
        references=_reference_files(artifacts),
        default_variant=DEFAULT_VARIANT,
        made_from=made_from,
        teacher_license=artifacts.current(layout.ONNX).record["teacher_license"],
    )
    judged = artifacts.current(layout.REPORT).record["variants"]
    answers = {name: judged[name]["answers"] for name in variants}
    record = {"made_from": made_from, "variants": sorted(variants), "answers": answers}
    record[NEEDS] = needed(layout.PARTS, parts.names(contents))
    if _digests(artifacts) != made_from:
        raise dg.Failure(
            "something was published while this release was put together of it: `make refresh` makes one of what is new"
        )
    published = artifacts.publish(layout.RELEASES, {"manifest.json": manifest}, digest=digest, record=record)
    again = before is not None and before.version == published.version
    repository, keys = signer.open(project.root, trust)  # a person may have promoted, or the night renewed, meanwhile
    publish_release(repository, keys, trust, published.version, manifest, again=again)
    return materialized(
        published,
        {
            "release": published.version,
            "offered in": ", ".join(offering(repository, published.version))
            or "no channel: `python -m pcr_assets.trust promote` offers it",
            "signatures expire": f"{repository.timestamp.expires:%Y-%m-%d}",
            "variants": ", ".join(sorted(variants)),
            "whole release (MB)": round(sum(entry["size"] for entry in bundled.values()) / 1e6, 1),
            "parts written (MB)": round(parts.written / 1e6, 3),
            "recall@1 beside the last release": _drift(before.record["answers"] if before else {}, answers),
        },
    )


def _digests(artifacts: Artifacts) -> dict[str, str]:
    return {asset_name: artifacts.current(name).digest for asset_name, name in MADE_FROM.items()}


def _require_one_making(project: Project) -> None:
    """Refuse networks, vectors, index, pictures and thresholds of which one is not of the others, and a report that is due
    again: built by hand, one may be newer."""
    artifacts = project.artifacts
    asked_of = artifacts.current(layout.REPORT).record["asked_of"]
    if found := apart(artifacts, asked_of) or _pictured_apart(artifacts) or overdue(project):
        raise dg.Failure(
            f"no release of what does not belong together ({'; '.join(found)}): `make refresh` builds what lacks first"
        )


def _require_permission(project: Project, last: Mapping[str, Any]) -> None:
    """Refuse what the checks on the report refuse: built by hand, a release is in a run without them, and none of them stops it."""

    report = project.artifacts.current(layout.REPORT).record
    if found := refusals(report, project.settings.section("gates"), last):
        raise dg.Failure(f"the report permits no release ({'; '.join(found)}): the last one stays in service")


def _pictured_apart(artifacts: Artifacts) -> list[str]:
    """Sets of which either the reference pictures or the embeddings are of the cards that are here, and the others of earlier ones:
    the second look would compare a photo with another scan than the one that was found."""
    from pcr_assets.gallery.embeddings import inputs_digest as of_embeddings
    from pcr_assets.gallery.references import inputs_digest as of_pictures

    name, file = MODELS[DEFAULT_VARIANT]
    model, size = artifacts.current(name).files[file].sha256, _spec(artifacts)["input_size"]
    processed, pictured, embedded = (
        artifacts.current(name).record for name in (layout.PROCESSED, layout.REFERENCES, layout.EMBEDDINGS)
    )
    cards = {set_id: entry["digest"] for set_id, entry in processed["sets"].items()}
    vectors = embedded["variants"][DEFAULT_VARIANT]["sets"]
    return bundle.pictured_apart(
        {s: entry["inputs"] == of_pictures(cards.get(s, "")) for s, entry in pictured["sets"].items()},
        {s: entry["inputs"] == of_embeddings(cards.get(s, ""), model, size) for s, entry in vectors.items()},
    )


def _self_test(artifacts: Artifacts, made_from: Mapping[str, str]) -> PublishedFile:
    """The known queries of this release, made once for the same models, index and pictures."""
    from edge_runtime.embedder import OnnxEmbedder
    from edge_runtime.gallery import Gallery
    from edge_runtime.judging.references import References
    from pcr_assets.gallery.selftest import VERSION, Subject, self_test, sets_asked

    known = {
        name: made_from[name] for name in ("card_index", "card_references", *(f"student_{name}" for name in MODELS))
    }
    of = {**known, "version": str(VERSION)}
    last = artifacts.find(layout.SELF_TEST)
    if last is None or last.record["made_from"] != of:
        index, pictures = artifacts.current(layout.INDEX), artifacts.current(layout.REFERENCES)
        catalogue = artifacts.fetch(index, "catalogue.csv")
        subjects = {
            variant: Subject(
                OnnxEmbedder(artifacts.fetch(artifacts.current(name), file)),
                Gallery.open(artifacts.fetch(index, f"{variant}.usearch"), catalogue),
            )
            for variant, (name, file) in MODELS.items()
        }
        # Not all archives: of a bucket, they would be nine tenths of a release.
        asked = sets_asked(subjects[DEFAULT_VARIANT].gallery)
        names = sorted(entry["file"] for set_id, entry in pictures.record["sets"].items() if set_id in asked)
        archive = self_test(subjects, References([*artifacts.fetch_files(pictures.files[name] for name in names)]))
        files, digest = {bundle.SELF_TEST: archive}, digests.of_bytes(archive)
        last = artifacts.publish(layout.SELF_TEST, files, digest=digest, record={"made_from": of})
    return last.files[bundle.SELF_TEST]


def _drift(before: Mapping[str, Any], now: Mapping[str, Any]) -> show.Rows:
    """How whole answers moved since the last release, a row for each variant and strength."""
    rows = {
        f"{variant}, {strength}": {
            "last": last.get("recall_at_1", "–"),
            "now": found["recall_at_1"],
            "points": round(100 * (found["recall_at_1"] - last["recall_at_1"]), 2) if last else "–",
        }
        for variant, strengths in now.items()
        for strength, found in strengths.items()
        for last in [before.get(variant, {}).get(strength, {})]
    }
    return show.rows(rows, "variant")


def _spec(artifacts: Artifacts) -> dict[str, Any]:
    """What a model of this release is given, and gives."""
    return dict(json.loads(artifacts.fetch(artifacts.current(layout.ONNX), "model.json").read_text()))


def _bundled(artifacts: Artifacts) -> tuple[dict[str, bundle.Variant], dict[str, PublishedFile]]:
    index, report = artifacts.current(layout.INDEX), artifacts.current(layout.REPORT)
    spec = _spec(artifacts)
    variants = {
        variant: bundle.Variant(
            engine="onnx",
            model=artifacts.current(name).files[file],
            index=index.files[f"{variant}.usearch"],
            input_size=tuple(spec["input_size"]),
            embedding_dim=spec["embedding_dim"],
            calibration=report.record["variants"][variant]["calibration"],
        )
        for variant, (name, file) in MODELS.items()
    }
    shared = {
        "catalogue.csv": index.files["catalogue.csv"],
        "report.json": report.files["report.json"],
        "report.html": report.files["report.html"],
        **_reference_files(artifacts),
        bundle.OUTLINE_FILTER: artifacts.current(layout.OUTLINE_FILTER).files["outline_filter.onnx"],
        bundle.PRINTING_VERIFIER: artifacts.current(layout.PRINTING_VERIFIER).files["printing_verifier.onnx"],
    }
    return variants, shared


def _parts(artifacts: Artifacts, made_from: dict[str, str]) -> Parts:
    """The parts that the last release has. None, when the same is asked for again: that is how lost parts are mended."""

    last = artifacts.find(layout.RELEASES)
    if last is None or last.record["made_from"] == made_from:
        return Parts(artifacts.store)
    manifest = json.loads(artifacts.fetch(last, "manifest.json").read_bytes())
    return Parts.after(artifacts.store, manifest) if manifest["schema"] == bundle.SCHEMA else Parts(artifacts.store)


def _reference_files(artifacts: Artifacts) -> dict[str, PublishedFile]:
    """The archives of reference pictures, by what they are called in a release."""
    pictures = artifacts.current(layout.REFERENCES)
    return {f"references-{name}": pictures.files[name] for name in sorted(pictures.files)}
