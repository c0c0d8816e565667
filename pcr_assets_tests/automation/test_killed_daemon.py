"""A daemon that is killed with SIGKILL after it started a run and before it kept the cursor: the run is not started twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

ROOT = Path(__file__).parents[2]
MODULE = "pcr_assets_tests.automation.small_location"
DAEMON = "import sys; from dagster._daemon.cli import main; sys.argv[0] = 'dagster-daemon'; main()"
KILLED = f"""
import os, signal, dagster
submit = dagster.DagsterInstance.submit_run
def submit_and_die(*args, **kwargs):
    submit(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
dagster.DagsterInstance.submit_run = submit_and_die
{DAEMON}
"""
TIMEOUT = 240


class Machine:
    """A Dagster home on SQLite, a raw folder, and daemons that come and go."""

    def __init__(self, folder: Path):
        self.home, self.raw, self.store = folder / "home", folder / "raw", folder / "store"
        for made in (self.home, self.raw, self.store):
            made.mkdir()
        shutil.copy(ROOT / "dagster.yaml", self.home)
        own = {"DAGSTER_HOME": self.home, "PCR_CARDS": self.raw, "PCR_STORE": self.store, "PYTHONPATH": ROOT}
        self.environment = {**os.environ, **{name: str(value) for name, value in own.items()}}
        self.log = folder / "daemon.log"

    def start(self, program: str) -> subprocess.Popen[bytes]:
        with self.log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-c", program, "run", "-m", MODULE],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def built(self) -> list[str]:
        """What each run of ``cards`` found."""
        file = self.store / "runs.txt"
        return file.read_text().splitlines() if file.exists() else []

    def wait_for(self, happened, what: str) -> None:
        for _ in range(TIMEOUT * 5):
            if happened():
                return
            time.sleep(0.2)
        raise AssertionError(f"no {what}:\n{self.log.read_text()[-4000:]}")

    def refreshes(self) -> list[dg.DagsterRun]:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return [run for run in instance.get_runs(dg.RunsFilter(job_name="refresh"))]

    def ticks(self) -> int:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            (state,) = instance.all_instigator_state()
            return len(instance.get_ticks(state.instigator_origin_id, state.selector_id))


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    yield made


def stopped(daemon: subprocess.Popen[bytes], how: signal.Signals) -> None:
    os.killpg(daemon.pid, how)
    daemon.wait(timeout=60)


@pytest.mark.faults
def test_a_daemon_killed_between_request_and_cursor_starts_no_run_twice(machine):
    (machine.raw / "base1-4_Charizard.png").write_bytes(b"scan")
    first = machine.start(KILLED)
    try:
        assert first.wait(timeout=TIMEOUT) == -signal.SIGKILL, machine.log.read_text()
    finally:
        stopped(first, signal.SIGKILL)  # its code server too
    assert len(machine.refreshes()) == 1
    assert machine.built == []

    second = machine.start(DAEMON)
    try:
        machine.wait_for(lambda: machine.built, "refresh")
        before = machine.ticks()
        machine.wait_for(lambda: machine.ticks() >= before + 2, "more ticks")
    finally:
        stopped(second, signal.SIGTERM)
    (run,) = machine.refreshes()
    assert (run.tags["pcr/sets"], run.tags["pcr/added"]) == ("base1", "1")
    assert machine.built == ["base1-4_Charizard.png"]
