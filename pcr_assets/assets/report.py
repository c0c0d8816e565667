"""Floor *release*, first half: the photos and strangers that are asked about, and the report that judges a release."""

from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.cards import read_scans
from pcr_assets.assets.dataset import JUDGED, snapshot_files, training_snapshot
from pcr_assets.assets.declare import asset, materialized, observed
from pcr_assets.assets.edge_networks import outline_filter, printing_verifier
from pcr_assets.assets.exports import student_int8, student_onnx
from pcr_assets.assets.models import student_stage1, student_stage2, teacher_weights
from pcr_assets.assets.reference import MODELS, card_index, card_references
from pcr_assets.assets.settings import report_config
from pcr_assets.resources.artifacts import Artifact
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import parent

DEFAULT_VARIANT = "int8"
REPORT_VERSION = "20"
MOST_SETS = 30
"""Sets that the asset's page lists."""


def _observed_folder(project: Project, root: str, labels: bytes = b"") -> dg.ObserveResult:
    digest, count = _listed(project, root, labels)
    return dg.ObserveResult(data_version=dg.DataVersion(digest), metadata={"files": count, "root": root})


def _listed(project: Project, root: str, labels: bytes = b"") -> tuple[str, int]:
    """The digest of what lies in a folder, by its listing, and the number of files."""
    entries = list(project.open(root).list()) if root else []
    listing = [[entry.key, entry.size, entry.etag] for entry in entries]
    return digests.of_json([listing, digests.of_bytes(labels)] if labels else listing), len(entries)


@observed("release", kinds={"s3"})
def evaluation_photos(project: Project) -> dg.ObserveResult:
    """Photos of cards, labelled in `photos.csv`: only what is measured on them may be called accuracy. May be empty."""
    return _observed_folder(project, project.photos_root, _labels(project))


def _labels(project: Project) -> bytes:
    """What ``photos.csv`` says, in the photos' folder or above it."""
    from pcr_assets.gallery.watched import labels_file

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
        printing_verifier,
        training_snapshot,
        teacher_weights,
        student_stage1,
        student_stage2,
        evaluation_photos,
        strangers,
        report_config,
    ],
    kinds={"html"},
    code_version=REPORT_VERSION,
)
def recognition_report(project: Project) -> dg.MaterializeResult:
    """How well each variant names cards and refuses strangers, asked through edge_runtime; and the thresholds that follow.

    Asked again when a model or the evidence is another one, or when the gallery has changed by a set share; else the last
    report holds.
    """
    before, asked_of = project.artifacts.find(layout.REPORT), _asked_of(project)
    why = _reason_to_judge(project, before, asked_of)
    if before and why is None:
        held = {"judged again": False, "verdict": _verdict(before.record), "judged with cards": before.record["cards"]}
        return materialized(before, {**held, **_page_of(project, before)})
    return _judged(project, asked_of, why or "")


def _verdict(record: Any) -> str:
    return "; ".join(record["objections"] or record["reached"])


def _asked_of(project: Project) -> dict[str, str]:
    """Whatever a report's numbers depend on, but the cards of the gallery."""
    from pcr_assets.gallery.references import inputs_digest

    artifacts = project.artifacts
    embedded = artifacts.current(layout.EMBEDDINGS).record["variants"]
    return {
        **{f"the {variant} model": embedded[variant]["made_by"] for variant in MODELS},
        **{f"the {name}": artifacts.current(place).digest for name, place in _TRAINED.items()},
        "the outline filter": artifacts.current(layout.OUTLINE_FILTER).digest,
        "the printing verifier": artifacts.current(layout.PRINTING_VERIFIER).digest,
        "the test cards": artifacts.current(layout.SNAPSHOT).digest,
        "the reference pictures": inputs_digest(""),
        "the photos": _listed(project, project.photos_root, _labels(project))[0],
        "the strangers": _listed(project, project.strangers_root)[0],
        "the settings": digests.of_json(project.settings.section("report")),
        "the code": REPORT_VERSION,
    }


def _reason_to_judge(project: Project, before: Artifact | None, asked_of: dict[str, str]) -> str | None:
    import pyarrow.parquet as pq

    from pcr_assets.cards.processed import TABLE
    from pcr_assets.gallery.rejudging import reason_to_judge
    from pcr_assets.gallery.settings import ReportSettings

    artifacts = project.artifacts
    then = pq.read_table(artifacts.fetch(before, TABLE)) if before and TABLE in before.files else None
    now = read_scans(artifacts, artifacts.current(layout.PROCESSED)).table
    growth = ReportSettings(**project.settings.section("report")).growth
    return reason_to_judge(before.record.get("asked_of") if before else None, asked_of, then, now, growth)


def _judged(project: Project, asked_of: dict[str, str], why: str) -> dg.MaterializeResult:
    from pcr_assets.cards.processed import TABLE
    from pcr_assets.gallery import new_sets, report, report_page
    from pcr_assets.gallery.settings import ReportSettings

    artifacts = project.artifacts
    settings = ReportSettings(**project.settings.section("report"))
    evidence, subjects = evidence_of(project, settings.strangers), subjects_of(project)
    looked = {name: report.judge_variant(subject, evidence, settings) for name, subject in subjects.items()}
    variants = {name: record for name, (record, _) in looked.items()}
    chosen, calibration = subjects[DEFAULT_VARIANT], variants[DEFAULT_VARIANT]["calibration"]
    judged = report.judge_photos(chosen, calibration, evidence, settings)
    record = {
        "cards": artifacts.current(layout.INDEX).record["cards"],
        "variants": variants,
        "int8_loss": report.loss(variants["fp32"], variants["int8"]),
        "effects": report.by_effect(chosen, calibration, evidence, settings),
        "photos": judged,
        "unreadable strangers": list(evidence.unreadable),
        "recognised worse": {
            **new_sets.judged(variants),
            "asked of": {place: artifacts.current(place).digest for place in JUDGED},
        },
        "objections": report.objections(variants, settings),
        "reached": [report.reached(name, judged) for name, judged in variants.items()],
    }
    models = {name: artifacts.current(place).record for name, place in _TRAINED.items()}
    models = {name: known for name, known in models.items() if "recall" in known}  # adopted ones were not measured here
    release = artifacts.find(layout.RELEASES)
    before = release.record.get("answers") if release else None
    page = report_page.page(record, models, evidence.photos, looked[DEFAULT_VARIANT][1], before, DEFAULT_VARIANT)
    files = {"report.json": digests.canonical_json(record), "report.html": page.encode()}
    short = {**record, "photos": judged["outcomes"], "variants": {n: _without_plots(v) for n, v in variants.items()}}
    gallery = artifacts.current(layout.PROCESSED).files[TABLE]
    digest = digests.of_json([record, asked_of, gallery.sha256])
    published = artifacts.publish(
        layout.REPORT, files, kept={TABLE: gallery}, digest=digest, record={**short, "asked_of": asked_of}
    )
    shown = {"judged again": True, "why": why, **_shown(short, variants), **_page_of(project, published)}
    return materialized(published, shown)


def _page_of(project: Project, report: Artifact) -> dict[str, Any]:
    """Where a person reads it."""
    at = f"{project.artifacts.store.root}/{report.files['report.html'].key}"
    return {"the report as a page": dg.MetadataValue.path(at)}


_TRAINED = {"teacher": layout.TEACHER, "stage 1": layout.STAGE1, "stage 2": layout.STAGE2}


def subjects_of(project: Project) -> dict[str, Any]:
    """The variants to be judged: {name: :class:`pcr_assets.gallery.evidence.Subject`}; what is compared is remembered for all."""
    from edge_runtime.references import References
    from pcr_assets.gallery.evidence import Subject
    from pcr_assets.gallery.judging import RememberingLook

    artifacts = project.artifacts
    index, pictures = artifacts.current(layout.INDEX), artifacts.current(layout.REFERENCES)
    second_look = RememberingLook(References([artifacts.fetch(pictures, name) for name in sorted(pictures.files)]))
    return {
        variant: Subject(
            artifacts.fetch(artifacts.current(name), file),
            artifacts.fetch(index, f"{variant}.usearch"),
            artifacts.fetch(index, "catalogue.csv"),
            second_look,
            artifacts.fetch(artifacts.current(layout.OUTLINE_FILTER), "outline_filter.onnx"),
            artifacts.fetch(artifacts.current(layout.PRINTING_VERIFIER), "printing_verifier.onnx"),
        )
        for variant, (name, file) in MODELS.items()
    }


def evidence_of(project: Project, most_strangers: int) -> Any:
    """What variants are judged by: :class:`pcr_assets.gallery.evidence.Evidence`, with at most so many strangers, evenly."""
    import pyarrow.parquet as pq

    from pcr_assets.cards.processed import groups_of
    from pcr_assets.cards.reader import CardImages
    from pcr_assets.gallery import photos
    from pcr_assets.gallery.evidence import Evidence, held_out, newcomers

    artifacts = project.artifacts
    source, processed = snapshot_files(artifacts), artifacts.current(layout.PROCESSED)
    rows = pq.read_table(source["snapshot"]).to_pylist()
    scans = read_scans(artifacts, processed).table.select(["card_id", "view", "set"]).to_pylist()
    groups = groups_of(processed.record, [row["card_id"] for row in [*rows, *scans]])
    new = newcomers(scans, rows, groups, project.settings.section("report")["queries"])
    theirs = [
        artifacts.fetch(processed, processed.record["sets"][name]["file"])
        for name in sorted({scan["set"] for scan in new})
    ]
    asked, faults = strangers_of(project, most_strangers)
    return Evidence(
        # Of scans in both the last one counts.
        cards=CardImages([*theirs, *(Path(shard) for shard in source["shards"])]),
        splits={**held_out(rows, groups), "new": new},
        strangers=asked,
        photos=_pictures(project, project.photos_root),
        labels=photos.read_labels(_labels(project)),
        unreadable=faults,
    )


def strangers_of(project: Project, most: int) -> tuple[list[Path], list[str]]:
    """At most so many pictures that must be refused, evenly over all; and what is wrong with those that can't be read."""
    from pcr_assets.gallery.evidence import readable

    return readable(list(_pictures(project, project.strangers_root, most).values()))


def _pictures(project: Project, root: str, most: int | None = None) -> dict[str, Path]:
    """The pictures in a folder, at most so many, evenly over all, by their key there; none where there is no folder."""
    from pcr_assets.cards.names import is_picture
    from pcr_assets.gallery.evidence import evenly

    if not root:
        return {}
    store = project.open(root)
    found = [entry for entry in store.list() if is_picture(entry.key)]
    found = found if most is None else evenly(found, most)
    return {entry.key: path for entry, path in zip(found, store.fetch_many(found), strict=True)}


def _without_plots(judged: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in judged.items() if key not in ("confidences", "right_at_1", "sets", "new sets")}


def _worst(sets: dict[str, Any]) -> list[tuple[str, Any]]:
    """The sets that are recognised worst: the report's page has all of them."""
    return sorted(sets.items(), key=lambda each: (each[1]["art_recall_at_1"], each[1]["recall_at_1"]))[:MOST_SETS]


def _shown(record: dict[str, Any], variants: dict[str, Any]) -> dict[str, Any]:
    from pcr_assets.imaging import charts

    recall, answers = (
        {f"{v}, {s}": found for v, judged in variants.items() for s, found in judged[part].items()}
        for part in ("recall", "answers")
    )
    chosen = variants[DEFAULT_VARIANT]
    strength = next(iter(chosen["answers"]))
    plot = charts.histogram(
        {name: values for name, values in chosen["confidences"].items() if values},
        title="confidence",
        x_label="probability",
        lines={"accept": chosen["calibration"]["accept"]},
    )
    return {
        f"recall@1 ({strength} camera)": chosen["answers"][strength]["recall_at_1"],
        "unknown cards named": chosen["named"]["unknown cards"],
        "strangers named": chosen["named"]["strangers"],
        "other printings named": chosen["named"]["other printings"],
        "strangers that can't be read": "; ".join(record["unreadable strangers"]) or "none",
        "calibration error": chosen["calibration_error"],
        "photos": show.counts(record["photos"], "cards", "outcome") if record["photos"] else "no labelled photos",
        "verdict": _verdict(record),
        "test cards through the camera, whole answers": show.rows(answers, "variant"),
        "test cards through the camera, search alone": show.rows(recall, "variant"),
        "new cards": show.rows(
            {name: judged["new cards"] for name, judged in variants.items() if "new cards" in judged}, "variant"
        )
        if "new cards" in chosen
        else "none came after the training snapshot, but with art that it knows",
        "new sets": record["recognised worse"]["said"],
        "each new set, the worst first": show.rows(dict(_worst(chosen.get("new sets", {}))), "set"),
        "each set, the worst first": show.rows(dict(_worst(chosen["sets"])), "set"),
        "each effect alone": show.rows(record["effects"], "effect") if record["effects"] else "not asked",
        "reliability": dg.MetadataValue.md(charts.reliability(chosen["reliability"])),
        "known from unknown": dg.MetadataValue.md(plot),
        "refusal": dg.MetadataValue.md(charts.refusals(chosen["confidences"])),
    }
