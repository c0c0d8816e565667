"""The floor *serving*: off until asked; then packed, registered, approved by a person, and deployed."""

import json
from pathlib import Path

import dagster as dg
import pytest
import yaml

from pcr_assets import layout
from pcr_assets.assets import serving
from pcr_assets.cloud import endpoint, package_book, registry
from pcr_assets.project_records.models import registered
from pcr_assets.resources.project import Project
from pcr_assets_tests.cloud.conftest import aws
from pcr_assets_tests.cloud.endpoint_double import CHOSEN, Cloud
from pcr_assets_tests.cloud.packed import IMAGE, MODELS, SaidToBeInABucket
from pcr_assets_tests.project_records.synthetic import store_with_models

__all__ = ["aws"]
STUDENT = "efficientnet-student-stage2"


class DrawnCompute:
    """Writes what the exporting program writes, and counts how often it is asked."""

    asked = 0

    def run(self, module, job, workdir):
        assert module == "pcr_assets.learning.served"
        assert Path(job["weights"]).exists() and Path(job["model"]).exists()
        self.asked += 1
        Path(job["out"], "served.onnx").write_bytes(b"the teacher's graph")


def floor(project, compute):
    """All assets of the floor, in order, each when it is asked for."""
    yield serving.model_packages(project=project, compute=compute)
    yield serving.model_registry(project=project)
    yield serving.inference_endpoint(project=project)


def test_nothing_is_packed_registered_or_deployed_until_asked(tmp_path, monkeypatch):
    monkeypatch.setattr("pcr_assets.cloud.clients.client", lambda *_: pytest.fail("AWS was asked"))
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    assert all(made.metadata["off"].startswith("serving.") for made in floor(project, None))
    assert not registered(project.artifacts), "a book that is there stays, and none is made"


def test_from_a_model_to_an_endpoint_with_a_persons_word_between(aws, tmp_path, monkeypatch):
    bucket = SaidToBeInABucket(store_with_models(tmp_path / "store").store)
    for module in ("resources.project", "cloud.registry", "cloud.endpoint"):
        monkeypatch.setattr(f"pcr_assets.{module}.open_store", lambda _: bucket)
    monkeypatch.setattr("time.sleep", lambda _: None)
    profile = tmp_path / "mine.yaml"

    def ask(**asked):
        section = {"pack": MODELS, "registered": True, "image": IMAGE, "role": CHOSEN.role, "endpoint": asked}
        profile.write_text(yaml.safe_dump({"extends": "embedded", "serving": section}))

    ask(deploy=True)
    project = Project(store="s3://training", scratch=str(tmp_path / "work"), profile=str(profile))
    compute, cloud = DrawnCompute(), Cloud()
    before = Project(store="s3://training", scratch=str(tmp_path / "work"))
    assert all("off" in made.metadata for made in floor(before, compute)), "it was off for a while"

    packed = serving.model_packages(project=project, compute=compute)
    assert serving.model_packages(project=project, compute=compute).data_version == packed.data_version
    assert compute.asked == 1, "the teacher is exported once"
    waiting = serving.model_registry(project=project)
    with pytest.raises(dg.Failure, match=f"`make approve MODEL={STUDENT}`"):
        serving.inference_endpoint(project=project)

    where = ["--store", "s3://training", "--profile", str(profile)]
    assert registry.main([*where, "approve", STUDENT]) == 0
    held = project.artifacts.current(layout.REGISTERED).digest
    package = cloud.sagemaker.describe_model_package(
        ModelPackageName=package_book.approved(project.artifacts, STUDENT)[1].arn
    )
    archive = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert bucket.size(archive.removeprefix(f"{bucket.root}/"))
    assert held != waiting.data_version.value, "the planner sees that the store holds another version"
    assert serving.model_registry(project=project).data_version.value == held

    deployed = serving.inference_endpoint(project=project)
    assert deployed.metadata["what was done"] == "created"
    assert serving.inference_endpoint(project=project).data_version == deployed.data_version

    for _ in range(2):
        switched_off = list(floor(before, compute))
        assert all("off" in made.metadata for made in switched_off)
        assert (
            "pokemon-card-recognition was deployed before and costs money"
            in switched_off[-1].metadata["left in service"]
        )
    assert len(cloud.left()) == 5, "who switches it off may not be who needs it"
    again = list(floor(project, compute))
    assert [made.data_version for made in again[1:]] == [dg.DataVersion(held), deployed.data_version]
    assert again[-1].metadata["what was done"] == "unchanged"
    ask(deploy=True, name="other")
    assert "pokemon-card-recognition was" in serving.inference_endpoint(project=project).metadata["left in service"]
    assert endpoint.main(["delete", *where]) == 0
    ask(deploy=True)
    assert endpoint.main(["status", *where]) == 0
    assert endpoint.main(["delete", *where]) == 0
    assert cloud.left() == []
    assert endpoint.main(["status", *where]) == 3
    book = json.loads(project.root.read(layout.REGISTRY))
    assert {name.partition(":")[0]: entry["status"] for name, entry in book.items()} == {
        "dinov3-teacher": "PendingManualApproval",
        STUDENT: "Approved",
    }
