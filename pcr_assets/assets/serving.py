"""Floor *serving*: models as SageMaker takes them, its registry, and one endpoint. All of it says that it is off, until asked."""

from pathlib import Path

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.declare import asset, materialized, off
from pcr_assets.assets.exports import student_int8, student_onnx
from pcr_assets.assets.models import model_files, student_stage2, teacher_weights
from pcr_assets.assets.settings import serving_config
from pcr_assets.cloud import clients, endpoint, registry
from pcr_assets.compute.resource import Compute
from pcr_assets.project_records.models import registered
from pcr_assets.resources.artifacts import Artifact
from pcr_assets.resources.project import Project
from pcr_assets.serving.packing import pack, packed_in
from pcr_assets.serving.settings import serving_settings

LEFT = (
    "{0} was deployed before and costs money while it is there: with this name in the profile, "
    "`python -m pcr_assets.cloud.endpoint delete` removes it"
)
"""Of an endpoint that a refresh was asked for no more: another person's profile may ask for it, so no refresh removes it."""


@asset(
    "serving",
    layout.PACKAGES,
    deps=[teacher_weights, student_stage2, student_onnx, student_int8, serving_config],
    kinds={"sagemaker"},
    code_version="4",
)
def model_packages(project: Project, compute: Compute) -> dg.MaterializeResult:
    """A `model.tar.gz` for each model of `serving.pack`: its ONNX, and the code that answers with it in a container."""

    models = serving_settings(project.settings).pack

    def exported(model: Artifact, folder: Path) -> Path:
        job = {**model_files(project.artifacts, model.name), "out": str(folder)}
        compute.run("pcr_assets.learning.served", job, folder)
        return folder / "served.onnx"

    if not models:
        return off(project, layout.PACKAGES, "serving.pack names no model")
    with project.passing_workdir() as work:
        published = pack(project.artifacts, models, exported, work)
    rows = {
        each.model: {"version": each.version, "MB": round(published.files[each.file].size / 1e6, 1)}
        for each in packed_in(published)
    }
    return materialized(published, {"packed": show.rows(rows, "model")})


@asset("serving", layout.REGISTERED, deps=[model_packages, serving_config], kinds={"sagemaker"}, code_version="1")
def model_registry(project: Project) -> dg.MaterializeResult:
    """What is packed, as model packages of SageMaker that wait for approval; `metadata/model_registry.json` names them."""

    if not serving_settings(project.settings).registered:
        return off(project, layout.REGISTERED, "serving.registered is false")
    published = registry.register(clients.client("sagemaker"), project.artifacts, project.settings)
    rows = {
        name: {field: entry[field] for field in ("status", "arn")}
        for name, entry in registered(project.artifacts).items()
    }
    return materialized(published, {"registered": show.rows(rows, "model")})


@asset("serving", layout.ENDPOINT, deps=[model_registry, serving_config], kinds={"sagemaker"}, code_version="1")
def inference_endpoint(project: Project) -> dg.MaterializeResult:
    """The endpoint that serves the newest approved version of `serving.endpoint.model`. It costs money while it is there."""

    chosen = serving_settings(project.settings)
    before = project.artifacts.named(layout.ENDPOINT)
    deployed = before.record.get("endpoint") if before else None
    if not chosen.endpoint.deploy:
        left = {"endpoint": deployed, "left in service": LEFT.format(deployed)} if deployed else {}
        return off(project, layout.ENDPOINT, "serving.endpoint.deploy is false", **left)
    sagemaker = clients.client("sagemaker")
    name, entry = registry.to_serve(sagemaker, project.artifacts, chosen.endpoint.model)
    outcome = endpoint.deploy(sagemaker, clients.client("cloudwatch"), entry.arn, chosen)
    record = {"endpoint": outcome.endpoint, "config": outcome.config, "model": name, "package": outcome.package}
    published = project.artifacts.publish(layout.ENDPOINT, {}, digest=digests.of_json(record), record=record)
    left = {"left in service": LEFT.format(deployed)} if deployed not in (None, outcome.endpoint) else {}
    return materialized(published, {**record, "what was done": outcome.what, **left})
