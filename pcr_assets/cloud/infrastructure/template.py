"""The template: bucket, queue, repositories, roles and their policies."""

import json
from typing import Any

from troposphere import GetAtt, Output, Parameter, Ref, Sub, Template, ecr, iam, s3, sqs

from pcr_assets import layout
from pcr_assets.cloud import lifecycle
from pcr_assets.cloud.infrastructure import policies

REPOSITORIES = ("inference", "training")
UNTAGGED_DAYS = 14
MESSAGE_SECONDS = 14 * 86400
"""The longest that a queue keeps what nobody fetches: a sensor that was off for a week loses nothing."""


def template() -> Template:
    """Everything, as CloudFormation reads it. Deleting the stack leaves the bucket and the images."""
    made = Template(Description="Pokemon card recognition: bucket, queue, repositories, roles")
    made.add_parameter(
        Parameter("BucketName", Type="String", Description="Of the store; it must be free in all of AWS")
    )
    made.add_parameter(
        Parameter("Prefix", Type="String", Default="pcr", AllowedPattern="[a-z][a-z0-9-]{1,20}", Description="Of names")
    )
    queue = made.add_resource(_queue())
    allowed = made.add_resource(_from_bucket(queue))
    made.add_resource(_bucket(queue, allowed))
    for name in REPOSITORIES:
        made.add_resource(_repository(name))
    serving = made.add_resource(_role("Serving", "sagemaker.amazonaws.com", policies.reads_pictures_and_models()))
    training = made.add_resource(_role("Training", "sagemaker.amazonaws.com", policies.trains()))
    pipeline = made.add_resource(
        iam.ManagedPolicy(
            "PipelinePolicy",
            ManagedPolicyName=Sub("${Prefix}-pipeline"),
            PolicyDocument=policies.policy(*policies.runs_the_pipeline()),
        )
    )
    for title, value in {
        "Store": Sub("s3://${BucketName}"),
        "QueueUrl": Ref(queue),
        "ServingRole": GetAtt(serving, "Arn"),
        "TrainingRole": GetAtt(training, "Arn"),
        "PipelinePolicyArn": Ref(pipeline),
        "InferenceRepository": GetAtt("InferenceRepository", "RepositoryUri"),
    }.items():
        made.add_output(Output(title, Value=value))
    return made


def _bucket(queue: sqs.Queue, allowed: sqs.QueuePolicy) -> s3.Bucket:
    encrypted = s3.ServerSideEncryptionRule(
        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
    )
    rules = s3.S3Key(Rules=[s3.Rules(Name="prefix", Value=f"{layout.PROJECT}/{layout.RAW}/")])
    told = [
        s3.QueueConfigurations(Event=f"s3:Object{kind}:*", Queue=GetAtt(queue, "Arn"), Filter=s3.Filter(S3Key=rules))
        for kind in ("Created", "Removed")
    ]
    return s3.Bucket(
        "Bucket",
        BucketName=Ref("BucketName"),
        DependsOn=[allowed.title],
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
        BucketEncryption=s3.BucketEncryption(ServerSideEncryptionConfiguration=[encrypted]),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
        ),
        OwnershipControls=s3.OwnershipControls(Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]),
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
        LifecycleConfiguration=s3.LifecycleConfiguration(Rules=[_rule(rule) for rule in lifecycle.wanted()]),
        NotificationConfiguration=s3.NotificationConfiguration(QueueConfigurations=told),
    )


def _rule(rule: Any) -> s3.LifecycleRule:
    """One of the rules that ``pcr_assets.cloud.lifecycle`` sets, in CloudFormation's words."""
    abort = rule.get("AbortIncompleteMultipartUpload")
    steps = [
        s3.LifecycleRuleTransition(StorageClass=step["StorageClass"], TransitionInDays=step["Days"])
        for step in rule.get("Transitions", ())
    ]
    says: dict[str, Any] = {"Prefix": rule["Filter"]["Prefix"], "Transitions": steps}
    if abort:
        says["AbortIncompleteMultipartUpload"] = s3.AbortIncompleteMultipartUpload(**abort)
    return s3.LifecycleRule(Id=rule["ID"], Status=rule["Status"], **{name: said for name, said in says.items() if said})


def _queue() -> sqs.Queue:
    return sqs.Queue(
        "NewCards",
        QueueName=Sub("${Prefix}-new-cards"),
        MessageRetentionPeriod=MESSAGE_SECONDS,
        SqsManagedSseEnabled=True,
    )


def _from_bucket(queue: sqs.Queue) -> sqs.QueuePolicy:
    """Who may write into the queue: the bucket, and nobody else."""
    who = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage"}
    only = {
        "ArnEquals": {"aws:SourceArn": policies.bucket()},
        "StringEquals": {"aws:SourceAccount": Sub("${AWS::AccountId}")},
    }
    statement = {**who, "Resource": GetAtt(queue, "Arn"), "Condition": only}
    return sqs.QueuePolicy("NewCardsPolicy", Queues=[Ref(queue)], PolicyDocument=policies.policy(statement))


def _repository(name: str) -> ecr.Repository:
    """Images are scanned as they come and never changed under their tag.

    Those with a tag stay until a person removes them: packages and endpoints name them, and ECR doesn't know which.
    """
    old = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    }
    expire = {"rules": [{"rulePriority": 1, "selection": old, "action": {"type": "expire"}}]}
    return ecr.Repository(
        f"{name.title()}Repository",
        RepositoryName=Sub(f"${{Prefix}}-{name}"),
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
        ImageTagMutability="IMMUTABLE",
        ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True),
        LifecyclePolicy=ecr.LifecyclePolicy(LifecyclePolicyText=json.dumps(expire)),
    )


def _role(name: str, service: str, statements: list[dict[str, Any]]) -> iam.Role:
    return iam.Role(
        f"{name}Role",
        RoleName=Sub(f"${{Prefix}}-{name.lower()}"),
        AssumeRolePolicyDocument=policies.trusted(service),
        Policies=[iam.Policy(PolicyName="only-this", PolicyDocument=policies.policy(*statements))],
    )
