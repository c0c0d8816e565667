"""Floor *release*, first half: the report that judges a release. What it asks about is in :mod:`pcr_assets.assets.evidence`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.cards import read_scans
from pcr_assets.assets.dataset import JUDGED, training_snapshot
from pcr_assets.assets.declare import asset, materialized
from pcr_assets.assets.edge_networks import outline_filter, printing_verifier
from pcr_assets.assets.evidence import evaluation_photos, evidence_of, labels, listed, strangers, subjects_of
from pcr_assets.assets.exports import student_int8, student_onnx
from pcr_assets.assets.models import student_stage1, student_stage2, teacher_weights
from pcr_assets.assets.reference import MODELS, NETWORKS, apart, card_index, card_references
from pcr_assets.assets.settings import report_config
from pcr_assets.gallery.permits import refusals
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_VARIANT = "int8"
REPORT_VERSION = "33"
MOST_SETS = 30
"""Sets that the asset's page lists."""


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
    section = project.settings.section("report")  # once: a person may be editing the profile
    settings = ReportSettings(**section)
    before, asked_of = project.artifacts.find(layout.REPORT), _asked_of(project, section)
    why = _reason_to_judge(project, before, asked_of, settings.growth)
    if before and why is None:
        figures = _figures(before.record, settings.strengths[0], _refused(project, before.record))
        return materialized(before, {"judged again": False, **figures, **_page_of(project, before)})
    return _judged(project, settings, asked_of, why or "")


def _refused(project: Project, record: Mapping[str, Any]) -> list[str]:
    """Why a release by this report is refused beside the last one, a sentence for each gate: as its checks say it in a moment."""
    release = project.artifacts.named(layout.RELEASES)
    return refusals(record, project.settings.section("gates"), release.record if release else {})


def _asked_of(project: Project, settings: Mapping[str, Any]) -> dict[str, str]:
    """Whatever a report's numbers depend on, but the cards of the gallery. ``settings``: the section of the profile."""
    from pcr_assets.gallery.references import inputs_digest

    artifacts = project.artifacts
    embedded = artifacts.current(layout.EMBEDDINGS).record["variants"]
    return {
        **{f"the {variant} model": embedded[variant]["made_by"] for variant in MODELS},
        **{f"the {name}": artifacts.current(place).digest for name, place in (_TRAINED | NETWORKS).items()},
        "the test cards": artifacts.current(layout.SNAPSHOT).digest,
        "the reference pictures": inputs_digest(""),
        "the photos": listed(project, project.photos_root, labels(project))[0],
        "the strangers": listed(project, project.strangers_root)[0],
        "the settings": digests.of_json(settings),
        "the code": REPORT_VERSION,
    }


def _reason_to_judge(project: Project, before: Artifact | None, asked_of: dict[str, str], growth: float) -> str | None:
    from pcr_assets.gallery.rejudging import reason_to_judge

    now = read_scans(project.artifacts, project.artifacts.current(layout.PROCESSED)).table
    then = _gallery_of(project, before)
    return reason_to_judge(before.record.get("asked_of") if before else None, asked_of, then, now, growth)


def _gallery_of(project: Project, report: Artifact | None) -> "pa.Table | None":
    """What is known of the scans that a report was made with."""
    import pyarrow.parquet as pq

    from pcr_assets.cards.processed import TABLE

    return pq.read_table(project.artifacts.fetch(report, TABLE)) if report and TABLE in report.files else None


def overdue(project: Project) -> list[str]:
    """Why the last report says nothing of a release that would be made now, in a sentence: its settings are others, a higher bar
    say, or the gallery has changed by more than they let it hold for."""
    from pcr_assets.cards.processed import TABLE
    from pcr_assets.gallery import rejudging

    report, processed = project.artifacts.current(layout.REPORT), project.artifacts.current(layout.PROCESSED)
    settings = project.settings.section("report")
    if report.record["asked_of"].get("the settings") != digests.of_json(settings):
        return ["the report was asked with other settings"]
    then = _gallery_of(project, report)
    if then is None or report.files[TABLE].sha256 == processed.files[TABLE].sha256:
        return []
    now, growth = read_scans(project.artifacts, processed).table, ReportSettings(**settings).growth
    found = rejudging.outgrown(then, now, growth)
    return [f"since the report, {found}"] if found else []


def _judged(project: Project, settings: ReportSettings, asked_of: dict[str, str], why: str) -> dg.MaterializeResult:
    from pcr_assets.cards.processed import TABLE
    from pcr_assets.gallery import new_sets, report, report_page

    artifacts = project.artifacts
    _require_one_making(artifacts)
    evidence, subjects = evidence_of(project, settings), subjects_of(project)
    looked = {name: report.judge_variant(subject, evidence, settings) for name, subject in subjects.items()}
    variants = {name: record for name, (record, _) in looked.items()}
    chosen, calibration = subjects[DEFAULT_VARIANT], variants[DEFAULT_VARIANT]["calibration"]
    judged = report.judge_photos(chosen, calibration, evidence)
    record = {
        "cards": artifacts.current(layout.INDEX).record["cards"],
        "set_names": _set_names(project, variants),
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
    release, refused = artifacts.named(layout.RELEASES), _refused(project, record)
    before = release.record.get("answers") if release else None
    page = report_page.page(
        record, models, evidence.photos, looked[DEFAULT_VARIANT][1], before, DEFAULT_VARIANT, refused
    )
    files = {"report.json": digests.canonical_json(record), "report.html": page.encode()}
    short = {**record, "photos": judged["outcomes"], "variants": {n: _without_plots(v) for n, v in variants.items()}}
    gallery = artifacts.current(layout.PROCESSED).files[TABLE]
    digest = digests.of_json([record, asked_of, gallery.sha256])
    published = artifacts.publish(
        layout.REPORT, files, kept={TABLE: gallery}, digest=digest, record={**short, "asked_of": asked_of}
    )
    figures = _figures(short, settings.strengths[0], refused)
    shown = {"judged again": True, "why": why, **figures, **_shown(short, variants), **_page_of(project, published)}
    return materialized(published, shown)


def _require_one_making(artifacts: Artifacts) -> None:
    """Refuse to judge a gallery by another model than the one that made it: by hand, or by ``content_changes`` after a step between
    them failed, a new model may be here before its gallery is, and hardly an answer is right then."""
    if found := apart(artifacts):
        raise dg.Failure(
            f"no report on what does not belong together ({'; '.join(found)}): it is due again once these are built, as "
            "`make refresh` does first",
            allow_retries=False,
        )


def _set_names(project: Project, variants: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What the sets that were asked about are called, where they have a name."""
    names = project.artifacts.current(layout.PROCESSED).record.get("set_names", {})
    asked = {set_id for judged in variants.values() for part in ("sets", "new sets") for set_id in judged.get(part, ())}
    return {set_id: names[set_id] for set_id in sorted(asked & set(names))}


def _page_of(project: Project, report: Artifact) -> dict[str, Any]:
    """Where a person reads it, in words: the page breaks a path at no slash, and draws all tables as wide as the longest one."""
    folder, _, name = report.files["report.html"].key.rpartition("/")
    return {"the report as a page": f"{name} in {folder} of {project.artifacts.store.root}"}


_TRAINED = {"teacher": layout.TEACHER, "stage 1": layout.STAGE1, "stage 2": layout.STAGE2}


def _without_plots(judged: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in judged.items() if key not in ("confidences", "right_at_1", "sets", "new sets")}


def _worst(sets: Mapping[str, Any], names: Mapping[str, str]) -> show.Rows:
    """The sets that are recognised worst: the report's page has all of them."""
    from pcr_assets.gallery.report_tables import worst_first

    return show.rows(dict(worst_first(sets, names)[:MOST_SETS]), "set", show.PARTS)


def _figures(record: Mapping[str, Any], strength: str, refused: Sequence[str]) -> dict[str, Any]:
    """What a person asks of a release before anything else, of the variant that devices use: shown as long as it holds, for the
    asset's page is that of the last materialization, and draws these as curves over all of them. ``strength``: the camera by which
    releases are judged. A record doesn't tell: its entries are stored in the order of their names."""
    chosen = record["variants"][DEFAULT_VARIANT]
    return {
        "judged with cards": record["cards"],
        f"recall@1 ({strength} camera)": chosen["answers"][strength]["recall_at_1"],
        "unknown cards named": chosen["named"]["unknown cards"],
        "strangers named": chosen["named"]["strangers"],
        "other printings named": chosen["named"]["other printings"],
        "calibration error": chosen["calibration_error"],
        "photos": show.counts(record["photos"], "cards", "outcome") if record["photos"] else "no labelled photos",
        "verdict": "; ".join(refused or record["reached"]),
    }


def _shown(record: dict[str, Any], variants: dict[str, Any]) -> dict[str, Any]:
    from pcr_assets.gallery.report_tables import effects_worst_first
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
        "strangers that can't be read": "; ".join(record["unreadable strangers"]) or "none",
        "test cards through the camera, whole answers": show.rows(answers, "variant", show.ANSWERS),
        "test cards through the camera, search alone": show.rows(recall, "variant", show.SEARCH),
        "new cards": show.rows(
            {name: judged["new cards"] for name, judged in variants.items() if "new cards" in judged},
            "variant",
            show.ANSWERS,
        )
        if "new cards" in chosen
        else "none came after the training snapshot, but with art that it knows",
        "new sets": record["recognised worse"]["said"],
        "each new set, the worst first": _worst(chosen.get("new sets", {}), record["set_names"]),
        "each set, the worst first": _worst(chosen["sets"], record["set_names"]),
        "each effect alone, the worst first": show.rows(
            dict(effects_worst_first(record["effects"])), "effect", show.PARTS
        )
        if record["effects"]
        else "not asked",
        "reliability": dg.MetadataValue.md(charts.reliability(chosen["reliability"])),
        "known from unknown": dg.MetadataValue.md(plot),
        "refusal": dg.MetadataValue.md(charts.refusals(chosen["confidences"])),
    }
