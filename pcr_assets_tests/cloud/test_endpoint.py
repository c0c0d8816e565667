"""The endpoint's life: created with its alarms, updated, rolled back, deleted; what is refused leaves nothing behind."""

import pytest
from moto.sagemaker.models import SageMakerModelBackend

from pcr_assets.cloud import endpoint
from pcr_assets.cloud.clients import CloudError
from pcr_assets.serving.settings import EndpointSettings, ServingSettings
from pcr_assets_tests.cloud.endpoint_double import CHOSEN, NAME, PACKAGE


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


def test_an_update_that_ends_badly_names_the_cure_and_is_not_said_to_go_on(cloud, capsys):
    first = cloud.deploy("1")
    moves = cloud._update

    def ends_badly(params, **_):
        answer = moves(params)
        cloud.held.endpoints[NAME].endpoint_status = "UpdateRollbackFailed"
        return answer

    cloud.sagemaker.meta.events.register_first("before-call.sagemaker.UpdateEndpoint", ends_badly)
    with pytest.raises(CloudError, match=r"is UpdateRollbackFailed: .*: `.*endpoint delete`, then deploy again$"):
        cloud.deploy("2")
    assert {first.config, cloud.updates[0]["EndpointConfigName"]} <= set(cloud.left())
    assert "goes on" not in capsys.readouterr().err


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


def test_other_limits_of_the_alarms_are_set_though_the_model_stays(cloud):
    cloud.deploy()
    asked = EndpointSettings(most_ms=200)
    assert cloud.deploy(chosen=CHOSEN.model_copy(update={"endpoint": asked})).what == "unchanged"
    (slow,) = cloud.cloudwatch.describe_alarms(AlarmNames=[f"{NAME}-slow"])["MetricAlarms"]
    assert slow["Threshold"] == 200_000


def test_of_a_name_that_fills_the_others_only_what_is_served_is_removed(cloud):
    names = [f"{'n' * 50}{letter}" for letter in "ab"]
    first, second = (CHOSEN.model_copy(update={"endpoint": EndpointSettings(name=name)}) for name in names)
    cloud.deploy(chosen=first)
    kept = set(cloud.left())
    cloud.deploy(chosen=second)
    endpoint.delete(cloud.sagemaker, cloud.cloudwatch, second.endpoint)
    assert set(cloud.left()) == kept


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
