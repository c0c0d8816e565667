"""Who may do what: a statement for each thing that the code does, on the resources that it does it to.

Four actions have no resource to name, and so are allowed on ``*``: AWS's service authorization reference lists none for
them.
"""

from collections.abc import Sequence
from typing import Any

from troposphere import Sub

from pcr_assets import layout
from pcr_assets.cloud.lifecycle import TRAINING_OUTPUTS
from pcr_assets.project_records.dashboard import EDGE, NAME, RELEASE, TRAINING

WITHOUT_RESOURCE = {
    "ecr:GetAuthorizationToken": "a login to all registries of the account, whose images have policies of their own",
    "cloudwatch:PutMetricData": "narrowed to namespaces: the project's, and SageMaker's own for training jobs",
    "sagemaker:ListEndpointConfigs": "names of configurations; removing them is narrowed to ours",
    "sagemaker:ListTrainingJobs": "names and states of jobs; looking closer and stopping are narrowed to ours",
}
SERVES = (
    *("CreateEndpoint", "DeleteEndpoint", "DescribeEndpoint", "UpdateEndpoint"),
    *("CreateEndpointConfig", "DeleteEndpointConfig", "DescribeEndpointConfig"),
    *("AddTags", "CreateModel", "DeleteModel"),
    *("CreateTransformJob", "DescribeTransformJob", "StopTransformJob"),
)
NAMESPACES = [TRAINING, RELEASE, EDGE]


def statement(actions: Sequence[str], *resources: Any, **condition: Any) -> dict[str, Any]:
    """One permission."""
    held = {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
    return {**held, "Condition": condition} if condition else held


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """Statements as a policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusted(service: str) -> dict[str, Any]:
    """Who may take a role on: one service, for this account alone."""
    same = {"StringEquals": {"aws:SourceAccount": Sub("${AWS::AccountId}")}}
    who = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": same}
    return policy(who)


def in_bucket(path: str = "") -> Sub:
    """Objects of the bucket below a path."""
    return Sub(f"arn:${{AWS::Partition}}:s3:::${{BucketName}}/{path}*")


def bucket() -> Sub:
    """The bucket itself."""
    return Sub("arn:${AWS::Partition}:s3:::${BucketName}")


def arn(service: str, what: str) -> Sub:
    """Something of this account, in this region."""
    return Sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{what}")


def reads_pictures_and_models() -> list[dict[str, Any]]:
    """What serving needs: archive, pictures of a batch, a place for answers, image, log, and to see the alarms that roll back."""
    project = f"{layout.PROJECT}/"
    return [
        statement(["s3:GetObject"], in_bucket(f"{project}{layout.PACKAGES}/"), in_bucket(f"{project}data/raw/")),
        statement(["s3:ListBucket"], bucket()),
        statement(["s3:PutObject"], in_bucket("transforms/")),
        statement(["s3:GetObject"], in_bucket("transforms/")),
        # https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        statement(["cloudwatch:DescribeAlarms"], arn("cloudwatch", f"alarm:{NAME}*")),
        *pulls_images("${Prefix}-inference"),
        *writes_logs(),
    ]


def trains() -> list[dict[str, Any]]:
    """What a training job needs: to read the snapshot and earlier models, and to write checkpoints and outputs."""
    return [
        statement(["s3:GetObject"], in_bucket(f"{layout.PROJECT}/data/"), in_bucket(f"{layout.PROJECT}/models/")),
        statement(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], in_bucket(TRAINING_OUTPUTS)),
        statement(["s3:ListBucket"], bucket()),
        statement(
            ["cloudwatch:PutMetricData"], "*", StringEquals={"cloudwatch:namespace": ["/aws/sagemaker/TrainingJobs"]}
        ),
        *pulls_images("${Prefix}-training"),
        *writes_logs(),
    ]


def pulls_images(repository: str) -> list[dict[str, Any]]:
    """To pull from one repository, after a login."""
    pulls = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    return [
        statement(["ecr:GetAuthorizationToken"], "*"),
        statement(pulls, arn("ecr", f"repository/{repository}")),
    ]


def writes_logs() -> list[dict[str, Any]]:
    """SageMaker's containers write into log groups of its own."""
    groups = arn("logs", "log-group:/aws/sagemaker/*")
    return [
        statement(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], groups
        )
    ]


def runs_the_pipeline() -> list[dict[str, Any]]:
    """What the machine with Dagster needs, or a person who refreshes: the store, the registry, one endpoint, and telling."""
    group = "pokemon-card-recognition-models"
    endpoints = [
        arn("sagemaker", f"{kind}/{NAME}*") for kind in ("endpoint", "endpoint-config", "model", "transform-job")
    ]
    return [
        statement(["s3:ListBucket", "s3:ListBucketMultipartUploads"], bucket()),
        statement(["s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"], bucket()),
        statement(
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"], in_bucket()
        ),
        # What make gc removes, and what Dagster's Pipes tells a training job of its run, when that has ended.
        statement(
            ["s3:DeleteObject"], in_bucket(f"{layout.PROJECT}/"), in_bucket(f"{TRAINING_OUTPUTS}*/pipes/context-")
        ),
        statement(["sqs:DeleteMessage", "sqs:ReceiveMessage"], arn("sqs", "${Prefix}-new-cards")),
        statement(
            ["sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup", "sagemaker:ListModelPackages"],
            arn("sagemaker", f"model-package-group/{group}"),
        ),
        statement(
            ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"],
            arn("sagemaker", f"model-package/{group}/*"),
            arn("sagemaker", f"model-package-group/{group}"),
        ),
        statement([f"sagemaker:{verb}" for verb in SERVES], *endpoints),
        statement(
            [
                "sagemaker:AddTags",
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
            ],
            arn("sagemaker", "training-job/pcr-*"),  # as pcr_assets.compute.sagemaker names them
        ),
        statement(["sagemaker:ListEndpointConfigs", "sagemaker:ListTrainingJobs"], "*"),
        statement(
            ["iam:PassRole"],
            Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}-serving"),
            Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}-training"),
            StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"},
        ),
        statement(["cloudwatch:PutMetricData"], "*", StringEquals={"cloudwatch:namespace": NAMESPACES}),
        statement(
            ["cloudwatch:PutDashboard"],
            Sub(f"arn:${{AWS::Partition}}:cloudwatch::${{AWS::AccountId}}:dashboard/{NAME}"),
        ),
        statement(["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"], arn("cloudwatch", f"alarm:{NAME}*")),
        statement(["logs:GetLogEvents", "logs:DescribeLogStreams"], arn("logs", "log-group:/aws/sagemaker/*")),
    ]
