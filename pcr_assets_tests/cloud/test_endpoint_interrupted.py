"""Who interrupts the making of an endpoint, or loses the network, is left with nothing to pay, or told what is left."""

import io
import os
import signal

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import SageMakerModelBackend

from pcr_assets.cloud import endpoint, registry
from pcr_assets.cloud.clients import CloudError
from pcr_assets.serving.settings import EndpointSettings
from pcr_assets_tests.cloud.endpoint_double import CHOSEN, NAME, PACKAGE


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
