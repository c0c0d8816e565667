"""SageMaker's training jobs as far as we use them: moto's end at once, can't be stopped and refuse nothing.

Behind a real boto3 client, so botocore's own validation stays on; what the service's published model says of lengths and
patterns is held against each request as well, and what its documentation refuses is refused. A job goes through the statuses it
was given, one with each look, and runs what it was given when it comes to ``Training``.
"""

import datetime
import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3

WAY = ("Starting", "Downloading", "Training", "Uploading", "Completed")
STATUS = {"Completed": "Completed", "Failed": "Failed", "Stopped": "Stopped", "Stopping": "Stopping"}
STATUS |= {"MaxRuntimeExceeded": "Stopped", "MaxWaitTimeExceeded": "Stopped"}
PAGE = 2


@cache
def client_of(service: str) -> Any:
    """A client that all tests share: botocore reads a service's model, several megabytes, for each new session."""
    return _session().client(service, region_name="us-east-2")


@cache
def _session() -> Any:
    return boto3.Session(aws_access_key_id="tests", aws_secret_access_key="tests")


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, code: str, message: str = "", status: int = 400):
        super().__init__(f"{code}: {message}")
        self.answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        self.status = status


class TrainingService:
    """The service. ``ways`` are the statuses of the jobs to come, ``works`` what they do; ``errors`` refuse calls to come."""

    def __init__(self, s3: Any = None, works: Callable[[dict[str, Any]], None] | None = None):
        self.s3, self.works = s3, works
        self.jobs: dict[str, dict[str, Any]] = {}
        self.ways: list[Sequence[str]] = []
        self.reasons: dict[str, str] = {}
        self.errors: dict[str, list[Refused]] = {}
        self.calls: list[str] = []
        self.client = client_of("sagemaker")
        self._given: dict[str, Any] = {}
        events = self.client.meta.events
        events.register("provide-client-params.sagemaker", self._remember, unique_id="remember")
        events.register("before-call.sagemaker", self._answer, unique_id="answer")

    def close(self) -> None:
        """Answer no more: the client is everyone's."""
        self.client.meta.events.unregister("provide-client-params.sagemaker", unique_id="remember")
        self.client.meta.events.unregister("before-call.sagemaker", unique_id="answer")

    def _remember(self, params: dict[str, Any], **_: Any) -> None:
        self._given = params

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        self.calls.append(model.name)
        try:
            if self.errors.get(model.name):
                raise self.errors[model.name].pop(0)
            _fits(model.input_shape, self._given, model.name)
            answer = getattr(self, f"_{model.name}")(**self._given)
            return SimpleNamespace(status_code=200), {**(answer or {}), "ResponseMetadata": {"HTTPStatusCode": 200}}
        except Refused as refused:
            return SimpleNamespace(status_code=refused.status), refused.answer

    def _CreateTrainingJob(self, **request: Any) -> dict[str, Any]:
        name = request["TrainingJobName"]
        if name in self.jobs:
            raise Refused("ResourceInUse", "Training job names must be unique within an AWS account")
        longest = request["StoppingCondition"]
        if request["EnableManagedSpotTraining"] != ("MaxWaitTimeInSeconds" in longest):
            raise Refused(
                "ValidationException", "MaxWaitTimeInSeconds belongs to managed spot training, and only there"
            )
        if longest.get("MaxWaitTimeInSeconds", 10**9) < longest["MaxRuntimeInSeconds"]:
            raise Refused(
                "ValidationException", "MaxWaitTimeInSeconds must be equal to or greater than MaxRuntimeInSeconds"
            )
        if (
            request["EnableManagedSpotTraining"]
            and "CheckpointConfig" not in request
            and longest["MaxRuntimeInSeconds"] > 3600
        ):
            raise Refused("ValidationException", "spot training of more than an hour needs checkpoints")
        machines = request["ResourceConfig"]
        if "VolumeKmsKeyId" in machines and machines["InstanceType"].startswith(("ml.p4d.", "ml.g4dn.", "ml.g5.")):
            raise Refused("ValidationException", "VolumeKmsKeyId is not supported for instances with local storage")
        self._inputs_are_there(request["InputDataConfig"])
        way = list(self.ways.pop(0)) if self.ways else list(WAY)
        self.jobs[name] = {**request, "way": way, "transitions": [], "created": len(self.jobs)}
        return {"TrainingJobArn": f"arn:aws:sagemaker:us-east-2:123456789012:training-job/{name}"}

    def _inputs_are_there(self, channels: list[dict[str, Any]]) -> None:
        if len({channel["ChannelName"] for channel in channels}) < len(channels):
            raise Refused("ValidationException", "Channel names must be unique")
        if self.s3 is not None:
            for channel in channels:
                if not self.files_of(channel):
                    raise Refused("ValidationException", f"No S3 objects found under {channel['ChannelName']}")

    def files_of(self, channel: dict[str, Any]) -> dict[str, bytes]:
        """The files of a channel, by their path below its folder."""
        source = channel["DataSource"]["S3DataSource"]
        bucket, key = source["S3Uri"].removeprefix("s3://").split("/", 1)
        if source["S3DataType"] == "ManifestFile":
            first, *suffixes = json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            bucket, key = first["prefix"].removeprefix("s3://").split("/", 1)
        else:
            listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
            suffixes = [entry["Key"].removeprefix(key) for entry in listed]
        return {suffix: self.s3.get_object(Bucket=bucket, Key=key + suffix)["Body"].read() for suffix in suffixes}

    def _DescribeTrainingJob(self, TrainingJobName: str) -> dict[str, Any]:
        job = self._job(TrainingJobName)
        if job["way"]:
            self._step(job, job["way"].pop(0))
        now = job["transitions"][-1]["Status"]
        seen = {key: value for key, value in job.items() if key not in ("way", "transitions", "created")}
        return {
            **seen,
            "TrainingJobStatus": STATUS.get(now, "InProgress"),
            "SecondaryStatus": now,
            "SecondaryStatusTransitions": job["transitions"],
            "FailureReason": self.reasons.get(TrainingJobName, ""),
            "ModelArtifacts": {
                "S3ModelArtifacts": f"{job['OutputDataConfig']['S3OutputPath']}/{TrainingJobName}/output/model/"
            },
            "TrainingTimeInSeconds": 400,
            "BillableTimeInSeconds": 120,
            "FinalMetricDataList": [
                {"MetricName": "loss", "Value": 0.5, "Timestamp": datetime.datetime.now(datetime.UTC)}
            ],
        }

    def _step(self, job: dict[str, Any], status: str) -> None:
        if status == "Training" and self.works is not None:
            self.works(job)
        now = datetime.datetime.now(datetime.UTC)
        job["transitions"].append({"Status": status, "StartTime": now, "StatusMessage": f"about {status}"})

    def _StopTrainingJob(self, TrainingJobName: str) -> None:
        job = self._job(TrainingJobName)
        if self._status(job) not in ("InProgress",):
            raise Refused(
                "ValidationException", "The request was rejected because the training job is in status Completed"
            )
        job["way"] = ["Stopped"]
        self._step(job, "Stopping")

    def _ListTrainingJobs(self, NameContains: str, MaxResults: int, NextToken: str = "0") -> dict[str, Any]:
        found = [job for name, job in sorted(self.jobs.items()) if NameContains in name]
        start = int(NextToken)
        more = {"NextToken": str(start + PAGE)} if start + PAGE < len(found) else {}
        summaries = [
            {"TrainingJobName": job["TrainingJobName"], "TrainingJobStatus": self._status(job)}
            for job in found[start : start + PAGE]
        ]
        return {"TrainingJobSummaries": summaries, **more}

    def _job(self, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise Refused("ValidationException", "Requested resource not found.")
        return self.jobs[name]

    def _status(self, job: dict[str, Any]) -> str:
        transitions = job["transitions"]
        return STATUS.get(transitions[-1]["Status"], "InProgress") if transitions else "InProgress"


def _fits(shape: Any, value: Any, where: str) -> None:
    """Hold a value against the lengths, patterns and bounds of the service's model: botocore looks at minima alone."""
    about = shape.metadata
    if shape.type_name in ("string", "list", "map") and len(value) > about.get("max", 10**9):
        raise Refused("ValidationException", f"{where} is longer than {about['max']}")
    if shape.type_name == "string":
        pattern = about.get("pattern", "").replace(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]", r"[\w\s.:/=+\-@]")
        if pattern and not re.fullmatch(pattern, value):
            raise Refused("ValidationException", f"{where} {value!r} failed to satisfy {about['pattern']}")
        if about.get("enum") and value not in about["enum"]:
            raise Refused("ValidationException", f"{where} {value!r} is none of the instance types or names there are")
    elif shape.type_name == "structure":
        for key, below in value.items():
            _fits(shape.members[key], below, f"{where}.{key}")
    elif shape.type_name == "list":
        for at, below in enumerate(value):
            _fits(shape.member, below, f"{where}[{at}]")
    elif shape.type_name == "map":
        for key, below in value.items():
            _fits(shape.key, key, where)
            _fits(shape.value, below, f"{where}.{key}")


def names(service):
    """Its jobs' names, the first job first."""
    return sorted(service.jobs)
