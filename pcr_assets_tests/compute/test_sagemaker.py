"""A training job: what it is asked to do, what comes back, what is paid. The service is a double that refuses what AWS refuses."""

import json
import re

import dagster as dg
import pytest

from pcr_assets.compute import container
from pcr_assets.compute.launcher import JobFailed
from pcr_assets.compute.training_request import METRICS
from pcr_assets.learning.progress import Pace
from pcr_assets.resources import runs
from pcr_assets.resources.project import Project
from pcr_assets_tests.cloud.rights import asked, refused
from pcr_assets_tests.compute.conftest import MODULE, Image
from pcr_assets_tests.compute.sagemaker_double import names


def test_a_training_in_a_step_of_a_run_goes_through_the_image_and_comes_back(
    service, compute_for, job, work, tmp_path, monkeypatch
):
    monkeypatch.setattr(container, "STARTER", "pcr_assets_tests.compute.one_process")
    service.works = Image(service, tmp_path / "hosts")
    ran = []

    @dg.asset
    def teacher():
        ran.append(compute_for(poll_seconds=0.2).run(MODULE, job, work))
        return dg.MaterializeResult()

    with dg.instance_for_test() as instance, asked(monkeypatch) as calls:
        result = dg.materialize([teacher], instance=instance)
        log = "\n".join(entry.user_message for entry in instance.all_logs(result.run_id))
    (name,) = names(service)
    assert re.fullmatch(r"pcr-teacher-[0-9a-f]{12}-1", name)
    assert json.loads((work / "metrics.json").read_text()) == {"read": ["cards"], "processes": 1, "steps": 1, "kept": 2}
    assert (work / "weights.safetensors").read_text() == "weights.safetensors"
    assert (ran[0].hardware["instance"], ran[0].hardware["instances"], ran[0].billed_seconds) == (
        "ml.g5.xlarge",
        1,
        120.0,
    )
    for told in (f"{name}: Training: about Training", "teacher 1/9 loss=0.5000"):
        assert told in log
    tags = {tag["Key"]: tag["Value"] for tag in service.jobs[name]["Tags"]}
    assert tags["team"] == "cards"
    assert "s3:DeleteObject" in {action for action, _ in calls}, "Dagster takes back what it told the job"
    assert refused(calls, "training") == []
    assert tags["dagster/run-id" if "dagster/run-id" in tags else "dagster/run_id"] == result.run_id


def test_what_a_job_leaves_under_other_names_is_not_brought(service, compute_for, job, work, s3, tmp_path):
    """Two slashes in a row, and the rest of a key is a path from the root on: a job could write wherever the pipeline may."""
    leave = service.works

    def strange(asked):
        leave(asked)
        for name in (f"{tmp_path}/planted", "sitecustomize.py"):
            key = f"{asked['OutputDataConfig']['S3OutputPath']}/{asked['TrainingJobName']}/output/model/{name}"
            s3.put_object(Bucket="training", Key=key.removeprefix("s3://training/"), Body=b"planted")

    service.works = strange
    compute_for().run(MODULE, job, work)
    assert (work / "weights.safetensors").is_file()
    assert not (tmp_path / "planted").exists()
    assert not (work / "sitecustomize.py").exists()


def test_the_same_work_is_not_paid_for_twice(service, compute_for, job, work):
    compute_for().run(MODULE, job, work)
    first = compute_for().run(MODULE, job, work)
    assert first.billed_seconds == 120.0, "the run before was killed before it told the log"
    about = {
        "version": "v1.0",
        "digest": "d",
        "started": "2026-02-01T10:00:00Z",
        "ended": "2026-02-01T10:12:00Z",
        "seconds": 1,
    }
    runs.keep(compute_for().project.root, runs.Run("teacher_weights", "teacher", hardware=first.hardware, **about))
    again = compute_for().run(MODULE, job, work)
    assert len(service.jobs) == 1
    assert again.billed_seconds == 0.0
    (work / "shard.txt").write_text("other cards")
    compute_for().run(MODULE, job, work)
    assert len({name.rpartition("-")[0] for name in names(service)}) == 2


def test_a_store_in_a_folder_needs_a_place_in_s3(compute_for):
    with pytest.raises(
        JobFailed, match=r"set sagemaker\.place in the section compute of the profile to s3://bucket/prefix"
    ):
        compute_for(place="")


def test_what_a_bucket_of_ours_holds_is_read_where_it_lies(service, compute_for, work, s3):
    from pcr_assets import layout
    from pcr_assets.compute.sagemaker import SageMakerCompute
    from pcr_assets.compute.settings import SageMaker
    from pcr_assets_tests.compute.conftest import SETTINGS

    project = Project(store="s3://training/ours", scratch=str(work))
    published = project.artifacts.publish(layout.SNAPSHOT, {"snapshot.parquet": b"pins"}, digest="0" * 64)
    local = project.artifacts.fetch(published, "snapshot.parquet")
    job = {"stage": "teacher", "snapshot": str(local), "shards": [str(work / "shard.txt")], "out": str(work)}
    engine = SageMakerCompute(SageMaker(**SETTINGS | {"place": ""}), project, lambda seconds: None)
    engine.run(MODULE, job, work)
    (made,) = service.jobs.values()
    channels = {channel["ChannelName"]: channel for channel in made["InputDataConfig"]}
    key = published.files["snapshot.parquet"].key
    assert service.files_of(channels["store"]) == {key: b"pins"}
    sent = json.loads(service.files_of(channels["job"])["job.json"])
    assert sent["snapshot"] == f"/opt/ml/input/data/store/{key}"
    assert sent["shards"][0].startswith("/opt/ml/input/data/staged/inputs/")
    assert "out" not in sent
    assert engine.place.root == "s3://training/models/embedding"


@pytest.mark.parametrize(
    ("instance", "volume"),
    [("ml.p4d.24xlarge", None), ("ml.g5.xlarge", None), ("ml.r5d.large", None), ("ml.c5.xlarge", "key")],
)
def test_a_key_of_ones_own_encrypts_outputs_and_volumes_but_no_disks(service, compute_for, job, work, instance, volume):
    compute_for(kms_key="key", instance=instance).run(MODULE, job, work)
    (made,) = service.jobs.values()
    assert made["OutputDataConfig"]["KmsKeyId"] == "key"
    assert made["ResourceConfig"].get("VolumeKmsKeyId") == volume


def test_sagemaker_reads_a_loss_below_nothing_too():
    """KoLeo is the logarithm of a distance: where a batch lies far apart the whole loss is negative."""
    said = []
    Pace("teacher", start=0, steps=9, batch=32, say=said.append).tell(9, -1.25)
    read = {name: re.search(METRICS[name], said[0]) for name in ("loss", "images_per_second")}
    assert read["loss"][1] == "-1.2500"
    assert read["images_per_second"][1].isdigit()


def test_moto_takes_the_same_request(aws, compute_for):
    from pcr_assets.compute.training_request import Channel, training_request
    from pcr_assets_tests.compute.sagemaker_double import client_of

    channels = [Channel("store", ["a"], "s3://training/x/store.manifest")]
    settings = compute_for(subnets=["subnet-1"], security_groups=["sg-1"], kms_key="key").settings
    request = training_request(settings, MODULE, "s3://training/x", "pcr-teacher-0", channels)
    sagemaker = client_of("sagemaker")
    sagemaker.create_training_job(TrainingJobName="pcr-teacher-0-1", **request)
    seen = sagemaker.describe_training_job(TrainingJobName="pcr-teacher-0-1")
    assert seen["TrainingJobStatus"] == "Completed"
    assert seen["CheckpointConfig"]["S3Uri"] == "s3://training/x/pcr-teacher-0/checkpoints"
    assert seen["StoppingCondition"] == {"MaxRuntimeInSeconds": 21600, "MaxWaitTimeInSeconds": 43200}
    assert seen["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
