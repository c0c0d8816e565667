"""Floor *release*: the report that judges a release through the edge's own code, and the signed bundle."""

from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.dataset import snapshot_files, training_snapshot
from pcr_assets.assets.declare import asset, materialized, observed
from pcr_assets.assets.exports import student_hef, student_int8, student_onnx
from pcr_assets.assets.models import outline_filter, student_stage1, student_stage2, teacher_weights
from pcr_assets.assets.reference import MODELS, card_index, card_references
from pcr_assets.assets.settings import report_config
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner

DEFAULT_VARIANT = "int8"


def _observed_folder(project: Project, root: str, labels: bytes = b"") -> dg.ObserveResult:
    entries = list(project.open(root).list()) if root else []
    listing = [[entry.key, entry.size, entry.etag] for entry in entries]
    digest = digests.of_json([listing, digests.of_bytes(labels)] if labels else listing)
    return dg.ObserveResult(data_version=dg.DataVersion(digest), metadata={"files": len(entries), "root": root})


@observed("release", kinds={"s3"})
def evaluation_photos(project: Project) -> dg.ObserveResult:
    """Photos of cards, labelled in ``photos.csv``: the only numbers that may be called accuracy. May be empty."""
    return _observed_folder(project, project.photos_root, _labels(project))


def _labels(project: Project) -> bytes:
    """What ``photos.csv`` says, in the photos' folder or above it."""
    from pcr_assets.cards.catalogue import parent
    from pcr_assets.gallery.photos import labels_file

    above = parent(project.photos_root)
    return labels_file(project.open(project.photos_root), project.open(above) if above else None)


@observed("release", kinds={"s3"})
def strangers(project: Project) -> dg.ObserveResult:
    """Pictures that must be refused: other games' cards, backs of cards, things. May be empty."""
    return _observed_folder(project, project.strangers_root)


@asset(
    "release",
    layout.REPORT,
    deps=[
        card_index,
        card_references,
        student_onnx,
        student_int8,
        outline_filter,
        training_snapshot,
        teacher_weights,
        student_stage1,
        student_stage2,
        evaluation_photos,
        strangers,
        report_config,
    ],
    kinds={"html"},
    code_version="5",
)
def recognition_report(project: Project) -> dg.MaterializeResult:
    """How well each variant names cards and refuses strangers, asked through edge_runtime; and the thresholds that follow."""
    from edge_runtime.references import References
    from pcr_assets.gallery import report, report_page
    from pcr_assets.gallery.evidence import ReportSettings, Subject
    from pcr_assets.gallery.judging import RememberingLook

    artifacts = project.artifacts
    settings = ReportSettings(**project.settings.section("report"))
    index = artifacts.current(layout.INDEX)
    evidence = _evidence(project, settings.strangers)
    second_look = RememberingLook(References(list(_reference_files(artifacts).values())))
    subjects = {
        variant: Subject(
            artifacts.fetch(artifacts.current(name), file),
            artifacts.fetch(index, f"{variant}.usearch"),
            artifacts.fetch(index, "catalogue.csv"),
            second_look,
            _outline_filter(artifacts),
        )
        for variant, (name, file) in MODELS.items()
    }
    looked = {name: report.judge_variant(subject, evidence, settings) for name, subject in subjects.items()}
    variants = {name: record for name, (record, _) in looked.items()}
    chosen, calibration = subjects[DEFAULT_VARIANT], variants[DEFAULT_VARIANT]["calibration"]
    judged = report.judge_photos(chosen, calibration, evidence, settings)
    record = {
        "cards": index.record["cards"],
        "variants": variants,
        "int8_loss": report.loss(variants["fp32"], variants["int8"]),
        "effects": report.by_effect(chosen, calibration, evidence, settings),
        "photos": judged,
        "objections": report.objections(variants, settings),
        "reached": [report.reached(name, judged) for name, judged in variants.items()],
    }
    models = {name: artifacts.current(place).record for name, place in _TRAINED.items()}
    page = report_page.page(record, models, {path.name: path for path in evidence.photos}, looked[DEFAULT_VARIANT][1])
    files = {"report.json": digests.canonical_json(record), "report.html": page.encode()}
    short = {**record, "photos": judged["outcomes"], "variants": {n: _without_plots(v) for n, v in variants.items()}}
    published = artifacts.publish(layout.REPORT, files, digest=digests.of_json(record), record=short)
    page_at = dg.MetadataValue.path(f"{artifacts.store.root}/{published.files['report.html'].key}")
    return materialized(published, {**_shown(short, variants), "the report as a page": page_at})


_TRAINED = {"teacher": layout.TEACHER, "stage 1": layout.STAGE1, "stage 2": layout.STAGE2}


def _evidence(project: Project, most_strangers: int) -> Any:
    import pyarrow.parquet as pq

    from pcr_assets.cards.reader import CardImages
    from pcr_assets.gallery import photos
    from pcr_assets.gallery.evidence import Evidence

    source = snapshot_files(project.artifacts)
    rows = pq.read_table(source["snapshot"]).to_pylist()
    splits = {split: [row for row in rows if row["split"] == split] for split in ("validation", "test")}
    strange = _pictures(project, project.strangers_root)
    step = max(1, len(strange) // most_strangers) if most_strangers else len(strange) + 1
    return Evidence(
        cards=CardImages([Path(shard) for shard in source["shards"]]),
        splits=splits,
        strangers=strange[::step][:most_strangers],
        photos=_pictures(project, project.photos_root),
        labels=photos.read_labels(_labels(project)),
    )


def _pictures(project: Project, root: str) -> list[Path]:
    from pcr_assets.cards.names import is_picture

    store = project.open(root)
    return list(store.fetch_many(entry for entry in store.list() if is_picture(entry.key)))


def _without_plots(judged: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in judged.items() if key not in ("confidences", "right_at_1", "sets")}


def _shown(record: dict[str, Any], variants: dict[str, Any]) -> dict[str, Any]:
    from pcr_assets.imaging import charts

    recall, answers = (
        {f"{v}, {s}": found for v, judged in variants.items() for s, found in judged[part].items()}
        for part in ("recall", "answers")
    )
    chosen = variants[DEFAULT_VARIANT]
    plot = charts.histogram(
        {name: values for name, values in chosen["confidences"].items() if values},
        title="confidence",
        x_label="probability",
        lines={"accept": chosen["calibration"]["accept"]},
    )
    return {
        "recall@1": chosen["answers"][next(iter(chosen["answers"]))]["recall_at_1"],
        "unknown cards named": chosen["named"]["unknown cards"],
        "strangers named": chosen["named"]["strangers"],
        "calibration error": chosen["calibration_error"],
        "photos": show.counts(record["photos"], "cards", "outcome") if record["photos"] else "no labelled photos",
        "verdict": "; ".join(record["objections"] or record["reached"]),
        "test cards through the camera, whole answers": show.rows(answers, "variant"),
        "test cards through the camera, search alone": show.rows(recall, "variant"),
        "each set": show.rows(chosen["sets"], "set"),
        "each effect alone": show.rows(record["effects"], "effect") if record["effects"] else "not asked",
        "reliability": dg.MetadataValue.md(charts.reliability(chosen["reliability"])),
        "known from unknown": dg.MetadataValue.md(plot),
    }


@asset(
    "release",
    layout.RELEASES,
    deps=[recognition_report, card_index, card_references, student_onnx, student_int8, student_hef, outline_filter],
    kinds={"release"},
    code_version="3",
)
def edge_release(project: Project, signer: ReleaseSigner) -> dg.MaterializeResult:
    """The signed bundle that edge_runtime opens: models, indexes, pictures, report. Immutable, named by digest."""
    from pcr_assets.gallery import bundle

    artifacts, key = project.artifacts, signer.public_key()
    names = {"recognition_report": layout.REPORT, "card_index": layout.INDEX, "student_hef": layout.HEF}
    names |= {"card_references": layout.REFERENCES, "outline_filter": layout.OUTLINE_FILTER}
    names |= {f"student_{variant}": name for variant, (name, _) in MODELS.items()}
    made_from = {asset_name: artifacts.current(name).digest for asset_name, name in names.items()}
    variants, shared = _parts(artifacts)
    manifest, digest = bundle.manifest(
        variants,
        shared,
        references=_reference_files(artifacts),
        default_variant=DEFAULT_VARIANT,
        made_from=made_from,
        teacher_license=artifacts.current(layout.ONNX).record["teacher_license"],
        keyid=bundle.keyid(key),
    )
    files: dict[str, Path | bytes] = {
        **bundle.bundle_files(variants, shared),
        "manifest.json": manifest,
        "manifest.sig": bundle.signature(manifest, key, signer.sign(manifest)),
    }
    judged = artifacts.current(layout.REPORT).record["variants"]
    answers = {name: judged[name]["answers"] for name in variants}
    record = {"made_from": made_from, "variants": sorted(variants), "keyid": bundle.keyid(key), "answers": answers}
    published = artifacts.publish(layout.RELEASES, files, digest=digest, record=record)
    _announce(project, bundle.pointer(published.version, manifest), key)
    return materialized(
        published, {"release": published.version, "signed by": record["keyid"], "variants": ", ".join(sorted(variants))}
    )


def _parts(artifacts: Artifacts) -> tuple[dict[str, Any], dict[str, Path]]:
    import json

    from pcr_assets.gallery import bundle

    index, report = artifacts.current(layout.INDEX), artifacts.current(layout.REPORT)
    spec = json.loads(artifacts.fetch(artifacts.current(layout.ONNX), "model.json").read_text())
    variants = {
        variant: bundle.Variant(
            engine="onnx",
            model=artifacts.fetch(artifacts.current(name), file),
            index=artifacts.fetch(index, f"{variant}.usearch"),
            input_size=tuple(spec["input_size"]),
            embedding_dim=spec["embedding_dim"],
            calibration=report.record["variants"][variant]["calibration"],
        )
        for variant, (name, file) in MODELS.items()
    }
    shared = {
        "catalogue.csv": artifacts.fetch(index, "catalogue.csv"),
        "report.json": artifacts.fetch(report, "report.json"),
        "report.html": artifacts.fetch(report, "report.html"),
        **_reference_files(artifacts),
        bundle.OUTLINE_FILTER: _outline_filter(artifacts),
    }
    return variants, shared


def _outline_filter(artifacts: Artifacts) -> Path:
    return artifacts.fetch(artifacts.current(layout.OUTLINE_FILTER), "outline_filter.onnx")


def _reference_files(artifacts: Artifacts) -> dict[str, Path]:
    """The archives of reference pictures, by what they are called in a release."""
    pictures = artifacts.current(layout.REFERENCES)
    return {f"references-{name}": artifacts.fetch(pictures, name) for name in sorted(pictures.files)}


def _announce(project: Project, pointer: bytes, key: bytes) -> None:
    """Move the edge's pointer, last. The public key lies beside it for a person to carry to a device and pin there."""
    from pcr_assets.resources.store import Missing

    store = project.root
    try:
        before: bytes | None = store.read(f"{layout.RELEASES}/latest.json")
    except Missing:
        before = None
    store.write(f"{layout.RELEASES}/release_key.pub", key.hex().encode() + b"\n")
    if before != pointer:
        store.swap(f"{layout.RELEASES}/latest.json", pointer, before)
