"""A training job: begun once, joined, gone on with, stopped, paid for. The service is a double that refuses what AWS refuses."""

import json
import os
import re
import signal

import dagster as dg
import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
    TokenRetrievalError,
)

from pcr_assets.cloud.clients import CloudError
from pcr_assets.compute import container
from pcr_assets.compute.engine import JobFailed
from pcr_assets.resources import runs
from pcr_assets.resources.project import Project
from pcr_assets_tests.cloud.rights import asked, refused
from pcr_assets_tests.compute.conftest import MODULE, Image
from pcr_assets_tests.compute.sagemaker_double import Refused, TrainingService


def names(service):
    return sorted(service.jobs)


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


def test_outputs_that_were_cleared_away_are_made_again(service, compute_for, job, work, s3):
    compute_for().run(MODULE, job, work)
    for entry in s3.list_objects_v2(Bucket="training")["Contents"]:
        if "/output/" in entry["Key"]:
            s3.delete_object(Bucket="training", Key=entry["Key"])
    compute_for().run(MODULE, job, work)
    assert [name[-2:] for name in names(service)] == ["-1", "-2"]


def test_an_input_that_the_buckets_rules_archived_is_sent_anew(service, compute_for, job, work, s3):
    compute_for().run(MODULE, job, work)
    (first,) = service.jobs.values()
    (staged,) = [each for each in first["InputDataConfig"] if each["ChannelName"] == "staged"]
    (key,) = service.files_of(staged)
    where = {"Bucket": "training", "Key": f"models/embedding/{key}"}
    s3.put_object(**where, Body=b"cards", StorageClass="GLACIER")
    compute_for().run(MODULE, {**job, "stage": "stage1"}, work)
    assert service.files_of(staged) == {key: b"cards"}
    assert len(service.jobs) == 2
    written = s3.head_object(**where)["LastModified"]
    compute_for().run(MODULE, {**job, "stage": "stage2"}, work)
    assert s3.head_object(**where)["LastModified"] == written, "it is not sent twice"


def test_a_training_whose_checkpoints_the_buckets_rules_archived_begins_anew_beside_them(
    service, compute_for, job, work, s3
):
    service.ways, service.works = [["Training", "MaxRuntimeExceeded"]] * 2, None
    for _ in range(2):
        with pytest.raises(JobFailed, match="most_hours"):
            compute_for().run(MODULE, job, work)
        first = service.jobs[names(service)[0]]
        kept = first["CheckpointConfig"]["S3Uri"].removeprefix("s3://training/")
        s3.put_object(Bucket="training", Key=f"{kept}/step-1/weights", Body=b"w", StorageClass="GLACIER")
    _, second = (service.jobs[name]["CheckpointConfig"]["S3Uri"] for name in names(service))
    assert second == f"{first['CheckpointConfig']['S3Uri']}-2"


class Killed(BaseException):
    """Stands for SIGKILL: nothing is done any more."""


def test_a_job_that_a_killed_run_began_is_followed_and_no_second_one_started(
    service, compute_for, job, work, monkeypatch
):
    def dies(seconds):
        monkeypatch.setattr(service, "_StopTrainingJob", lambda **_: (_ for _ in ()).throw(Killed()))
        raise Killed

    with pytest.raises(Killed):
        compute_for(dies).run(MODULE, job, work)
    assert service.calls.count("CreateTrainingJob") == 1
    compute_for().run(MODULE, job, work)
    assert service.calls.count("CreateTrainingJob") == 1
    assert (work / "metrics.json").exists()


def test_a_cancelled_run_stops_its_job_and_the_next_one_goes_on_from_its_checkpoints(service, compute_for, job, work):
    def cancelled(seconds):
        raise dg.DagsterExecutionInterruptedError

    with pytest.raises(dg.DagsterExecutionInterruptedError):
        compute_for(cancelled).run(MODULE, job, work)
    assert service.calls[-1] == "StopTrainingJob"
    ran = compute_for().run(MODULE, job, work)
    first, second = (service.jobs[name] for name in names(service))
    assert first["transitions"][-1]["Status"] == "Stopped"
    assert first["CheckpointConfig"] == second["CheckpointConfig"]
    assert ran.billed_seconds == 240.0, "both attempts were paid for"


@pytest.mark.usefixtures("listening_to_no_signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_refresh_whose_terminal_is_closed_or_that_is_told_to_end_stops_its_job(
    service, compute_for, job, work, number
):
    """Without a run of Dagster's that listens: the default would end this process, and leave the job to be paid for."""
    with pytest.raises(KeyboardInterrupt):
        compute_for(lambda seconds: os.kill(os.getpid(), number)).run(MODULE, job, work)
    assert service.calls[-1] == "StopTrainingJob"
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_run_that_is_cancelled_before_its_job_began_is_cancelled_and_no_more(service, compute_for, job, work):
    def cancelled(seconds):
        raise dg.DagsterExecutionInterruptedError

    service.errors = {"CreateTrainingJob": [Refused("ThrottlingException")]}
    with pytest.raises(dg.DagsterExecutionInterruptedError):
        compute_for(cancelled).run(MODULE, job, work)
    assert service.jobs == {}


def test_a_training_that_is_to_be_traced_goes_on_from_its_checkpoints(service, compute_for, job, work):
    service.ways, service.works = [["Training", "MaxRuntimeExceeded"]], None
    with pytest.raises(JobFailed, match="most_hours"):
        compute_for().run(MODULE, {**job, "profile_steps": 0}, work)
    with pytest.raises(JobFailed):
        compute_for().run(MODULE, {**job, "profile_steps": 10}, work)
    first, second = (service.jobs[name] for name in names(service))
    assert first["CheckpointConfig"] == second["CheckpointConfig"]


def test_an_interruption_by_aws_is_told_and_waited_for(service, compute_for, job, work, capsys):
    service.ways = [["Starting", "Training", "Interrupted", "Starting", "Training", "Uploading", "Completed"]]
    compute_for().run(MODULE, job, work)
    said = capsys.readouterr().out
    assert said.index("Interrupted: about Interrupted") < said.rindex("Training: about Training")


@pytest.mark.parametrize(
    ("status", "reason", "says"),
    [
        (
            "Failed",
            "CapacityError: Unable to provision requested ML compute capacity.",
            "AWS has no ml.g5.xlarge to give",
        ),
        (
            "Failed",
            "AlgorithmError: teacher: there is no weights file /x: put it there, exit code: 1",
            "teacher: there is no",
        ),
        (
            "Failed",
            "ClientError: Cannot pull image",
            "could not run (Cannot pull image): compare role, image and place",
        ),
        ("Failed", "InternalServerError: We encountered an internal error.", "an error of SageMaker's own"),
        ("Failed", "", "SageMaker does not say why"),
        ("MaxRuntimeExceeded", "", "as long as most_hours allows: run again, it goes on from its checkpoint"),
        ("MaxWaitTimeExceeded", "", "too little spot capacity of ml.g5.xlarge within most_wait_hours"),
        ("Stopped", "", "was stopped by somebody: run again, it goes on from its checkpoint"),
    ],
)
def test_a_job_that_fails_is_told_of_in_one_sentence(service, compute_for, job, work, status, reason, says):
    service.ways, service.works = [["Starting", "Training", status]], None
    name = None

    def look(seconds):
        service.reasons[names(service)[0]] = reason

    with pytest.raises(JobFailed) as failed:
        compute_for(look).run(MODULE, job, work)
    name = names(service)[0]
    assert says in str(failed.value)
    assert name in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_busy_service_is_asked_again(service, compute_for, job, work):
    waited = []
    busy = Refused("ThrottlingException", "Rate exceeded")
    service.errors = {call: [busy] * 3 for call in ("ListTrainingJobs", "CreateTrainingJob", "DescribeTrainingJob")}
    compute_for(waited.append).run(MODULE, job, work)
    assert waited[:3] == [5, 10, 20]
    assert (work / "metrics.json").exists()


def test_a_network_that_is_away_for_minutes_stops_no_job(service, compute_for, job, work):
    waited = []
    away = [kind(endpoint_url="https://api.sagemaker") for kind in (EndpointConnectionError, ConnectTimeoutError)]
    service.errors = {"DescribeTrainingJob": [*away, ReadTimeoutError(endpoint_url="https://api.sagemaker")]}
    compute_for(waited.append).run(MODULE, job, work)
    assert waited[:3] == [5, 10, 20]
    assert "StopTrainingJob" not in service.calls


def test_a_login_that_ended_leaves_the_job(service, compute_for, job, work):
    service.errors = {"DescribeTrainingJob": [TokenRetrievalError(provider="sso", error_msg="Token has expired")]}
    with pytest.raises(CloudError, match=r"Token has expired.*: log in again.* The job goes on, and costs: run again"):
        compute_for().run(MODULE, job, work)
    assert "StopTrainingJob" not in service.calls


def test_expired_credentials_leave_the_job_and_say_how_to_stop_it(service, compute_for, job, work):
    def expire(seconds):
        service.errors = {"DescribeTrainingJob": [Refused("ExpiredTokenException", "expired")]}

    with pytest.raises(CloudError) as failed:
        compute_for(expire).run(MODULE, job, work)
    (name,) = names(service)
    assert "the credentials are wrong or have expired" in str(failed.value)
    assert str(failed.value).endswith(f"stop it with `aws sagemaker stop-training-job --training-job-name {name}`")
    compute_for().run(MODULE, job, work)
    assert names(service) == [name], "logged in again, it is followed"


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (
            Refused("AccessDeniedException"),
            "add sagemaker:CreateTrainingJob and, for its role, iam:PassRole to their policy",
        ),
        (Refused("ResourceLimitExceeded"), "ask Service Quotas for “ml.g5.xlarge for spot training job usage”"),
        (
            Refused("ValidationException", "Could not assume role arn"),
            "Could not assume role arn (ValidationException)",
        ),
    ],
)
def test_what_aws_refuses_at_the_start_is_told_with_the_cure(service, compute_for, job, work, refused, says):
    service.errors = {"CreateTrainingJob": [refused]}
    with pytest.raises(CloudError) as failed:
        compute_for().run(MODULE, job, work)
    assert says in str(failed.value)
    assert "StopTrainingJob" not in service.calls


def test_a_job_that_may_have_begun_though_nobody_answered_is_named_with_how_to_stop_it(
    service, compute_for, job, work, monkeypatch
):
    begin = service._CreateTrainingJob

    def heard(**request):
        service.errors = {"CreateTrainingJob": [EndpointConnectionError(endpoint_url="https://api.sagemaker")] * 99}
        begin(**request)
        raise ReadTimeoutError(endpoint_url="https://api.sagemaker")

    monkeypatch.setattr(service, "_CreateTrainingJob", heard)
    with pytest.raises(CloudError) as failed:
        compute_for().run(MODULE, job, work)
    (name,) = names(service)
    assert "If it has begun all the same, it costs: run again to follow it, or stop it with" in str(failed.value)
    assert str(failed.value).endswith(f"--training-job-name {name}`")
    compute_for().run(MODULE, job, work)
    assert names(service) == [name]


def test_of_two_runs_at_the_same_moment_the_slower_one_follows(service, compute_for, job, work, monkeypatch):
    compute_for().run(MODULE, job, work)
    (name,) = names(service)
    listed = service._ListTrainingJobs
    monkeypatch.setattr(
        service, "_ListTrainingJobs", lambda **_: {"TrainingJobSummaries": []}
    )  # it looked before the other began

    def listed_again(**request):
        monkeypatch.setattr(service, "_ListTrainingJobs", listed)
        return TrainingService._CreateTrainingJob(service, **request)

    monkeypatch.setattr(service, "_CreateTrainingJob", listed_again)
    compute_for().run(MODULE, job, work)
    assert names(service) == [name]


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


def test_a_request_that_botocore_refuses_is_a_sentence_about_the_profile(service, compute_for, job, work):
    engine = compute_for()
    object.__setattr__(engine.settings, "volume_gb", "many")
    with pytest.raises(CloudError, match="mend the section compute of the profile") as failed:
        engine.run(MODULE, job, work)
    assert isinstance(failed.value.__cause__, ParamValidationError)


@pytest.mark.parametrize(
    ("instance", "volume"),
    [("ml.p4d.24xlarge", None), ("ml.g5.xlarge", None), ("ml.r5d.large", None), ("ml.c5.xlarge", "key")],
)
def test_a_key_of_ones_own_encrypts_outputs_and_volumes_but_no_disks(service, compute_for, job, work, instance, volume):
    compute_for(kms_key="key", instance=instance).run(MODULE, job, work)
    (made,) = service.jobs.values()
    assert made["OutputDataConfig"]["KmsKeyId"] == "key"
    assert made["ResourceConfig"].get("VolumeKmsKeyId") == volume


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
