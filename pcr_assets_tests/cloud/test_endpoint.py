"""The endpoint's life on moto, which creates at once and never fails: failures, updates and rollbacks are put into it."""

import io
import os
import signal

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends

from pcr_assets.cloud import endpoint, registry
from pcr_assets.cloud.clients import CloudError
from pcr_assets.serving.settings import EndpointSettings, ServingSettings

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


def creating(monkeypatch, looks):
    """An endpoint is being created for so many looks, and can't be deleted in that time; gives what was asked of it then."""
    asked = []
    create, delete = SageMakerModelBackend.create_endpoint, SageMakerModelBackend.delete_endpoint
    describe = SageMakerModelBackend.describe_endpoint

    def begun(*args, **options):
        made = create(*args, **options)
        made.endpoint_status = "Creating"
        return made

    def looked_at(backend, name):
        found = describe(backend, name)
        asked.append(found["EndpointStatus"])
        if len(asked) >= looks:
            backend.endpoints[name].endpoint_status = "InService"
        return found

    def deleted(backend, name):
        if backend.endpoints[name].endpoint_status == "Creating":
            raise AWSValidationException("Cannot update in-progress endpoint")
        delete(backend, name)

    for name, does in (("create_endpoint", begun), ("describe_endpoint", looked_at), ("delete_endpoint", deleted)):
        monkeypatch.setattr(SageMakerModelBackend, name, does)
    return asked


@pytest.fixture
def cloud(aws, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Cloud()


def test_an_endpoint_is_created_once_with_its_alarms_and_deleted_with_all_that_is_its_own(cloud):
    made = cloud.deploy()
    assert (made.what, made.package) == ("created", f"{PACKAGE}1")
    config = cloud.sagemaker.describe_endpoint_config(EndpointConfigName=made.config)
    (variant,) = config["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c5.xlarge", 1)
    model = cloud.sagemaker.describe_model(ModelName=variant["ModelName"])
    assert model["Containers"] == [{"ModelPackageName": f"{PACKAGE}1"}]
    assert len(cloud.left()) == 5, "endpoint, configuration, model, two alarms"
    assert cloud.deploy().what == "unchanged"
    assert endpoint.delete(cloud.sagemaker, cloud.cloudwatch, CHOSEN.endpoint)[0] == NAME
    assert cloud.left() == []
    assert endpoint.delete(cloud.sagemaker, cloud.cloudwatch, CHOSEN.endpoint) == []


def test_another_model_takes_over_beside_the_old_one_and_the_old_one_goes(cloud):
    first, second = cloud.deploy("1"), cloud.deploy("2")
    assert second.what == "updated"
    (update,) = cloud.updates
    policy = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE", "with one machine there is no share of them"
    alarms = update["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    there = {alarm["AlarmName"] for alarm in cloud.cloudwatch.describe_alarms()["MetricAlarms"]}
    assert {alarm["AlarmName"] for alarm in alarms} == there
    assert first.config not in cloud.left()
    assert len(cloud.left()) == 5


def test_several_machines_get_traffic_in_two_steps():
    asked = EndpointSettings(instances=4, canary_percent=25)
    routing = endpoint.deployment(asked, ["a"])["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (routing["Type"], routing["CanarySize"]) == ("CANARY", {"Type": "CAPACITY_PERCENT", "Value": 25})


def test_a_rollback_leaves_the_old_model_and_removes_the_new_one(cloud):
    first = cloud.deploy("1")
    before = sorted(cloud.left())
    cloud.rolls_back = True
    with pytest.raises(CloudError, match=f"was rolled back to {first.config}, which serves on"):
        cloud.deploy("2")
    assert sorted(cloud.left()) == before


def test_an_endpoint_that_fails_to_start_is_removed_with_its_configuration_and_model(cloud, monkeypatch):
    create = SageMakerModelBackend.create_endpoint

    def failing(*args, **options):
        made = create(*args, **options)
        made.endpoint_status = "Failed"
        made.failure_reason = "The primary container did not pass the ping health check."
        return made

    monkeypatch.setattr(SageMakerModelBackend, "create_endpoint", failing)
    with pytest.raises(CloudError, match="is Failed: The primary container did not pass the ping health check"):
        cloud.deploy()
    assert cloud.left() == []


@pytest.mark.parametrize("call", ["CreateModel", "CreateEndpointConfig", "PutMetricAlarm", "CreateEndpoint"])
def test_a_refusal_at_any_step_leaves_nothing_of_this_call(cloud, call):
    cloud.fail_at(call, "AccessDeniedException")
    with pytest.raises(CloudError, match=f"add .*{call}"):
        cloud.deploy()
    assert cloud.left() == []


def test_a_refused_update_leaves_the_endpoint_as_it_was(cloud):
    cloud.deploy("1")
    before = sorted(cloud.left())
    cloud.fail_at("UpdateEndpoint", "ThrottlingException")
    with pytest.raises(CloudError, match="the service is busy"):
        cloud.deploy("2")
    assert sorted(cloud.left()) == before


def test_no_capacity_says_what_to_choose(cloud):
    cloud.fail_at("CreateEndpoint", "ResourceLimitExceeded", "The account-level service limit is 0 Instances")
    with pytest.raises(CloudError, match=r"limit is 0 Instances .* choose another instance or region, or ask for more"):
        cloud.deploy()
    assert cloud.left() == []


def test_who_interrupts_the_waiting_is_left_with_nothing_to_pay(cloud, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(endpoint, "_in_service", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cloud.deploy()
    assert cloud.left() == []


def test_who_interrupts_an_endpoint_in_the_making_waits_until_it_can_be_deleted(cloud, monkeypatch, capsys):
    looks = creating(monkeypatch, 6)

    def interrupt(_):
        monkeypatch.setattr("time.sleep", lambda _: None)
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cloud.deploy()
    assert looks.count("Creating") == 6
    assert "it can be deleted when that is over" in capsys.readouterr().err
    assert cloud.left() == []


def test_who_can_not_wait_is_told_what_is_left_and_what_an_endpoint_in_the_making_needs_stays(cloud, monkeypatch):
    creating(monkeypatch, 1000)

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(
        CloudError, match=f"^KeyboardInterrupt; and this is left, .*: endpoint {NAME}, alarms .*, model"
    ):
        cloud.deploy()
    assert len(cloud.left()) == 5


def test_an_endpoint_whose_making_was_not_answered_is_removed_all_the_same(cloud):
    def lose(**_):
        raise ReadTimeoutError(endpoint_url="https://api.sagemaker")

    cloud.sagemaker.meta.events.register("after-call.sagemaker.CreateEndpoint", lose)
    with pytest.raises(CloudError, match="could not create endpoint"):
        cloud.deploy()
    assert cloud.left() == []


def test_an_endpoint_that_a_second_try_finds_made_by_the_first_is_waited_for(cloud, monkeypatch):
    create = SageMakerModelBackend.create_endpoint

    def asked_twice(*args, **options):
        create(*args, **options)
        raise AWSValidationException("Cannot create already existing endpoint")

    monkeypatch.setattr(SageMakerModelBackend, "create_endpoint", asked_twice)
    assert cloud.deploy().what == "created"
    assert len(cloud.left()) == 5


def test_an_update_that_was_taken_without_an_answer_keeps_what_it_needs(cloud):
    cloud.deploy("1")
    moves = cloud._update

    def unanswered(params, **_):
        moves(params)
        cloud.held.endpoints[NAME].endpoint_status = "Updating"
        raise ReadTimeoutError(endpoint_url="https://api.sagemaker")

    cloud.sagemaker.meta.events.register_first("before-call.sagemaker.UpdateEndpoint", unanswered)
    with pytest.raises(CloudError, match="could not update the endpoint"):
        cloud.deploy("2")
    assert cloud.updates[0]["EndpointConfigName"] in cloud.left()


def test_a_network_that_is_away_for_a_while_ends_no_deployment(cloud, monkeypatch):
    creating(monkeypatch, 3)
    away = [kind(endpoint_url="https://api.sagemaker") for kind in (EndpointConnectionError, ConnectTimeoutError)]
    made = []
    cloud.sagemaker.meta.events.register("after-call.sagemaker.CreateEndpoint", lambda **_: made.append(True))

    def lost(**_):
        if made and away:
            raise away.pop()

    cloud.sagemaker.meta.events.register_first("before-call.sagemaker.DescribeEndpoint", lost)
    assert cloud.deploy().what == "created"
    assert away == []


def test_other_limits_of_the_alarms_are_set_though_the_model_stays(cloud):
    cloud.deploy()
    asked = EndpointSettings(most_ms=200)
    assert cloud.deploy(chosen=CHOSEN.model_copy(update={"endpoint": asked})).what == "unchanged"
    (slow,) = cloud.cloudwatch.describe_alarms(AlarmNames=[f"{NAME}-slow"])["MetricAlarms"]
    assert slow["Threshold"] == 200_000


def test_an_update_that_somebody_interrupts_keeps_what_it_needs(cloud, monkeypatch, capsys):
    first = cloud.deploy("1")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(endpoint, "_in_service", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cloud.deploy("2")
    assert {first.config, cloud.updates[0]["EndpointConfigName"]} <= set(cloud.left())
    assert f"goes on at SageMaker: `status` says when it is over; {first.config} stays" in capsys.readouterr().err


def test_deleting_removes_what_an_interrupted_update_left_and_nothing_of_others(cloud, monkeypatch):
    other = CHOSEN.model_copy(update={"endpoint": EndpointSettings(name=f"{NAME}-2")})
    cloud.deploy(chosen=other)
    others = set(cloud.left())
    cloud.deploy("1")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(endpoint, "_in_service", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        cloud.deploy("2")
    assert cloud.deploy("2").what == "unchanged"
    endpoint.delete(cloud.sagemaker, cloud.cloudwatch, CHOSEN.endpoint)
    assert set(cloud.left()) == others


def test_of_a_name_that_fills_the_others_only_what_is_served_is_removed(cloud):
    names = [f"{'n' * 50}{letter}" for letter in "ab"]
    first, second = (CHOSEN.model_copy(update={"endpoint": EndpointSettings(name=name)}) for name in names)
    cloud.deploy(chosen=first)
    kept = set(cloud.left())
    cloud.deploy(chosen=second)
    endpoint.delete(cloud.sagemaker, cloud.cloudwatch, second.endpoint)
    assert set(cloud.left()) == kept


@pytest.mark.usefixtures("listening_to_no_signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_told_to_end_leaves_nothing_to_pay(cloud, number, monkeypatch, capsys):
    """Ctrl-C, ``docker stop``, and a terminal that is closed: nobody reads what is said after that."""
    creating(monkeypatch, 6)
    closed = io.TextIOWrapper(io.FileIO(os.open(os.devnull, os.O_RDONLY)), write_through=True)

    def told_to_end(_):
        monkeypatch.setattr("time.sleep", lambda _: None)
        if number == signal.SIGHUP:
            monkeypatch.setattr("sys.stderr", closed)
        os.kill(os.getpid(), number)

    monkeypatch.setattr("time.sleep", told_to_end)
    approved = registry.Registered(f"{PACKAGE}1", registry.APPROVED, "", "")
    monkeypatch.setattr(endpoint.registry, "to_serve", lambda *_: ("efficientnet-student-stage2:v1.0", approved))
    monkeypatch.setattr(endpoint, "serving_settings", lambda _: CHOSEN)
    assert endpoint.main(["deploy", "--store", "."]) == 130
    assert cloud.left() == []
    if number != signal.SIGHUP:
        assert "stopped: what this command made is removed again" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_what_can_not_be_removed_is_named(cloud, monkeypatch):
    cloud.fail_at("CreateEndpoint", "ResourceLimitExceeded")
    cloud.fail_at("DeleteModel", "AccessDeniedException")
    with pytest.raises(CloudError, match=r"and this is left, and may cost money: .*AccessDenied"):
        cloud.deploy()


def test_an_endpoint_that_moves_or_has_failed_is_not_touched(cloud):
    cloud.deploy("1")
    for status, said in (("Updating", "wait until that is over"), ("Failed", "endpoint delete`, then deploy again")):
        cloud.held.endpoints[NAME].endpoint_status = status
        with pytest.raises(CloudError, match=said):
            cloud.deploy("2")


def test_a_mistake_in_the_profile_is_not_blamed_on_the_network(cloud):
    with pytest.raises(
        CloudError, match=r"^could not create model \(.*ExecutionRoleArn.*\): mend that in the profile[^\n]*$"
    ):
        cloud.deploy(chosen=ServingSettings(role="pcr-serving"))
    assert cloud.left() == []


def test_without_a_role_nothing_is_asked_of_aws(cloud):
    with pytest.raises(CloudError, match=r"serving\.role is empty"):
        cloud.deploy(chosen=ServingSettings())
