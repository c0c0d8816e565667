"""What AWS refuses and the network loses: asked again where that helps, else one sentence with the cure, and no job stopped."""

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
    TokenRetrievalError,
)

from pcr_assets.cloud.clients import CloudError
from pcr_assets.compute.launcher import JobFailed
from pcr_assets_tests.compute.conftest import MODULE
from pcr_assets_tests.compute.sagemaker_double import Refused, names


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


def test_a_request_that_botocore_refuses_is_a_sentence_about_the_profile(service, compute_for, job, work):
    engine = compute_for()
    object.__setattr__(engine.settings, "volume_gb", "many")
    with pytest.raises(CloudError, match="mend the section compute of the profile") as failed:
        engine.run(MODULE, job, work)
    assert isinstance(failed.value.__cause__, ParamValidationError)
