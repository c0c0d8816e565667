"""The registry: what a package says, that content is registered once, that approval is a step of its own."""

import json
import re
import shutil
from dataclasses import replace

import boto3
import jsonschema
import pytest
import yaml
from botocore.stub import Stubber
from moto.sagemaker.models import sagemaker_backends

from pcr_assets import layout, settings
from pcr_assets.cloud import model_package, package_book, registry
from pcr_assets.cloud.clients import CloudError
from pcr_assets.project_records.models import collect, registered
from pcr_assets.project_records.sources import gather
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets.serving import archive, packing
from pcr_assets.serving.settings import ServingSettings
from pcr_assets_tests.project_records.synthetic import store_with_models

MODELS = ["dinov3-teacher", "efficientnet-student-stage2"]
IMAGE = "123456789012.dkr.ecr.us-east-2.amazonaws.com/pcr-inference:1"
ROLE = "arn:aws:iam::123456789012:role/pcr-serving"
CARD = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "model_overview": {
            "additionalProperties": False,
            "properties": {"model_creator": {"maxLength": 1024}, "model_artifact": {"type": "array", "maxItems": 15}},
        },
        "intended_uses": {
            "additionalProperties": False,
            "properties": {
                "purpose_of_model": {"maxLength": 2048},
                "intended_uses": {"maxLength": 2048},
                "factors_affecting_model_efficiency": {"maxLength": 2048},
                "risk_rating": {"enum": ["High", "Medium", "Low", "Unknown"]},
            },
        },
        "evaluation_details": {
            "items": {
                "required": ["name"],
                "properties": {
                    "metric_groups": {
                        "items": {
                            "required": ["name", "metric_data"],
                            "properties": {
                                "metric_data": {
                                    "items": {
                                        "required": ["name", "type", "value"],
                                        "properties": {"type": {"const": "number"}, "value": {"type": "number"}},
                                    }
                                }
                            },
                        }
                    }
                },
            }
        },
        "additional_information": {
            "properties": {
                "custom_details": {"additionalProperties": {"type": "string", "minLength": 1, "maxLength": 1024}}
            }
        },
    },
}
"""Of SageMaker's schema for the card of a package what ours uses."""


@pytest.fixture
def profile(tmp_path):
    file = tmp_path / "mine.yaml"
    chosen = {"pack": MODELS, "registered": True, "image": IMAGE, "role": ROLE}
    file.write_text(yaml.safe_dump({"extends": "embedded", "serving": chosen}))
    return file


class SaidToBeInABucket:
    """A folder that gives a bucket's URL: what only reads the URL is tested on it in a tenth of the time."""

    root = f"s3://training/{layout.PROJECT}"

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)


@pytest.fixture(scope="module")
def packed_store(tmp_path_factory):
    """Models and their archives, as ``model_packages`` makes them."""
    folder = tmp_path_factory.mktemp("packed")
    repack(store_with_models(folder / "store" / layout.PROJECT), folder)
    return folder / "store"


@pytest.fixture
def artifacts(packed_store, tmp_path):
    shutil.copytree(packed_store, tmp_path / "store")
    return Artifacts(SaidToBeInABucket(open_store(str(tmp_path / "store" / layout.PROJECT))))


@pytest.fixture
def command(tmp_path, profile):
    """The arguments of every command over that store."""
    return ["--store", str(tmp_path / "store"), "--profile", str(profile)]


def repack(artifacts, work, models=MODELS):
    def export(model, folder):
        file = folder / "served.onnx"
        file.write_bytes(b"graph of " + model.digest.encode())
        return file

    return packing.pack(artifacts, models, export, work)


@pytest.fixture
def sagemaker(aws):
    return boto3.client("sagemaker")


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


def test_what_is_approved_while_another_model_is_registered_stays_approved(
    artifacts, sagemaker, profile, command, tmp_path, monkeypatch
):
    repack(artifacts, tmp_path, MODELS[:1])
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    create = registry._created

    def meanwhile(*given):
        assert registry.main([*command, "approve", MODELS[0]]) == 0
        return create(*given)

    monkeypatch.setattr(registry, "_created", meanwhile)
    repack(artifacts, tmp_path)
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert package_book.approved(artifacts, MODELS[0])
    assert len(registered(artifacts)) == 2


def test_approval_is_a_step_of_its_own_and_keeps_the_lineage(artifacts, sagemaker, profile, command, capsys):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    with pytest.raises(CloudError, match="no version of efficientnet-student-stage2 is approved"):
        package_book.approved(artifacts, "efficientnet-student-stage2")
    assert registry.main([*command, "approve", "efficientnet-student-stage2", "--why", "hard recall 90 %"]) == 0
    assert "efficientnet-student-stage2:v1.0 is Approved" in capsys.readouterr().out
    name, entry = package_book.approved(artifacts, "efficientnet-student-stage2")
    described = sagemaker.describe_model_package(ModelPackageName=entry.arn)
    assert (name, described["ModelApprovalStatus"]) == ("efficientnet-student-stage2:v1.0", "Approved")
    assert described["ApprovalDescription"] == "hard recall 90 %"
    assert described["CustomerMetadataProperties"]["sha256"] == entry.digest
    assert registry.main([*command, "reject", "efficientnet-student-stage2:v1.0"]) == 0
    assert registry.main([*command, "list"]) == 0
    assert "Rejected" in capsys.readouterr().out


def test_what_was_approved_elsewhere_is_taken_over(artifacts, sagemaker, profile, command, capsys):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    arn = registered(artifacts)["dinov3-teacher:v1.0"]["arn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert registry.main([*command, "sync"]) == 0
    assert "dinov3-teacher:v1.0: PendingManualApproval before, Approved now" in capsys.readouterr().out
    assert package_book.approved(artifacts, "dinov3-teacher")[1].arn == arn


def test_what_somebody_rejected_elsewhere_is_not_served_though_nobody_has_told_this_store(
    artifacts, sagemaker, profile, command, capsys
):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    _, entry = registry.decide(sagemaker, artifacts, MODELS[1], registry.APPROVED, "good")
    assert registry.to_serve(sagemaker, artifacts, MODELS[1])[1] == entry
    sagemaker.update_model_package(ModelPackageArn=entry.arn, ModelApprovalStatus="Rejected")
    with pytest.raises(CloudError, match=r"was approved, and is Rejected in the registry now: .* sync"):
        registry.to_serve(sagemaker, artifacts, MODELS[1])
    assert registry.main([*command, "sync"]) == 0
    with pytest.raises(CloudError, match=r"no version of .* is approved"):
        registry.to_serve(sagemaker, artifacts, MODELS[1])


def test_another_region_is_not_asked_for_packages_that_it_cannot_know(
    artifacts, sagemaker, profile, command, capsys, monkeypatch
):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    registry.decide(sagemaker, artifacts, MODELS[1], package_book.APPROVED, "good")
    before = registered(artifacts)
    monkeypatch.setenv("PCR_S3_REGION", "eu-west-1")
    for words in (["sync"], ["approve", MODELS[0]], ["reject", MODELS[1]]):
        assert registry.main([*command, *words]) == 1
        assert (
            "is a package of us-east-2, but eu-west-1 would be asked: set PCR_S3_REGION=us-east-2"
            in capsys.readouterr().err
        )
    with pytest.raises(CloudError, match="eu-west-1 would be asked"):
        registry.to_serve(boto3.client("sagemaker", "eu-west-1"), artifacts, MODELS[1])
    assert registered(artifacts) == before, "nobody is told that they are gone"


def test_the_card_follows_sagemakers_schema_and_the_request_its_interface(artifacts, sagemaker, profile):
    """moto keeps no card: it is looked at on its way out, after botocore has checked the request's shape."""
    sent = []
    sagemaker.meta.events.register(
        "before-call.sagemaker.CreateModelPackage", lambda params, **_: sent.append(json.loads(params["body"]))
    )
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert len({request["ClientToken"] for request in sent}) == 2
    for request in sent:
        content = json.loads(request["ModelCard"]["ModelCardContent"])
        jsonschema.validate(content, CARD)
        assert request["ModelCard"]["ModelCardStatus"] == "PendingReview"
        for value in request["CustomerMetadataProperties"].values():
            assert re.fullmatch(r"[\w\s.:/=+\-@]{1,256}", value), "as the published interface has it"


def test_a_licence_is_told_in_the_letters_that_sagemaker_takes(artifacts, profile):
    profile, packages = settings.load(str(profile)), artifacts.current(layout.PACKAGES)
    packed = replace(packing.packed_in(packages)[0], licence="CC BY-NC 4.0 (no money)")
    model = collect(gather(artifacts, profile)[0])[packed.model]
    chosen = ServingSettings(**profile.section("serving"))
    request = model_package.request(packed, packages, artifacts.store.root, model, chosen)
    assert request["CustomerMetadataProperties"]["teacher_license"] == "CC BY-NC 4.0 -no money-"


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


def test_a_mistake_in_the_profile_is_one_sentence(profile, command, capsys):
    profile.write_text("extends: embedded\nserving: {endpoint: {bake_seconds: 1800}}\n")
    assert registry.main([*command, "sync"]) == 1
    assert "serving.endpoint: bake_seconds are waited for twice" in capsys.readouterr().err


def test_a_name_that_is_not_registered_is_told_those_that_are(artifacts, sagemaker, profile, command, capsys):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert registry.main([*command, "approve", "student"]) == 1
    assert "registered are dinov3-teacher:v1.0, efficientnet-student-stage2:v1.0" in capsys.readouterr().err
