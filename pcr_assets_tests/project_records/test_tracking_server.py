"""MLflow's own server on loopback: it opens the store's file as docs/aws.md says, and is told of what it lacks."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
import requests

from pcr_assets import layout
from pcr_assets.assets.project import experiments_index
from pcr_assets.assets.settings import check
from pcr_assets.project_records import experiments, manifest, tracking
from pcr_assets.project_records.placing import place
from pcr_assets.resources.project import Project
from pcr_assets.settings import SettingsError, load
from pcr_assets_tests.project_records.synthetic import built, store_with_models, told_of

ROOT = Path(__file__).parents[2]
COPY, INSTALL, SERVE = re.search(
    r"```sh\n(cp .*)\n(.* install .*)\n(.*mlflow ui.*)\n```", (ROOT / "docs/aws.md").read_text()
).groups()
SKINNY = Path(sys.executable).with_name("mlflow")
"""Ours serves all but the pages."""
PATIENCE = 300


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def project_of(folder):
    artifacts = store_with_models(folder / layout.PROJECT)
    place(artifacts, layout.MANIFEST, manifest.files(built(artifacts)))
    return artifacts


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The documented commands, run on a store in which one run of three was not told of; and that store."""
    folder = tmp_path_factory.mktemp("served")
    artifacts = project_of(folder / "store")
    kept = tracking.keep(artifacts, told_of(artifacts)[:2], folder)
    place(artifacts, layout.EXPERIMENTS, kept.files, digest=kept.digest)
    port = free_port()
    here = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **os.environ}
    subprocess.run(COPY.replace("FOLDER", artifacts.store.root), shell=True, cwd=folder, check=True)
    command = SERVE.replace("mlflow-ui/bin/mlflow", f"exec {SKINNY}") + f" --port {port} --workers 1"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, shell=True, cwd=folder, env=here, stdout=log, stderr=log, start_new_session=True
        )
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
        while not answers(url):
            assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.2)
        yield url, artifacts
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def answers(url):
    try:
        return requests.get(f"{url}/health", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_server_has_what_the_file_has_and_is_told_what_it_lacks_once(server):
    url, artifacts = server
    client = tracking._client(url)
    assert len(list(tracking.found(client))) == 2, "out of the fetched file"
    assert [tracking.send(url, told_of(artifacts)) for _ in range(2)] == [1, 0]
    runs = {run.data.tags["model"]: run for _, run in tracking.found(client)}
    teacher = runs["dinov3-teacher:v1.0"]
    assert [point.value for point in client.get_metric_history(teacher.info.run_id, "loss")] == [3.0, 2.0, 1.5]
    assert teacher.data.params["settings.batch"] == "128"
    client.delete_run(teacher.info.run_id)
    assert tracking.send(url, told_of(artifacts)) == 0, "what somebody deleted there stays deleted"


def test_a_server_takes_an_empty_setting_and_more_than_go_in_one_request(server):
    url, artifacts = server
    params = {"empty": "", **{f"layer.{n}": str(n) for n in range(250)}}
    run = replace(told_of(artifacts)[0], experiment="another", params=params)
    assert [tracking.send(url, [run]) for _ in range(2)] == [1, 0]
    client = tracking._client(url)
    (has,) = tracking._runs(client, client.get_experiment_by_name("another").experiment_id)
    assert has.data.params == params


def test_what_the_server_has_gives_the_same_index(server, tmp_path):
    url, artifacts = server
    client = tracking._client(url)
    for run in told_of(artifacts):
        there = client.get_experiment_by_name(run.experiment).experiment_id
        for has in tracking._runs(client, there):
            if has.info.lifecycle_stage == "deleted":
                client.restore_run(has.info.run_id)
    tracking.send(url, told_of(artifacts))
    kept = tracking.keep(artifacts, told_of(artifacts), tmp_path)
    assert manifest.as_json(experiments.index(tracking.found(client))) == kept.files[experiments.FILE]


def test_the_page_names_the_version_that_the_file_is_written_with():
    assert INSTALL.endswith(re.search(r'"mlflow-skinny(==[^"]+)"', (ROOT / "setup.py").read_text())[1])


@pytest.mark.parametrize("server", ["127.0.0.1:5000", "sqlite:///mine.db", "http://me:secret@127.0.0.1:5000"])
def test_a_setting_that_names_no_server_or_a_password_is_refused(server, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(f'extends: embedded\nrecords: {{mlflow_server: "{server}"}}')
    with pytest.raises(SettingsError, match=r"mlflow_server: must be the URL of a server") as refused:
        check(load(str(file)), "records")
    assert "secret" not in str(refused.value)


def test_a_server_that_is_down_fails_the_asset_and_the_store_has_the_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    profile = tmp_path / "mine.yaml"
    profile.write_text(f'extends: embedded\nrecords: {{mlflow_server: "http://127.0.0.1:{free_port()}"}}')
    artifacts = project_of(tmp_path / "store")
    given = {"store": str(tmp_path / "store"), "scratch": str(tmp_path / "scratch")}
    with pytest.raises(dg.Failure, match=r"refused or did not answer .*: look whether it runs"):
        dg.materialize([experiments_index], resources={"project": Project(**given, profile=str(profile))})
    whole = artifacts.find(layout.EXPERIMENTS)
    done = dg.materialize([experiments_index], resources={"project": Project(**given)})
    (made,) = done.asset_materializations_for_node("experiments_index")
    assert made.metadata["told of by this run"].value == 0
    assert made.tags["dagster/data_version"] == whole.digest
