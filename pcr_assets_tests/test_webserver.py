"""`make dev` as a browser uses it: a webserver and a daemon, and a materialization launched over GraphQL."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcr_assets_tests.graphql import STATUS, TIMEOUT, ask, wait_for

ROOT = Path(__file__).parents[1]
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
GRAPH = "{ assetNodes { assetKey { path } groupName kinds owners { ... on TeamAssetOwner { team } } description } }"


@pytest.fixture
def server(world):
    """`dagster dev` over a copy of the built world; gives its URL."""
    shutil.copy(ROOT / "dagster.yaml", world.home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "DAGSTER_HOME": str(world.home),
        "PCR_STORE": str(world.folder / "store"),
        "PCR_PROFILE": str(world.profile),
        "PCR_KEYS": str(world.folder / "keys"),
    }
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    with (world.folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **settings}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process, Path(log.name))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def test_a_materialization_launched_in_the_ui_runs_to_its_end(server):
    nodes = {node["assetKey"]["path"][0]: node for node in ask(server, GRAPH)["assetNodes"]}
    assert {"raw_card_images", "processed_cards", "teacher_weights", "edge_release", "stage2_config"} <= set(nodes)
    assert nodes["edge_release"]["groupName"] == "release"

    chosen = {
        "repositoryLocationName": "pcr",
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": ["training_snapshot"]}],
        "assetCheckSelection": [],
    }
    launched = ask(server, LAUNCH, params={"selector": chosen, "runConfigData": {}})["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    status = ""
    for _ in range(TIMEOUT):
        status = ask(server, STATUS, id=launched["run"]["runId"])["runOrError"]["status"]
        if status in {"SUCCESS", "FAILURE", "CANCELED"}:
            break
        time.sleep(1)
    assert status == "SUCCESS"
