"""The services of docker/compose.yaml as it starts them, but for hosts and ports, each with a home of its own on one PostgreSQL."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
import yaml

from pcr_assets.imaging.sample import render
from pcr_assets.instance import POSTGRES
from pcr_assets_tests.conftest import QUICK
from pcr_assets_tests.graphql import STATUS, ask, wait_for
from pcr_assets_tests.team.compose import DOCKER, SERVICES, commands

BIN = Path(sys.executable).parent
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""
START_SENSOR = """
mutation ($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) { __typename ... on PythonError { message } } }
"""
TICKS = """
query ($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { ticks { status } } } }
}
"""
LOCATION = {"repositoryLocationName": "pcr", "repositoryName": "__repository__"}
TIMEOUT = 240


class Team:
    """What `docker compose up` starts, without containers."""

    def __init__(self, folder, new_machine, database):
        self.ports = dict(zip(("3000", "4000"), free_ports(2), strict=True))
        self.folder, self.processes = folder, []
        render(folder / "raw", sets=2, cards_per_set=4, strangers=2)
        found = yaml.safe_load((DOCKER / "workspace.yaml").read_text())
        found["load_from"][0]["grpc_server"].update(host="127.0.0.1", port=int(self.ports["4000"]))
        (folder / "workspace.yaml").write_text(yaml.safe_dump(found))
        settings = {
            POSTGRES: database,
            "PCR_STORE": str(folder / "store"),
            "PCR_CARDS": str(folder / "raw" / "card_images"),
            "PCR_PROFILE": str(QUICK),
        }
        self.machines = {name: new_machine(**settings) for name in ("code", "daemon", "webserver")}

    def here(self, words: list[str]) -> list[str]:
        """A command of the compose file on this machine."""
        changed = {
            "0.0.0.0": "127.0.0.1",
            "code": "127.0.0.1",
            "/opt/pcr/workspace.yaml": str(self.folder / "workspace.yaml"),
            **self.ports,
        }
        program, *arguments = [changed.get(word, word).replace("/opt/pcr", str(DOCKER)) for word in words]
        return [str(BIN / program), *arguments]

    def start(self, service: str) -> None:
        *before, last = commands(service)
        for command in before:
            assert self.run(service, command) == 0, self.said(f"{service}-once")
        self.processes.append(self.machines[service].start(*self.here(last), log=self.folder / f"{service}.log"))

    def run(self, service: str, words: list[str]) -> int:
        return (
            self.machines[service]
            .start(*self.here(words), log=self.folder / f"{service}-once.log")
            .wait(timeout=TIMEOUT)
        )

    def healthy(self, service: str) -> bool:
        kind, *check = SERVICES[service]["healthcheck"]["test"]
        assert kind == "CMD"
        return (
            self.run(service, [word.replace("127.0.0.1:3000", f"127.0.0.1:{self.ports['3000']}") for word in check])
            == 0
        )

    def wait_until_healthy(self, service: str, port: str) -> None:
        """Each check is a process that imports Dagster: none is made before the service listens."""
        until(lambda: listens(self.ports[port]))
        until(lambda: self.healthy(service))

    def said(self, log: str) -> str:
        return (self.folder / f"{log}.log").read_text()[-3000:]

    def stop(self) -> None:
        """Ask all to end, then make them: where SIGINT is ignored (a shell's background job), Dagster ignores SIGTERM too."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def launch(self, select: str) -> str:
        config = {"ops": {"refresh_stale": {"config": {"select": select}}}}
        params = {"selector": {**LOCATION, "jobName": "refresh"}, "runConfigData": config}
        launched = ask(self.url, LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]

    def status(self, run: str) -> str:
        return ask(self.url, STATUS, id=run)["runOrError"]["status"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['3000']}"


@pytest.fixture
def team(tmp_path, new_machine, database):
    made = Team(tmp_path, new_machine, database)
    try:
        made.start("code")
        made.wait_until_healthy("code", "4000")
        made.start("daemon")
        made.start("webserver")
        wait_for(made.url, made.processes[-1], tmp_path / "webserver.log")
        yield made
    finally:
        made.stop()


@pytest.mark.faults
def test_a_refresh_launched_in_the_ui_waits_for_others_runs_where_the_code_is_and_waits_while_the_code_is_away(
    team, database, monkeypatch
):
    """The sensor asks for each content once: a request that was closed while it waited would be its last."""
    sensor = {**LOCATION, "sensorName": "new_cards"}
    assert ask(team.url, START_SENSOR, sensor=sensor)["startSensor"]["__typename"] == "Sensor"
    first, second = team.launch("+processed_cards"), team.launch("+processed_cards")
    until(lambda: team.status(first) == "STARTED")
    assert team.status(second) == "QUEUED"
    code = team.processes.pop(0)
    os.killpg(code.pid, signal.SIGKILL)
    code.wait()
    team.start("code")
    until(lambda: team.status(second) in {"SUCCESS", "FAILURE"})
    assert [team.status(run) for run in (first, second)] == ["FAILURE", "SUCCESS"], team.said("code")

    monkeypatch.setenv(POSTGRES, database)
    with team.machines["webserver"].instance() as elsewhere:
        waves = elsewhere.get_runs(dg.RunsFilter(tags={"pcr/refresh": second}), ascending=True)
        assert [wave.tags["pcr/what"] for wave in waves] == ["observe", "build"]
    assert (team.folder / "store" / "project").is_dir()
    assert (team.machines["code"].home / "work").is_dir()
    assert not (team.machines["daemon"].home / "work").exists()
    until(lambda: ask(team.url, TICKS, sensor=sensor)["sensorOrError"]["sensorState"]["ticks"])
    assert team.healthy("daemon")


def until(condition) -> None:
    for _ in range(TIMEOUT * 2):
        if condition():
            return
        time.sleep(0.5)
    raise AssertionError("it did not come to that")


def listens(port: str) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", int(port))) == 0


def free_ports(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [str(opened.getsockname()[1]) for opened in sockets]
