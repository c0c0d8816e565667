"""A refresh that is killed with SIGKILL: the last release stays, nothing half-made is visible, the next refresh picks up."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from pcr_assets import layout

pytestmark = pytest.mark.faults
TIMEOUT = 180


@pytest.mark.parametrize(
    "moment", ["started   student_stage2", "started   student_onnx", "started   recognition_report"]
)
def test_a_refresh_killed_at_any_step_is_picked_up_by_the_next_one(world, moment):
    shutil.copy("dagster.yaml", world.home)
    world.set("stage2", seed=5)
    before = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    settings = {
        "DAGSTER_HOME": str(world.home),
        "PCR_STORE": str(world.folder / "store"),
        "PCR_PROFILE": str(world.profile),
        "PCR_KEYS": str(world.folder / "keys"),
    }
    log = world.folder / "refresh.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pcr_assets.refresh", "run"],
            env={**os.environ, **settings},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        for _ in range(TIMEOUT * 10):
            if moment in log.read_text():
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == before
    assert world.project.artifacts.find(layout.RELEASES) is not None

    outcome, built = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    assert built[-1] == "edge_release"
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") != before
    _, again = world.refresh()
    assert again == []
