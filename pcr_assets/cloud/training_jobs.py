"""Training jobs of SageMaker, as plain functions over boto3: find one, begin one, look at it, stop it, and say how it ended.

A job's name can't be used twice. Jobs that do the same work share a stem (``pcr-teacher-0123456789ab``) and are numbered: the
newest one is joined while it runs, its outputs serve when it completed, and after any other end the next number begins.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pcr_assets.cloud.clients import CloudError, is_missing, told, will_pass

ENDED = ("Completed", "Failed", "Stopped")
PAUSES = (5, 10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60)
"""Seconds between tries where AWS is busy or the network is away, after botocore's own tries: ten minutes in all."""
LONGEST_NAME = 63
Say = Callable[[str], None]
Sleep = Callable[[float], None]
Request = Mapping[str, Any]


@dataclass(frozen=True)
class Picked:
    """The job that does the work, and whether it is there already."""

    name: str
    there: bool


def pick(sagemaker: Any, stem: str, say: Say, sleep: Sleep, serves: Callable[[str], bool]) -> Picked:
    """The job of a stem that runs, or has completed and still ``serves``; else the name of the next one. Raises CloudError."""
    newest = next(iter(jobs_of(sagemaker, stem, sleep)), None)
    if newest is None:
        return Picked(f"{stem}-1", there=False)
    name, status = newest["TrainingJobName"], newest["TrainingJobStatus"]
    if status == "Stopping":
        say(f"{name} is being stopped: waiting for its last checkpoint")
        status = _ended(sagemaker, name, sleep)["TrainingJobStatus"]
    if status == "Completed" and serves(name):
        say(f"{name} has done this already: its outputs serve")
        return Picked(name, there=True)
    if status in ENDED:
        return Picked(f"{stem}-{_number(name) + 1}", there=False)
    say(f"{name} is at it already: it is followed, no second one is started")
    return Picked(name, there=True)


def jobs_of(sagemaker: Any, stem: str, sleep: Sleep) -> list[Mapping[str, Any]]:
    """Summaries of the jobs of a stem, the newest first. Raises CloudError."""
    listing = sagemaker.get_paginator("list_training_jobs")
    pages = listing.paginate(NameContains=stem, PaginationConfig={"PageSize": 100})
    listed = _patiently(
        lambda: [job for page in pages for job in page["TrainingJobSummaries"]],
        f"list the training jobs {stem}",
        "sagemaker:ListTrainingJobs",
        sleep,
    )
    found = [job for job in listed if re.fullmatch(rf"{stem}-\d+", job["TrainingJobName"])]
    return sorted(found, key=lambda job: -_number(job["TrainingJobName"]))


def begin(sagemaker: Any, request: Request, sleep: Sleep = time.sleep) -> bool:
    """Begin a job; False where another run was faster and began the very same. Raises CloudError, and says then whether the
    job may have begun all the same: a request whose answer is lost may have been heard."""
    from botocore.exceptions import ClientError

    name, resources = request["TrainingJobName"], request["ResourceConfig"]
    try:
        _patiently(
            lambda: _created(sagemaker, request),
            f"start the training job {name}",
            "sagemaker:CreateTrainingJob and, for its role, iam:PassRole",
            sleep,
            seen=("ResourceInUse", "ResourceLimitExceeded"),
        )
    except CloudError as error:
        if isinstance(error.__cause__, Exception) and will_pass(error.__cause__):
            raise CloudError(
                f"{error}. If it has begun all the same, it costs: run again to follow it, or {stopping(name)}"
            ) from error
        raise
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceInUse":
            return False
        kind = "spot training job usage" if request.get("EnableManagedSpotTraining") else "training job usage"
        raise CloudError(
            f"this account may not run {resources['InstanceCount']} × {resources['InstanceType']} more: ask Service Quotas for "
            f"“{resources['InstanceType']} for {kind}”, or name another instance in the section compute"
        ) from error
    return True


def _created(sagemaker: Any, request: Request) -> Any:
    from botocore.exceptions import ParamValidationError

    try:
        return sagemaker.create_training_job(**request)
    except ParamValidationError as error:
        wrong = " ".join(str(error).split())
        raise CloudError(
            f"the training job can't be asked for ({wrong}): mend the section compute of the profile"
        ) from error


def look(sagemaker: Any, name: str, sleep: Sleep = time.sleep) -> Mapping[str, Any]:
    """What SageMaker says of a job. Raises CloudError, and says then that the job goes on."""
    try:
        seen: Mapping[str, Any] = _patiently(
            lambda: sagemaker.describe_training_job(TrainingJobName=name),
            f"look at the training job {name}",
            "sagemaker:DescribeTrainingJob",
            sleep,
        )
    except CloudError as error:
        raise CloudError(f"{error}. The job goes on, and costs: run again to follow it, or {stopping(name)}") from error
    return seen


def stop(sagemaker: Any, name: str, sleep: Sleep = time.sleep, *, begun: bool = True) -> None:
    """Stop a job; it keeps its checkpoints. One that has ended stays as it is. Raises CloudError.

    With ``begun`` False nobody knows whether SageMaker took the request for it: one that is not there is none to stop.
    """
    from botocore.exceptions import ClientError

    try:
        _patiently(
            lambda: sagemaker.stop_training_job(TrainingJobName=name),
            f"stop the training job {name}",
            "sagemaker:StopTrainingJob",
            sleep,
            seen=("ValidationException", "ResourceNotFound"),
        )
    except CloudError as error:
        raise CloudError(f"{error}. It goes on, and costs: {stopping(name)}") from error
    except ClientError as error:
        if not begun and is_missing(error):
            return
        if look(sagemaker, name, sleep)["TrainingJobStatus"] == "InProgress":
            raise CloudError(f"{name} goes on, and costs ({error}): {stopping(name)}") from error


def stopping(name: str) -> str:
    """The command that a person stops a job with."""
    return f"stop it with `aws sagemaker stop-training-job --training-job-name {name}`"


def billed_seconds(seen: Mapping[str, Any]) -> float:
    """The seconds that are paid for, of all instances together; with spot capacity they are fewer than were trained."""
    instances = seen.get("ResourceConfig", {}).get("InstanceCount", 1)
    return float(seen.get("BillableTimeInSeconds", 0) * instances)


AGAIN = "run again, it goes on from its checkpoint"
_ENDINGS = {
    "MaxRuntimeExceeded": f"{{name}} trained for as long as most_hours allows: {AGAIN}; or raise most_hours",
    "MaxWaitTimeExceeded": (
        f"{{name}} got too little spot capacity of {{instance}} within most_wait_hours: {AGAIN}; or name another instance, or set "
        "spot: false"
    ),
    "CapacityError": (
        "AWS has no {instance} to give at the moment, so {name} never began: run again later, or name another instance in the "
        "section compute"
    ),
    "AlgorithmError": "{name}: {own}",
    "InternalServerError": f"{{name}} ended by an error of SageMaker's own ({{said}}): {AGAIN}",
    "ClientError": "{name} could not run ({said}): compare role, image and place in the section compute with this",
    "Stopped": f"{{name}} was stopped by somebody: {AGAIN}",
}
"""By the secondary status, then by the kind of the reason, then by the status."""


def how_it_ended(seen: Mapping[str, Any]) -> str:
    """One sentence about a job that did not complete, with the cure."""
    reason = " ".join(seen.get("FailureReason", "").split())
    kind, _, said = reason.partition(": ")
    signs = (seen.get("SecondaryStatus"), kind, seen["TrainingJobStatus"])
    words = next((_ENDINGS[sign] for sign in signs if sign in _ENDINGS), None)
    if words is None:
        words = "{name} failed ({reason}): its log is in CloudWatch, /aws/sagemaker/TrainingJobs"
    return words.format(
        name=seen["TrainingJobName"],
        instance=seen.get("ResourceConfig", {}).get("InstanceType", "the instance"),
        reason=reason or "SageMaker does not say why",
        said=said,
        own=_own_words(said) or "the program said nothing",
    )


def _own_words(said: str) -> str:
    """What the program inside wrote of its failure, without what SageMaker puts around it."""
    return re.sub(
        r"^(ExecuteUserScriptError|UserProgramError|Framework Error):\s*|,?\s*exit code:\s*\d+\.?$", "", said
    ).strip(" ,")


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _ended(sagemaker: Any, name: str, sleep: Sleep) -> Mapping[str, Any]:
    while (seen := look(sagemaker, name, sleep))["TrainingJobStatus"] not in ENDED:
        sleep(PAUSES[0])
    return seen


def _patiently(ask: Callable[[], Any], what: str, right: str, sleep: Sleep, seen: tuple[str, ...] = ()) -> Any:
    """Ask until AWS is not busy and the network is there. Raises CloudError; errors with codes ``seen`` as they are."""
    from botocore import exceptions

    for pause in (*PAUSES, None):
        try:
            return ask()
        except (exceptions.ClientError, exceptions.BotoCoreError) as error:
            if isinstance(error, exceptions.ClientError) and error.response["Error"]["Code"] in seen:
                raise
            if not will_pass(error) or pause is None:
                with told(what, right):
                    raise
            print(f"could not {what} ({error}): asked again in {pause} seconds", flush=True)
        sleep(pause)
    raise AssertionError("the last try returns or raises")
