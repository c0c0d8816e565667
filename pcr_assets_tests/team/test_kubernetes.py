"""What is known of docker/kubernetes/ and docker/ray-aws.yaml without a cluster: they fit what reads them, and hold no key."""

import json
import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext

from pcr_assets.resources import engines
from pcr_assets_tests.team.compose import DOCKER

VALUES = yaml.safe_load((DOCKER / "kubernetes/values.yaml").read_text())
RAY = yaml.safe_load((DOCKER / "kubernetes/ray-cluster.yaml").read_text())["spec"]
CODE = VALUES["dagster-user-deployments"]["deployments"][0]
INSTANCE = yaml.safe_load((DOCKER.parent / "dagster.yaml").read_text())
GROUPS = [RAY["headGroupSpec"], *RAY["workerGroupSpecs"]]


def snake(settings):
    """Names as the launcher has them, of names as the chart has them: ``runK8sConfig`` is ``run_k8s_config``."""
    return {re.sub(r"(?<=[a-z8])(?=[A-Z])", "_", name).lower(): settings[name] for name in settings}


def test_the_run_launcher_takes_what_the_values_say():
    given = snake(VALUES["runLauncher"]["config"]["k8sRunLauncher"])
    given["run_k8s_config"] = snake(given["run_k8s_config"])
    by_the_chart = {"instance_config_map": "pcr", "service_account_name": "pcr", "dagster_home": "/opt/dagster"}
    found = process_config(resolve_to_config_type(K8sRunLauncher.config_type()), {**given, **by_the_chart})
    assert found.success, found.errors


def test_a_run_has_the_memory_that_the_launcher_gives_and_all_that_the_code_has():
    """The chart hands what the code's pod has to its runs, where it wins: a run had that pod's 2 GB in place of 16."""
    handed_on = {name: CODE[name] for name in ("env", "volumes", "volumeMounts", "resources") if name in CODE}
    secrets = {"env_secrets": [secret["name"] for secret in CODE["envSecrets"]]}
    launcher = K8sContainerContext(resources=VALUES["runLauncher"]["config"]["k8sRunLauncher"]["resources"])
    run = launcher.merge(
        K8sContainerContext.create_from_config({"k8s": {**snake(handed_on), **secrets}})
    ).run_k8s_config
    assert run.container_config["resources"]["limits"] == {"memory": "16Gi"}
    assert run.container_config["resources"]["requests"] == {"cpu": "4", "memory": "8Gi"}
    assert {"PCR_STORE", "PCR_KEYS", "RAY_AUTH_TOKEN"} <= {entry["name"] for entry in run.container_config["env"]}


def test_one_refresh_of_a_store_runs_at_a_time_there_too():
    queue = VALUES["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    ours = INSTANCE["run_queue"]
    assert queue == {
        "maxConcurrentRuns": ours["max_concurrent_runs"],
        "tagConcurrencyLimits": ours["tag_concurrency_limits"],
    }


def test_no_file_holds_a_key():
    given = [*CODE["env"], *(entry for group in GROUPS for entry in group["template"]["spec"]["containers"][0]["env"])]
    secret = [entry for entry in given if re.search("PASSWORD|SECRET|TOKEN|ACCESS", entry["name"])]
    assert secret
    assert all("value" not in entry and "secretKeyRef" in entry["valueFrom"] for entry in secret)
    assert not VALUES["generatePostgresqlPasswordSecret"]
    assert "postgresqlPassword" not in VALUES["postgresql"]


def test_nothing_is_reached_from_outside_the_cluster():
    assert VALUES["dagsterWebserver"]["service"]["type"] == RAY["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert "ingress" not in VALUES
    assert RAY["authOptions"] == {"mode": "token"}


def test_runs_and_nodes_are_one_image_with_the_ray_that_is_pinned():
    image = f"{CODE['image']['repository']}:{CODE['image']['tag']}"
    assert {group["template"]["spec"]["containers"][0]["image"] for group in GROUPS} == {image}
    assert VALUES["dagsterWebserver"]["image"] == VALUES["dagsterDaemon"]["image"] == CODE["image"]
    assert f"ray[default,client]=={RAY['rayVersion']}" in (DOCKER.parent / "setup.py").read_text()
    assert "[team,cluster]" in (DOCKER / "pipeline.Dockerfile").read_text()


def test_runs_name_an_engine_that_there_is_and_the_cluster_beside_them():
    env = {entry["name"]: entry.get("value") for entry in CODE["env"]}
    assert engines.engine_name(env[engines.VARIABLE]) == "ray"
    assert env["RAY_ADDRESS"] == "ray://pcr-ray-head-svc:10001"


def test_a_node_has_the_cores_of_a_task_and_one_group_the_gpu_of_a_training():
    from pcr_assets.resources.ray_engine import CPUS

    limits = [group["template"]["spec"]["containers"][0]["resources"]["limits"] for group in RAY["workerGroupSpecs"]]
    assert all(int(limit["cpu"]) >= CPUS for limit in limits)
    assert sum("nvidia.com/gpu" in limit for limit in limits) == 1


def test_the_cluster_on_ec2_fits_the_schema_of_ray_up():
    ray = find_spec("ray")
    if ray is None:
        pytest.skip("Ray is not installed: pip install -c constraints.txt '.[ray]'")
    schema = json.loads((Path(ray.origin).parent / "autoscaler/ray-schema.json").read_text())
    jsonschema.validate(yaml.safe_load((DOCKER / "ray-aws.yaml").read_text()), schema)


def test_a_node_on_ec2_is_given_the_token_and_has_what_ray_up_calls_in_it():
    cluster = yaml.safe_load((DOCKER / "ray-aws.yaml").read_text())
    image = (DOCKER / "pipeline.Dockerfile").read_text()
    (user,) = re.findall(r"useradd --create-home --uid 1000 (\w+)", image)
    assert cluster["file_mounts"] == {f"/home/{user}/.ray/auth_token": "~/.ray/auth_token"}
    assert cluster["docker"]["run_options"] == ["--env RAY_AUTH_MODE=token"]
    (installed,) = re.findall(r"apt-get install -y --no-install-recommends (.*?) &&", image)
    assert {"openssh-client", "rsync"} <= set(installed.split())


def test_the_chart_is_that_of_the_dagster_that_is_pinned():
    assert f"--version {version('dagster')} " in (DOCKER / "kubernetes/values.yaml").read_text()
