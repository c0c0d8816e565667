"""SageMaker's endpoints on moto, which creates at once and never fails: failures, updates and rollbacks are put into it."""

import boto3
from botocore.awsrequest import AWSResponse
from moto.sagemaker.models import sagemaker_backends

from pcr_assets.cloud import endpoint
from pcr_assets.serving.settings import ServingSettings

ACCOUNT, REGION = "123456789012", "us-east-2"
PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/pokemon-card-recognition-models/"
NAME = "pokemon-card-recognition"
CHOSEN = ServingSettings(role=f"arn:aws:iam::{ACCOUNT}:role/pcr-serving")


class Cloud:
    """SageMaker and CloudWatch as moto plays them, and the one call that it lacks."""

    def __init__(self):
        self.sagemaker, self.cloudwatch = boto3.client("sagemaker"), boto3.client("cloudwatch")
        self.held = sagemaker_backends[ACCOUNT][REGION]
        self.updates = []
        self.rolls_back = False
        self.sagemaker.meta.events.register("before-call.sagemaker.UpdateEndpoint", self._update)

    def _update(self, params, **_):
        """After botocore has checked the request's shape; moto's own refusals of what is not there stay."""
        import json

        asked = json.loads(params["body"])
        self.held.describe_endpoint_config(asked["EndpointConfigName"])
        self.updates.append(asked)
        if not self.rolls_back:
            self.held.endpoints[asked["EndpointName"]].endpoint_config_name = asked["EndpointConfigName"]
        return AWSResponse("http://here", 200, {}, None), {"EndpointArn": "arn:aws:sagemaker:us-east-2:1:endpoint/x"}

    def deploy(self, version="1", chosen=CHOSEN):
        return endpoint.deploy(self.sagemaker, self.cloudwatch, PACKAGE + version, chosen)

    def left(self):
        """All that costs money, or clutters."""
        alarms = [alarm["AlarmName"] for alarm in self.cloudwatch.describe_alarms()["MetricAlarms"]]
        return [*self.held.endpoints, *self.held.endpoint_configs, *self.held._models, *alarms]

    def fail_at(self, call, code, message="no"):
        """Let one call be refused from now on."""
        service = "cloudwatch" if call == "PutMetricAlarm" else "sagemaker"

        def refuse(**_):
            error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
            return AWSResponse("http://here", 400, {}, None), error

        getattr(self, service).meta.events.register_first(f"before-call.{service}.{call}", refuse)
