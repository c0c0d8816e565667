"""What a training job is asked for: the settings in the words of SageMaker's ``CreateTrainingJob``."""

import re
from dataclasses import dataclass, field
from typing import Any

from pcr_assets.compute.settings import SageMaker

JOB_CHANNEL = "job"
METRICS = {
    "loss": r"loss=(-?[0-9.]+)",
    "images_per_second": r"loss=-?[0-9.]+ ([0-9]+) images/s",
    "validation_recall_at_1": r"val_recall@1=([0-9.]+)",
}
"""Read by SageMaker from the lines that the training program prints."""
LOCAL_DISKS = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g[5-7]e?|p5\w*|p6[\w-]*|trn\w+)\.")
"""Instances with disks of their own, which their hardware encrypts: a request that names a key for their volume is refused.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html"""


@dataclass(frozen=True)
class Channel:
    """Objects below one root that the job sees as files: ``/opt/ml/input/data/<name>/<key>``. ``manifest`` lists them."""

    name: str
    keys: list[str] = field(default_factory=list)
    manifest: str = ""


def training_request(
    settings: SageMaker, module: str, place: str, stem: str, channels: list[Channel], checkpoints: str = "checkpoints"
) -> dict[str, Any]:
    """All but the job's name. ``place`` is a URI; the job's own folder there is ``<stem>/``, and ``checkpoints`` one in it."""
    here = f"{place}/{stem}"
    key = {"KmsKeyId": settings.kms_key} if settings.kms_key else {}
    longest = {"MaxRuntimeInSeconds": round(settings.most_hours * 3600)}
    return {
        "RoleArn": settings.role,
        "AlgorithmSpecification": {
            "TrainingImage": settings.image,
            "TrainingInputMode": settings.input_mode,
            "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in METRICS.items()],
        },
        "HyperParameters": {"module": module, "processes": str(settings.processes)},
        "InputDataConfig": [
            _channel(JOB_CHANNEL, "S3Prefix", f"{here}/job/"),
            *(_channel(channel.name, "ManifestFile", channel.manifest) for channel in channels),
        ],
        # As files: weights hardly shrink, and packing them is paid for.
        "OutputDataConfig": {"S3OutputPath": here, "CompressionType": "NONE", **key},
        "CheckpointConfig": {"S3Uri": f"{here}/{checkpoints}"},
        "ResourceConfig": {
            "InstanceType": settings.instance,
            "InstanceCount": settings.instances,
            "VolumeSizeInGB": settings.volume_gb,
            **(
                {"VolumeKmsKeyId": settings.kms_key}
                if settings.kms_key and not LOCAL_DISKS.match(settings.instance)
                else {}
            ),
        },
        "EnableManagedSpotTraining": settings.spot,
        "StoppingCondition": longest
        | ({"MaxWaitTimeInSeconds": round(settings.most_wait_hours * 3600)} if settings.spot else {}),
        "Environment": dict(settings.environment),
        "Tags": [{"Key": name, "Value": value} for name, value in sorted(settings.tags.items())],
        **(
            {"VpcConfig": {"Subnets": settings.subnets, "SecurityGroupIds": settings.security_groups}}
            if settings.subnets
            else {}
        ),
    }


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    # The job file is read at once: only what is large is worth streaming.
    mode = {"InputMode": "File"} if name == JOB_CHANNEL else {}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **mode}
