"""A person's word between a registered model and one that serves: said here, said elsewhere, taken back."""

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from pcr_assets import settings
from pcr_assets.cloud import package_book, registry
from pcr_assets.cloud.clients import CloudError
from pcr_assets.project_records.models import registered
from pcr_assets_tests.cloud.packed import MODELS, repack


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


def test_packages_of_a_group_that_the_profile_no_longer_names_are_asked_for_all_the_same(
    artifacts, sagemaker, profile, command, capsys
):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    registry.decide(sagemaker, artifacts, MODELS[1], package_book.APPROVED, "good")
    profile.write_text(profile.read_text().replace("serving:", "serving:\n  group: renamed"))
    assert registry.main([*command, "sync"]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert registry.to_serve(sagemaker, artifacts, MODELS[1])
    sagemaker.meta.events.register("before-call.sagemaker.DescribeModelPackage", knows_none)
    assert f"{MODELS[1]}:v1.0: Approved before, gone now" in registry.sync(sagemaker, artifacts)


def knows_none(**_):
    """What SageMaker says of a package that was deleted: moto deletes none."""
    error = {"Code": "ValidationException", "Message": "ModelPackage does not exist"}
    return AWSResponse("http://here", 400, {}, None), {"Error": error, "ResponseMetadata": {}}


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


def test_a_name_that_is_not_registered_is_told_those_that_are(artifacts, sagemaker, profile, command, capsys):
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert registry.main([*command, "approve", "student"]) == 1
    assert "registered are dinov3-teacher:v1.0, efficientnet-student-stage2:v1.0" in capsys.readouterr().err
