"""The section ``compute``: what it takes, and what it says of a mistake."""

from pathlib import Path
from typing import get_args

import pytest

from pcr_assets import settings
from pcr_assets.assets.settings import check
from pcr_assets.compute.resource import LAUNCHERS, Compute
from pcr_assets.compute.settings import ComputeSettings, EngineName, SageMaker, compute_settings
from pcr_assets.resources.project import Project
from pcr_assets.settings import SettingsError
from pcr_assets_tests.compute.conftest import SETTINGS


@pytest.fixture
def profile(tmp_path):
    """Write a profile with this section; gives its path."""

    def write(section):
        file = tmp_path / "own.yaml"
        file.write_text(f"extends: embedded\ncompute: {section}\n")
        return str(file)

    return write


def refused(profile, section):
    with pytest.raises(SettingsError) as error:
        compute_settings(settings.load(profile(section)))
    return str(error.value).partition(": ")[2]


def test_training_runs_here_unless_somebody_says_otherwise(monkeypatch):
    assert compute_settings(settings.load("embedded")).engine == "local"
    monkeypatch.setenv("PCR_COMPUTE", "torchrun")
    assert compute_settings(settings.load("embedded")).engine == "torchrun"
    monkeypatch.setenv("PCR_COMPUTE", "cluster")
    with pytest.raises(SettingsError, match="PCR_COMPUTE is cluster: write local, torchrun, ray or sagemaker"):
        check(settings.load("embedded"))


def test_one_setting_sends_card_sets_and_trainings_to_ray(monkeypatch, profile):
    monkeypatch.setenv("PCR_ENGINE", "ray")
    chosen = compute_settings(settings.load("embedded"))
    assert (chosen.engine, chosen.ray.nodes, chosen.ray.processes) == ("ray", 1, 1)
    assert compute_settings(settings.load(profile("{engine: torchrun}"))).engine == "torchrun"
    monkeypatch.setenv("PCR_COMPUTE", "torchrun")
    assert compute_settings(settings.load("embedded")).engine == "torchrun"


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("{engine: cloud}", "compute.engine: must be 'local', 'torchrun', 'ray' or 'sagemaker', is \"cloud\""),
        ("{engine: sagemaker}", "compute: a training job needs sagemaker.role and sagemaker.image: docs/training.md"),
        ("{torchrun: {processes: 0}}", "compute.torchrun.processes: must be 1 or more, is 0"),
        ("{ray: {nodes: 0}}", "compute.ray.nodes: must be 1 or more, is 0"),
        ("{torchrun: {nodes: 2}}", "compute.torchrun: several nodes meet at one of them: set rendezvous to host:port"),
        ("{sagemaker: {instanse: x}}", "compute.sagemaker.instanse: no such setting (did you mean instance?)"),
        ("{sagemaker: {most_hours: 20}}", "most_wait_hours counts the training too: it must be most_hours or more"),
        ("{sagemaker: {subnets: [subnet-1]}}", "a VPC takes both: set subnets and security_groups, or neither"),
        ("{sagemaker: {role: training}}", "compute.sagemaker.role: must be the ARN of a role"),
        ("{sagemaker: {place: bucket}}", "compute.sagemaker.place: must be s3://bucket/prefix"),
        (
            "{sagemaker: {instance: p4d}}",
            "compute.sagemaker.instance: must be an instance for training, like ml.p4d.24xlarge",
        ),
    ],
)
def test_a_mistake_is_one_sentence(profile, section, says):
    assert says in refused(profile, section)


def test_every_engine_that_can_be_named_can_be_made(profile, monkeypatch):
    monkeypatch.setenv("PCR_S3_REGION", "us-east-2")
    project = Project(profile=profile({"sagemaker": SETTINGS}))
    for name in get_args(EngineName):
        assert callable(LAUNCHERS[name](Compute(project=project)).run)


def test_another_place_to_train_makes_nothing_stale(profile):
    plain = settings.load("embedded")
    for elsewhere in ("{engine: torchrun}", "{engine: ray, ray: {nodes: 2, processes: 4}}"):
        changed = settings.load(profile(elsewhere))
        for section in ("teacher", "student", "stage1", "stage2"):
            assert changed.digest(section) == plain.digest(section)


def test_the_profile_that_is_shipped_names_every_setting():
    shipped = settings.load("embedded").section("compute")
    assert ComputeSettings(**shipped) == ComputeSettings()
    assert set(shipped) == set(ComputeSettings.model_fields)
    assert set(shipped["sagemaker"]) == set(SageMaker.model_fields)
    assert Path("docs/training.md").exists()
