"""What SageMaker and CloudWatch are asked for one endpoint: its model, machines, alarms, and how traffic moves."""

from collections.abc import Sequence
from typing import Any

from pcr_assets import digests
from pcr_assets.project_records.manifest import PROJECT
from pcr_assets.serving.settings import EndpointSettings, ServingSettings

VARIANT = "all"
LONGEST_IN_NAMES = 46
"""Letters of an endpoint's name in those of its configurations and models: with a dash and a digest they are 63, the most."""


def name_of(package: str, chosen: ServingSettings) -> str:
    """Of model and configuration: another package or other machines are another name, so nothing is ever changed in place."""
    asked = chosen.endpoint
    is_what = digests.of_json([package, chosen.role, chosen.isolated, asked.instance, asked.instances, asked.name])
    return f"{asked.name[:LONGEST_IN_NAMES]}-{is_what[:16]}"


def model(package: str, chosen: ServingSettings) -> dict[str, Any]:
    """What makes a model of a package, but for its name."""
    return {
        "Containers": [{"ModelPackageName": package}],
        "ExecutionRoleArn": chosen.role,
        "EnableNetworkIsolation": chosen.isolated,
        "Tags": tags(chosen.endpoint),
    }


def variant(model: str, asked: EndpointSettings) -> dict[str, Any]:
    """The one variant of a configuration: the machines that a model runs on."""
    machines = {"InstanceType": asked.instance, "InitialInstanceCount": asked.instances}
    return {"VariantName": VARIANT, "ModelName": model, "InitialVariantWeight": 1.0, **machines}


def tags(asked: EndpointSettings) -> list[dict[str, str]]:
    """What all that is made carries."""
    return [{"Key": key, "Value": value} for key, value in sorted({"project": PROJECT, **asked.tags}.items())]


def deployment(asked: EndpointSettings, alarms: Sequence[str]) -> dict[str, Any]:
    """How traffic moves: a share of the new machines first where there are several, all back where an alarm goes off."""
    canary = {"Type": "CAPACITY_PERCENT", "Value": asked.canary_percent}
    careful = {"Type": "CANARY", "CanarySize": canary, "WaitIntervalInSeconds": asked.bake_seconds}
    at_once = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": asked.bake_seconds}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": careful if asked.instances > 1 else at_once,
            "TerminationWaitInSeconds": asked.bake_seconds,
            "MaximumExecutionTimeoutInSeconds": max(600, asked.patience_minutes * 60),
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]},
    }


def alarms_of(asked: EndpointSettings) -> list[dict[str, Any]]:
    """The two alarms that roll back. Microseconds are what SageMaker counts latency in."""
    shared = {
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": asked.name}, {"Name": "VariantName", "Value": VARIANT}],
        "Period": 60,
        "EvaluationPeriods": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return [
        {**shared, "AlarmName": f"{asked.name}-errors", "MetricName": "Invocation5XXErrors", "Statistic": "Sum"}
        | {"Threshold": float(asked.most_errors), "AlarmDescription": "the container fails at pictures"},
        {**shared, "AlarmName": f"{asked.name}-slow", "MetricName": "ModelLatency", "ExtendedStatistic": "p95"}
        | {"Threshold": asked.most_ms * 1000, "AlarmDescription": "the model answers slowly"},
    ]
