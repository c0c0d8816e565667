"""A training job that something came between: a killed run, a cancelled one, a spot machine taken back, files archived. The next
one follows it or goes on from its checkpoints, and no second job is paid for."""

import os
import signal

import dagster as dg
import pytest

from pcr_assets.compute.launcher import JobFailed
from pcr_assets_tests.compute.conftest import MODULE
from pcr_assets_tests.compute.sagemaker_double import Refused, TrainingService, names


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
