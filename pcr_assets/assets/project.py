"""Floor *project*: a side wing that only reads. What was made, measured and paid, as files for people, jq and dashboards.

Nothing upstream depends on a record, so a record that changes makes nothing else stale.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import dagster as dg

from pcr_assets import layout
from pcr_assets.assets import cards, dataset, edge_networks, exports, models, reference, release, report, show
from pcr_assets.assets.cards import processed_cards
from pcr_assets.assets.dataset import calibration_set, training_snapshot
from pcr_assets.assets.declare import asset, materialized
from pcr_assets.assets.edge_networks import outline_filter, printing_verifier
from pcr_assets.assets.exports import student_hef, student_int8, student_onnx
from pcr_assets.assets.models import student_stage1, student_stage2, teacher_weights
from pcr_assets.assets.reference import card_embeddings, card_index
from pcr_assets.assets.release import edge_release
from pcr_assets.assets.report import recognition_report
from pcr_assets.assets.serving import model_registry
from pcr_assets.assets.settings import records_config
from pcr_assets.imaging.markdown import as_markdown
from pcr_assets.project_records import (
    costs,
    dashboard,
    experiments,
    inventory,
    manifest,
    metrics,
    model_card,
    pictures,
    price_table,
    readme,
    tracking,
)
from pcr_assets.project_records import pipelines as pages
from pcr_assets.project_records.drawn import Drawn
from pcr_assets.project_records.models import CURRENT, NOT_BUILT, ModelRecord, collect
from pcr_assets.project_records.placing import place
from pcr_assets.project_records.settings import RecordsSettings
from pcr_assets.project_records.sources import gather
from pcr_assets.project_records.storage import Storage, measure
from pcr_assets.resources.project import Project
from pcr_assets.resources.stored import listed

MADE = [
    processed_cards,
    training_snapshot,
    calibration_set,
    teacher_weights,
    student_stage1,
    student_stage2,
    outline_filter,
    printing_verifier,
    student_onnx,
    student_int8,
    student_hef,
    card_embeddings,
    card_index,
    edge_release,
]
"""What the records tell of."""
DRAWN = [cards, dataset, models, edge_networks, exports, reference, report, release]
"""The floors that the picture of the graph shows: settings would hide the flow."""
_SIDES = {"LessThanThreshold": "below", "GreaterThanThreshold": "above"}
recorded = partial(asset, "project", kinds={"json"}, code_version="1")


@recorded(layout.MANIFEST, deps=[*MADE, model_registry, records_config], code_version="2")
def project_manifest(project: Project) -> dg.MaterializeResult:
    """The whole project in one file: models, lineage, data, release, costs. Read from artifacts and the log of runs."""
    sources, settings = gather(project.artifacts, project.settings)
    found = collect(sources)
    places = [key for _, key in manifest.DATASETS.values() if key] + [layout.RELEASES]
    data = {key: project.artifacts.named(key) for key in places}
    made = manifest.build(sources, found, data, costs.figure(sources, Storage((), {}), settings))
    published = place(project.artifacts, layout.MANIFEST, manifest.files(made))
    rows = {name: _in_short(model) for name, model in found.items()}
    return materialized(
        published,
        {"models": len(found), "paid ($)": made.cost_tracking.total_cost_usd, "all models": show.rows(rows, "model")},
    )


@recorded(layout.INVENTORY, deps=[*MADE, records_config], code_version="2")
def store_inventory(project: Project) -> dg.MaterializeResult:
    """What the store holds, by content and storage class, from its listing: what is current of it, and what that costs."""
    stored = list(listed(project.root))
    prices = price_table.prices(RecordsSettings(**project.settings.section("records")))
    found = measure(stored, inventory.current_keys(project.artifacts, stored), prices)
    published = place(project.artifacts, layout.INVENTORY, inventory.files(found))
    table = {
        entry.kind: {"class": entry.storage_class, "MB": entry.size / 1e6, "objects": entry.objects}
        for entry in found.measured
    }
    return materialized(
        published,
        {"MB": round(found.size / 1e6, 1), "a month ($)": found.usd_a_month, "content": show.rows(table, "kind")},
    )


@recorded(layout.METRICS, deps=[project_manifest, store_inventory, records_config], kinds={"csv"}, code_version="2")
def analytics_metrics(project: Project) -> dg.MaterializeResult:
    """The records as tables: performance, compression, costs, storage, lineage, and a summary."""
    from pcr_assets.imaging import charts

    written = manifest.read(project.artifacts)
    sources, settings = gather(project.artifacts, project.settings)
    paid = costs.figure(sources, inventory.read(project.artifacts), settings)
    published = place(project.artifacts, layout.METRICS, metrics.files(written, paid))
    summary = metrics.summary(written, paid)
    fewer = {name: times for name, times in summary["compression"].items() if times}
    chart = (
        charts.bars(fewer, title="parameters: how many times fewer than the teacher", x_label="times")
        if fewer
        else "none"
    )
    answers = [
        {"variant": variant, "camera": strength, "recall@1": recall}
        for variant, strengths in summary["recall_at_1"].items()
        for strength, recall in strengths.items()
    ]
    return materialized(
        published,
        {
            "models": summary["models"],
            "cards": summary["cards"] or 0,
            "release": summary["release"] or "none",
            "paid ($)": summary["cost_usd"],
            "whole store (MB)": summary["storage_bytes"] / 1e6,
            "answers of the release": show.listed(answers),
            "compression": dg.MetadataValue.md(chart),
        },
    )


@recorded(layout.COSTS, deps=[project_manifest, store_inventory, records_config], kinds={"markdown"})
def cost_report(project: Project) -> dg.MaterializeResult:
    """COST_BREAKDOWN.md: what was paid, what storing costs, a year in the cloud beside one at the edge, what would save most."""
    from pcr_assets.project_records import cost_report as page

    sources, settings = gather(project.artifacts, project.settings)
    paid = costs.figure(sources, inventory.read(project.artifacts), settings)
    drawn = page.plots(paid)
    published = place(project.artifacts, layout.COSTS, page.files(paid, sources.prices, sources.history, drawn))
    advice = [{"$ a year": entry.usd_a_year, "what": entry.what, "how": entry.how} for entry in paid.advice]
    plots = {name.removesuffix(".png"): dg.MetadataValue.md(chart) for name, chart in drawn.items()}
    shown = {"paid ($)": paid.total, "of which recorded before ($)": paid.recorded, "advice": show.listed(advice)}
    return materialized(published, {**shown, **plots})


@recorded(layout.MODEL_CARDS, deps=[project_manifest, recognition_report], kinds={"markdown"})
def model_cards(project: Project) -> dg.MaterializeResult:
    """A card for each model in Hugging Face's format, with its curve and its confusions, beside the model's versions."""
    from pcr_assets.project_records import card_pictures

    written, known = manifest.read(project.artifacts), Drawn(project.artifacts, layout.MODEL_CARDS)
    drawn = card_pictures.draw(project.artifacts, known.picture)
    files = model_card.files(written, drawn)
    published = place(project.artifacts, layout.MODEL_CARDS, files, known.record)
    shown = {
        f"{name}, {file}": dg.MetadataValue.md(as_markdown(data, name))
        for name, of_model in drawn.items()
        for file, data in of_model.items()
    }
    return materialized(published, {"cards": len(written.models), **shown})


@recorded(layout.README, deps=[project_manifest], kinds={"markdown"}, code_version="2")
def project_readme(project: Project) -> dg.MaterializeResult:
    """The README of the store, with a picture of the graph that is drawn from the definitions."""
    (edges, floors), known = graph(), Drawn(project.artifacts, layout.README)
    picture = known.picture(["lineage", edges, floors], lambda: pictures.lineage(edges, floors))
    files = readme.files(manifest.read(project.artifacts), picture, pictures.mermaid(edges))
    published = place(project.artifacts, layout.README, files, known.record)
    shown = {"lineage": dg.MetadataValue.md(as_markdown(picture, "lineage")), "assets": len(floors)}
    return materialized(published, shown)


@recorded(layout.DASHBOARDS, deps=[project_manifest])
def dashboard_config(project: Project) -> dg.MaterializeResult:
    """What is watched and when somebody is told; `python -m pcr_assets.cloud.watching` sets CloudWatch from it."""
    written = manifest.read(project.artifacts)
    published = place(project.artifacts, layout.DASHBOARDS, dashboard.files(written))
    alarms = [
        {
            "metric": alarm["metric"],
            "told when": f"{_SIDES[alarm['comparison']]} {alarm['threshold']:g}",
            "why": alarm["why"],
        }
        for alarm in dashboard.config(written)["alarms"]
    ]
    return materialized(published, {"alarms": show.listed(alarms)})


@recorded(layout.EXPERIMENTS, deps=[project_manifest, records_config], kinds={"json", "mlflow"}, code_version="2")
def experiments_index(project: Project) -> dg.MaterializeResult:
    """Every run with its settings, measures and curves: MLflow's own database, the index derived from it, and a server if set."""
    sources, settings = gather(project.artifacts, project.settings)
    told = experiments.told(sources, manifest.read(project.artifacts).models)
    with project.passing_workdir() as work:
        kept = tracking.keep(project.artifacts, told, work)
    published = place(project.artifacts, layout.EXPERIMENTS, kept.files, kept.record, kept.digest)
    server = settings.mlflow_server
    told_of = {"told of by this run": kept.told, **({server: tracking.send(server, told)} if server else {})}
    runs = [
        {
            "run": f"{run.asset} {run.version}",
            "started": run.started,
            "seconds": run.seconds,
            "machine": run.instance or "own",
        }
        for run in reversed(sources.runs)
    ]
    return materialized(published, {"runs": len(runs), **told_of, "all runs": show.listed(runs)})


def pipelines_for(described: Callable[[], list[dict[str, Any]]]) -> dg.AssetsDefinition:
    """The record of the pipelines, which ``described`` tells of: they are made of all assets, this one among them."""

    @recorded(layout.PIPELINES_RECORD, deps=[project_manifest])
    def pipelines(project: Project) -> dg.MaterializeResult:
        """What each pipeline builds, in which order and behind which gates: read from the definitions, for people and programs."""

        told = described()
        published = place(project.artifacts, layout.PIPELINES_RECORD, pages.files(told))
        return materialized(published, {"pipelines": ", ".join(each["name"] for each in told)})

    return pipelines


def graph() -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The assets of all floors below this one: pairs of an asset and one made from it, and the floor of each."""
    specs = [spec for made in dg.load_assets_from_modules(DRAWN) for spec in made.specs]  # type: ignore[union-attr]
    floors = {spec.key.to_user_string(): spec.group_name or "" for spec in specs if spec.group_name != "settings"}
    edges = {(dep.asset_key.to_user_string(), spec.key.to_user_string()) for spec in specs for dep in spec.deps}
    return sorted(edge for edge in edges if edge[0] in floors), floors


def _in_short(model: ModelRecord) -> dict[str, str]:
    """A model in as many columns as a page shows; the file has the rest."""
    short = {CURRENT: model.version, NOT_BUILT: NOT_BUILT}
    version = short.get(model.status, f"{model.version} ({model.status})")
    told = {"version": version, "parameters": model.parameters, "trained": model.training_date}
    return {field: f"{value:,}" if isinstance(value, int) else str(value or "–") for field, value in told.items()}
