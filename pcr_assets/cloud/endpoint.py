"""``python -m pcr_assets.cloud.endpoint deploy|status|delete``: one endpoint, from nothing to nothing.

A new model takes over beside the old one (blue/green): its machines start, an alarm watches while traffic moves, and SageMaker
goes back by itself where the alarm goes off. What a call that failed has made, it removes: machines cost money by the hour.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from pcr_assets import layout, settings
from pcr_assets.cloud import clients, registry
from pcr_assets.cloud.clients import CloudError, create_unless_there, if_there, remove_if_there, told
from pcr_assets.cloud.endpoint_request import LONGEST_IN_NAMES, alarms_of, deployment, model, name_of, tags, variant
from pcr_assets.cloud.patience import until
from pcr_assets.cloud.undoing import Undo, tell, undone
from pcr_assets.command_options import BUCKET, INTERRUPTED, add_profile, add_store, purpose
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets.serving.settings import EndpointSettings, ServingSettings, serving_settings
from pcr_assets.settings import SettingsError

RIGHTS = {
    "create_model": "sagemaker:CreateModel, and iam:PassRole for serving.role",
    "create_endpoint_config": "sagemaker:CreateEndpointConfig",
    "create_endpoint": "sagemaker:CreateEndpoint",
    "update_endpoint": "sagemaker:UpdateEndpoint",
}
RESTING = {"InService", "Failed", "OutOfService", "UpdateRollbackFailed"}
"""What an endpoint is when nothing moves any more."""
DELETABLE = RESTING | {"Deleting"}
STOPPED = {
    "deploy": "stopped: what this command made is removed again, but for what is named above",
    "delete": "stopped: what is still there costs money, so run it again",
    "status": "stopped",
}
LOOKS = 6
"""So often an endpoint that was told to change is found as before until it counts as rolled back: news takes a while."""


CURE = "`python -m pcr_assets.cloud.endpoint delete`, then deploy again"


class Stuck(CloudError):
    """The endpoint serves nothing and does not move: only deleting it helps."""


class RolledBack(CloudError):
    """An alarm went off while traffic moved, and the old model serves on."""


@dataclass(frozen=True)
class Outcome:
    """What a deployment did: ``created``, ``updated``, or ``unchanged`` where the model was in service already."""

    what: str
    endpoint: str
    config: str
    package: str

    def __str__(self) -> str:
        return f"{self.endpoint} {self.what}: {self.package} is in service"


def deploy(sagemaker: Any, cloudwatch: Any, package: str, chosen: ServingSettings) -> Outcome:
    """Bring a model package (its ARN) into service, and wait until it is. Raises CloudError; then what it made is gone."""
    if not chosen.role:
        raise CloudError("serving.role is empty: name the role that SageMaker takes on (docs/deployment.md)")
    asked = chosen.endpoint
    name = name_of(package, chosen)
    before = describe(sagemaker, asked.name)
    if before and before["EndpointStatus"] not in RESTING:
        raise CloudError(f"{asked.name} is {before['EndpointStatus']}: wait until that is over, then run again")
    if before and before["EndpointStatus"] != "InService":
        raise CloudError(
            f"{asked.name} is {before['EndpointStatus']} ({before.get('FailureReason', 'it does not say why')}): {CURE}"
        )
    if before and before["EndpointConfigName"] == name:
        _put_alarms(cloudwatch, asked)  # their limits are no part of what is served
        return Outcome("unchanged", asked.name, name, package)
    with undone() as undo:
        _prepare(sagemaker, package, name, chosen, undo)
        if before is None:
            _create(sagemaker, cloudwatch, name, asked, undo)
            return Outcome("created", asked.name, name, package)
        _put_alarms(cloudwatch, asked)
        _update(sagemaker, name, asked, before["EndpointConfigName"], undo)
    _retire(sagemaker, before["EndpointConfigName"])
    return Outcome("updated", asked.name, name, package)


def _prepare(sagemaker: Any, package: str, name: str, chosen: ServingSettings, undo: Undo) -> None:
    """Make the model and the configuration, where an earlier call didn't."""
    asked = chosen.endpoint
    if _made(sagemaker, "create_model", ModelName=name, **model(package, chosen)):
        undo.append((f"model {name}", lambda: remove_if_there(sagemaker.delete_model, ModelName=name)))
    config = {"EndpointConfigName": name, "ProductionVariants": [variant(name, asked)], "Tags": tags(asked)}
    if _made(sagemaker, "create_endpoint_config", **config):
        remove = partial(remove_if_there, sagemaker.delete_endpoint_config, EndpointConfigName=name)
        undo.append((f"endpoint configuration {name}", remove))


def _create(sagemaker: Any, cloudwatch: Any, name: str, asked: EndpointSettings, undo: Undo) -> None:
    undo.append((f"alarms of {asked.name}", lambda: _remove_alarms(cloudwatch, asked)))
    _put_alarms(cloudwatch, asked)
    # Noted before it is made: a request whose answer is lost may have made it all the same.
    undo.append((f"endpoint {asked.name}", lambda: _removed(sagemaker, asked, name)))
    _made(sagemaker, "create_endpoint", EndpointName=asked.name, EndpointConfigName=name, Tags=tags(asked))
    _in_service(sagemaker, asked, name)


def _update(sagemaker: Any, name: str, asked: EndpointSettings, old: str, undo: Undo) -> None:
    alarms = [alarm["AlarmName"] for alarm in alarms_of(asked)]
    taken = False
    try:
        with told(f"update the endpoint {asked.name}", RIGHTS["update_endpoint"]):
            sagemaker.update_endpoint(
                EndpointName=asked.name, EndpointConfigName=name, DeploymentConfig=deployment(asked, alarms)
            )
        taken = True
        _in_service(sagemaker, asked, name)
    except RolledBack:
        raise
    except Stuck as error:
        undo.clear()  # it may hold on to what was made for it
        raise Stuck(f"{error}: {CURE}") from error
    except BaseException:
        if taken or not _rests_on(sagemaker, asked.name, old):
            undo.clear()  # the update goes on at SageMaker, and needs what was made for it
            tell(
                f"the update of {asked.name} goes on at SageMaker: `status` says when it is over; {old} stays until `delete`"
            )
        raise


def delete(sagemaker: Any, cloudwatch: Any, asked: EndpointSettings) -> list[str]:
    """Remove the endpoint, its configurations, models and alarms; gives what was there. Raises CloudError."""
    found = _removed(sagemaker, asked)
    configs = {found["EndpointConfigName"]} if found else set()
    retired = [_retire(sagemaker, config) for config in sorted(configs | _configs_of(sagemaker, asked))]
    _remove_alarms(cloudwatch, asked)
    return [*([asked.name] if found else []), *chain.from_iterable(retired)]


def _configs_of(sagemaker: Any, asked: EndpointSettings) -> set[str]:
    """The configurations that were made for an endpoint: updates that were interrupted have left some."""
    if len(asked.name) > LONGEST_IN_NAMES:
        return set()  # another endpoint's may begin with the same letters
    with told(f"list the configurations of {asked.name}", "sagemaker:ListEndpointConfigs"):
        pages = sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=asked.name)
        names = [each["EndpointConfigName"] for page in pages for each in page["EndpointConfigs"]]
    return {name for name in names if re.fullmatch(rf"{asked.name}-[0-9a-f]{{16}}", name)}


def describe(sagemaker: Any, name: str) -> dict[str, Any] | None:
    """The endpoint as SageMaker describes it; None where there is none. Raises CloudError."""
    with told(*_looking_at(name)):
        return if_there(sagemaker.describe_endpoint, EndpointName=name)


def _looking_at(name: str) -> tuple[str, str]:
    return f"look at the endpoint {name}", "sagemaker:DescribeEndpoint"


def _put_alarms(cloudwatch: Any, asked: EndpointSettings) -> None:
    for alarm in alarms_of(asked):
        with told(f"put the alarm {alarm['AlarmName']}", "cloudwatch:PutMetricAlarm"):
            cloudwatch.put_metric_alarm(**alarm)


def _remove_alarms(cloudwatch: Any, asked: EndpointSettings) -> None:
    with told("remove the alarms", "cloudwatch:DeleteAlarms"):
        remove_if_there(cloudwatch.delete_alarms, AlarmNames=[alarm["AlarmName"] for alarm in alarms_of(asked)])


def _made(sagemaker: Any, call: str, **request: Any) -> bool:
    """Create something. False where an earlier call left it."""
    with told(call.replace("_", " "), RIGHTS[call]):
        return create_unless_there(getattr(sagemaker, call), **request)


def _rests_on(sagemaker: Any, name: str, config: str) -> bool:
    """Whether an endpoint is seen to serve a configuration and to do nothing else."""
    try:
        found = describe(sagemaker, name)
    except CloudError:
        return False
    return found is not None and found["EndpointStatus"] in RESTING and found["EndpointConfigName"] == config


def _in_service(sagemaker: Any, asked: EndpointSettings, config: str) -> None:
    """Wait until the endpoint rests. Raises CloudError with SageMaker's reason when it serves another configuration then."""

    looks: list[str] = []

    def resting() -> dict[str, Any] | None:
        found = if_there(sagemaker.describe_endpoint, EndpointName=asked.name)
        if found is None or found["EndpointStatus"] not in RESTING:
            looks.append("moving")
            return None
        looks.append("resting")
        stood_still = "moving" not in looks and len(looks) < LOOKS
        return None if found["EndpointConfigName"] != config and stood_still else found

    with told(*_looking_at(asked.name)):
        found = until(resting, asked.name, asked.patience_minutes * 60)
    why = found.get("FailureReason") or "an alarm went off while traffic moved"
    if found["EndpointStatus"] != "InService":
        raise Stuck(f"{asked.name} is {found['EndpointStatus']}: {why}")
    if found["EndpointConfigName"] != config:
        raise RolledBack(f"{asked.name} was rolled back to {found['EndpointConfigName']}, which serves on: {why}")


def _removed(sagemaker: Any, asked: EndpointSettings, config: str = "") -> dict[str, Any] | None:
    """Delete the endpoint; gives what it was, None where there was none. Raises CloudError.

    SageMaker deletes none that is being created or updated: the end of that is waited for. With ``config`` an endpoint is
    only deleted where that is what it serves: another is somebody else's.
    """
    look = partial(if_there, sagemaker.describe_endpoint, EndpointName=asked.name)

    def at_rest() -> tuple[dict[str, Any] | None] | None:
        found = look()
        return None if found and found["EndpointStatus"] not in DELETABLE else (found,)

    with told(f"delete the endpoint {asked.name}", "sagemaker:DeleteEndpoint"):
        if not at_rest():
            tell(f"{asked.name} is being made or changed: it can be deleted when that is over")
        (found,) = until(at_rest, asked.name, asked.patience_minutes * 60)
        if found is None or (config and found["EndpointConfigName"] != config):
            return None
        if found["EndpointStatus"] != "Deleting":
            remove_if_there(sagemaker.delete_endpoint, EndpointName=asked.name)
        until(lambda: None if look() else True, f"deleting {asked.name}", 600)
    return found


def _retire(sagemaker: Any, config: str) -> list[str]:
    """Remove a configuration and the models that it names; gives their names."""
    with told(f"remove {config}", "sagemaker:DeleteEndpointConfig and sagemaker:DeleteModel"):
        held = if_there(sagemaker.describe_endpoint_config, EndpointConfigName=config)
        if held is None:
            return []
        remove_if_there(sagemaker.delete_endpoint_config, EndpointConfigName=config)
        models = [variant["ModelName"] for variant in held["ProductionVariants"]]
        for model in models:
            remove_if_there(sagemaker.delete_model, ModelName=model)
    return [config, *models]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit code: 0 done, 1 AWS or the store refused, 3 (``status``) there is no endpoint, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m pcr_assets.cloud.endpoint", description=purpose(__doc__))
    parser.add_argument(
        "command",
        choices=["deploy", "status", "delete"],
        help="create it, or move it to the newest approved version; say whether it is there; remove it and all that it needed",
    )
    add_store(parser, BUCKET)
    add_profile(parser)
    given = parser.parse_args(argv)
    try:
        chosen = serving_settings(settings.load(given.profile))
        sagemaker = clients.client("sagemaker")
        if given.command == "status":
            found = describe(sagemaker, chosen.endpoint.name)
            print(f"{chosen.endpoint.name}: {found['EndpointStatus'] if found else 'there is none'}")
            return 0 if found else 3
        cloudwatch = clients.client("cloudwatch")
        if given.command == "delete":
            removed = delete(sagemaker, cloudwatch, chosen.endpoint)
            print("\n".join(f"removed  {name}" for name in removed) or f"{chosen.endpoint.name}: there is none")
            return 0
        artifacts = Artifacts(open_store(f"{given.store}/{layout.PROJECT}"))
        _, entry = registry.to_serve(sagemaker, artifacts, chosen.endpoint.model)
        print(deploy(sagemaker, cloudwatch, entry.arn, chosen))
    except (CloudError, StoreError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        tell(STOPPED[given.command])
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
