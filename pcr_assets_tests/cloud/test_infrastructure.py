"""The account's template, offline: it is valid, it can be created, and nobody may do more than the code does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import boto3
import botocore.session
import pytest
from botocore import xform_name

from pcr_assets import layout
from pcr_assets.cloud import lifecycle
from pcr_assets.cloud.endpoint_request import alarms_of
from pcr_assets.cloud.infrastructure import policies
from pcr_assets.cloud.infrastructure.template import template
from pcr_assets.serving.settings import EndpointSettings
from pcr_assets_tests.cloud.rights import ACTIONS

CLOUD = Path(policies.__file__).parents[1]


@pytest.fixture(scope="module")
def made():
    return json.loads(template().to_json())


def documents(made):
    """Every policy of a role, by the resource that holds it."""
    for name, resource in made["Resources"].items():
        held = resource["Properties"]
        if "PolicyDocument" in held:
            yield name, held["PolicyDocument"]
        for each in held.get("Policies", []):
            yield name, each["PolicyDocument"]


def statements(made):
    return [(name, each) for name, document in documents(made) for each in document["Statement"]]


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_cfn_lint_finds_nothing(tmp_path):
    printed = subprocess.run(
        [sys.executable, "-m", "pcr_assets.cloud.infrastructure"], capture_output=True, text=True, check=True
    )
    file = tmp_path / "infrastructure.json"
    file.write_text(printed.stdout)
    lint = [Path(sys.executable).with_name("cfn-lint"), "--regions", "us-east-2", "--template", file]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_no_action_is_a_wildcard_and_no_resource_is_all_but_where_aws_knows_none(made):
    for name, each in statements(made):
        actions = as_list(each["Action"])
        assert not [action for action in actions if "*" in action], name
        if "*" in as_list(each["Resource"]):
            assert set(actions) <= set(policies.WITHOUT_RESOURCE), name


def test_roles_are_taken_on_by_one_service_for_this_account_alone(made):
    roles = [each["Properties"] for each in made["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 2
    for role in roles:
        (who,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert who["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        assert "aws:SourceAccount" in who["Condition"]["StringEquals"]


def test_only_sagemaker_may_be_given_our_roles(made):
    (passing,) = [each for _, each in statements(made) if each["Action"] == ["iam:PassRole"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert len(passing["Resource"]) == 2


def test_whatever_the_code_says_that_it_needs_is_allowed(made):
    """The sentences about refusals name the right that lacks: what they name must be in the policy."""
    asked = {
        right
        for file in CLOUD.glob("*.py")
        for right in re.findall(r"\b((?:sagemaker|cloudwatch|s3|iam|sqs):[A-Z]\w+)", file.read_text())
    }
    allowed = {action for name, each in statements(made) if name == "PipelinePolicy" for action in each["Action"]}
    assert len(asked) > 15
    assert asked <= allowed


def test_whoever_runs_the_pipeline_may_do_what_the_code_does_and_no_more(made):
    """Tags and the role are given along with requests; all else is a request that stands in the code."""
    called = set()
    for service in ("cloudwatch", "logs", "s3", "sagemaker", "sqs"):
        for name in botocore.session.get_session().get_service_model(service).operation_names:
            if "_" in (method := xform_name(name)) and re.search(rf'[."]{method}[(",]', code()):
                called.add(f"{service}:{ACTIONS.get(name, name)}")
    allowed = {action for name, each in statements(made) if name == "PipelinePolicy" for action in each["Action"]}
    assert allowed - called == {"iam:PassRole", "sagemaker:AddTags"}
    assert called - allowed == set()


def code():
    """What speaks to AWS: the rooms that do."""
    rooms = ("automation", "cloud", "compute", "resources")
    return "".join(file.read_text() for room in rooms for file in sorted((CLOUD.parent / room).rglob("*.py")))


def test_sagemaker_may_see_the_alarms_that_it_rolls_back_by(made):
    (seeing,) = [each for name, each in statements(made) if "cloudwatch:DescribeAlarms" in each["Action"]]
    assert [name for name, each in statements(made) if each is seeing] == ["ServingRole"]
    (place,) = seeing["Resource"]
    assert all(
        alarm["AlarmName"].startswith(place["Fn::Sub"].rpartition(":")[2][:-1])
        for alarm in alarms_of(EndpointSettings())
    )


def test_the_bucket_is_private_kept_and_has_the_rules_that_the_command_sets(made):
    bucket = made["Resources"]["Bucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    rules = {rule["Id"]: rule for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert {name: rule.get("Prefix", "") for name, rule in rules.items()} == {
        rule["ID"]: rule["Filter"]["Prefix"] for rule in lifecycle.wanted()
    }
    assert rules["ArchiveOldTrainingOutputs"]["Transitions"] == [{"StorageClass": "GLACIER", "TransitionInDays": 90}]


def test_no_image_that_a_package_or_an_endpoint_may_name_expires(made):
    repositories = [each["Properties"] for each in made["Resources"].values() if each["Type"] == "AWS::ECR::Repository"]
    assert len(repositories) == 2
    for each in repositories:
        rules = json.loads(each["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
        assert {rule["selection"]["tagStatus"] for rule in rules} == {"untagged"}


def test_new_cards_reach_the_queue_and_only_the_bucket_writes_into_it(made):
    told = made["Resources"]["Bucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    assert {each["Event"] for each in told} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
    for each in told:
        (rule,) = each["Filter"]["S3Key"]["Rules"]
        assert rule == {"Name": "prefix", "Value": f"{layout.PROJECT}/{layout.RAW}/"}
    ((_, writes),) = [found for found in statements(made) if found[0] == "NewCardsPolicy"]
    assert writes["Principal"] == {"Service": "s3.amazonaws.com"}
    assert set(writes["Condition"]) == {"ArnEquals", "StringEquals"}
    assert made["Resources"]["Bucket"]["DependsOn"] == ["NewCardsPolicy"], (
        "S3 asks the queue before it takes the bucket"
    )


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..SQS..QueuePolicy")
def test_the_stack_can_be_created(made, aws):
    """On moto, which knows no policies of queues."""
    asked = [{"ParameterKey": "BucketName", "ParameterValue": "cards-of-mine"}]
    stacks = boto3.client("cloudformation")
    stacks.create_stack(
        StackName="pcr", TemplateBody=json.dumps(made), Parameters=asked, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    (stack,) = stacks.describe_stacks(StackName="pcr")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs["ServingRole"].endswith(":role/pcr-serving")
    assert outputs["Store"] == "s3://cards-of-mine"
