"""The registry: what is registered, and that content is registered once."""

import json

import boto3
import pytest
from botocore.stub import Stubber
from moto.sagemaker.models import sagemaker_backends

from pcr_assets import layout, settings
from pcr_assets.cloud import package_book, registry
from pcr_assets.cloud.clients import CloudError
from pcr_assets.project_records.models import collect, registered
from pcr_assets.project_records.sources import gather
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets.serving import archive
from pcr_assets_tests.cloud.packed import IMAGE, MODELS, repack


def packages(sagemaker):
    return list(registry.packages_of(sagemaker, "pokemon-card-recognition-models"))


def test_packed_models_wait_in_the_registry_with_their_lineage_and_measures(artifacts, sagemaker, profile):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    found = {each["CustomerMetadataProperties"]["model"]: each for each in packages(sagemaker)}
    assert set(found) == set(MODELS)
    student = found["efficientnet-student-stage2"]
    assert student["ModelApprovalStatus"] == "PendingManualApproval"
    spec = student["InferenceSpecification"]
    assert spec["SupportedContentTypes"] == ["application/x-image", "image/jpeg"]
    assert spec["SupportedResponseMIMETypes"] == ["application/json"]
    assert spec["Containers"][0]["Image"] == IMAGE
    lineage = student["CustomerMetadataProperties"]
    assert lineage["parent"] == "efficientnet-student-stage1:v1.0"
    assert lineage["teacher_license"] == "Apache-2.0"
    assert lineage["model_digest"] == artifacts.current(layout.STAGE2).digest
    for url in (spec["Containers"][0]["ModelDataUrl"], student["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]):
        held = artifacts.store.read(url.removeprefix(f"{artifacts.store.root}/"))
    assert json.loads(held)["multiclass_classification_metrics"]["recall_at_1_hard"]["value"] == 0.9


def test_the_manifest_names_what_is_registered(artifacts, sagemaker, profile):
    profile = settings.load(str(profile))
    registry.register(sagemaker, artifacts, profile)
    teacher = collect(gather(artifacts, profile)[0])["dinov3-teacher"]
    assert teacher.registry_arn.endswith("pokemon-card-recognition-models/1")
    assert teacher.registry_status == "PendingManualApproval"


def test_the_same_content_is_registered_once(artifacts, sagemaker, profile, tmp_path):
    profile = settings.load(str(profile))
    first = registry.register(sagemaker, artifacts, profile)
    assert repack(artifacts, tmp_path).digest == artifacts.current(layout.PACKAGES).digest
    assert registry.register(sagemaker, artifacts, profile).digest == first.digest
    artifacts.store.remove(layout.REGISTRY)
    registry.register(sagemaker, artifacts, profile)
    assert len(packages(sagemaker)) == 2, "also after the book was lost"


def test_other_code_in_an_archive_is_another_package(artifacts, sagemaker, profile, tmp_path, monkeypatch):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    monkeypatch.setattr(archive, "ENTRY", archive.ENTRY + "\n")
    repack(artifacts, tmp_path)
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert len(packages(sagemaker)) == 4
    newest = registered(artifacts)["dinov3-teacher:v1.0"]
    assert newest["arn"].rpartition("/")[2] in ("3", "4")


def test_the_same_weights_exported_anew_are_packed_anew(artifacts, tmp_path):
    """Stage 2 is the same; what the container runs is the graph."""
    held = artifacts.current(layout.ONNX)
    graph, spec = tmp_path / "student.onnx", artifacts.fetch(held, "model.json").read_bytes()
    graph.write_bytes(b"the graph that a newer exporter makes")
    artifacts.publish(
        layout.ONNX, {"student.onnx": graph, "model.json": spec}, digest="f" * 64, record=dict(held.record)
    )
    packed = repack(artifacts, tmp_path)
    model = archive.unpack(artifacts.fetch(packed, f"{MODELS[1]}/{archive.ARCHIVE}"), tmp_path)
    assert model.read_bytes() == graph.read_bytes()


def test_another_container_is_another_package_and_the_approved_one_serves_until_that_is_approved(
    artifacts, sagemaker, profile, command
):
    def container():
        _, entry = package_book.approved(artifacts, "efficientnet-student-stage2")
        (held,) = sagemaker.describe_model_package(ModelPackageName=entry.arn)["InferenceSpecification"]["Containers"]
        return held["Image"]

    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    registry.main([*command, "approve", "efficientnet-student-stage2"])
    profile.write_text(profile.read_text().replace(IMAGE, f"{IMAGE}.1"))
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert registered(artifacts)["efficientnet-student-stage2:v1.0"]["status"] == "PendingManualApproval"
    assert container() == IMAGE
    registry.main([*command, "approve", "efficientnet-student-stage2"])
    assert container() == f"{IMAGE}.1"
    profile.write_text(profile.read_text().replace(f"{IMAGE}.1", IMAGE))
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert container() == IMAGE, "back again, what was approved is found"
    assert len(packages(sagemaker)) == 4
    assert len(registered(artifacts)) == 3


def test_a_package_that_failed_is_made_anew(artifacts, sagemaker, profile):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    for held in sagemaker_backends["123456789012"]["us-east-2"].model_packages.values():
        held.model_package_status = "Failed"
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    for entry in registered(artifacts).values():
        assert sagemaker.describe_model_package(ModelPackageName=entry["arn"])["ModelPackageStatus"] == "Completed"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "add sagemaker:CreateModelPackage to their policy"),
        ("ExpiredTokenException", "the credentials are wrong or have expired"),
        ("ThrottlingException", "the service is busy"),
        ("ResourceLimitExceeded", "ask for more in Service Quotas"),
    ],
)
def test_what_aws_refuses_is_one_sentence(code, said, aws):
    sagemaker = boto3.client("sagemaker")
    with Stubber(sagemaker) as stub:
        stub.add_client_error("create_model_package", service_error_code=code, service_message="no")
        with pytest.raises(CloudError, match=said):
            registry._created(sagemaker, {"ModelPackageDescription": "x"})


def test_a_package_that_is_not_known_everywhere_yet_is_looked_for_again(aws, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    sagemaker, answer = (
        boto3.client("sagemaker"),
        {"ModelPackageArn": "arn:aws:sagemaker:us-east-2:1:model-package/g/1"},
    )
    described = {
        **answer,
        "ModelPackageName": "g",
        "CreationTime": 0,
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
    }
    with Stubber(sagemaker) as stub:
        stub.add_response("create_model_package", answer)
        stub.add_client_error("describe_model_package", "ValidationException", "ModelPackage does not exist")
        stub.add_response("describe_model_package", {**described, "ModelPackageStatus": "InProgress"})
        stub.add_response("describe_model_package", {**described, "ModelPackageStatus": "Completed"})
        assert registry._created(sagemaker, {"ModelPackageDescription": "x"})["ModelPackageStatus"] == "Completed"
        stub.assert_no_pending_responses()


def test_a_folder_is_told_that_sagemaker_reads_buckets(packed_store, profile, sagemaker):
    artifacts = Artifacts(open_store(f"{packed_store}/{layout.PROJECT}"))
    with pytest.raises(CloudError, match="is a folder: set PCR_STORE=s3://BUCKET"):
        registry.register(sagemaker, artifacts, settings.load(str(profile)))


def test_a_mistake_in_the_profile_is_one_sentence(sagemaker, profile, command, capsys):
    profile.write_text("extends: embedded\nserving: {endpoint: {bake_seconds: 1800}}\n")
    assert registry.main([*command, "register"]) == 1
    assert "serving.endpoint: bake_seconds are waited for twice" in capsys.readouterr().err
