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


def killed_at(world, moment):
    """Run a refresh in a process of its own, and kill it with all that it began as soon as it says this."""
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
    assert moment in log.read_text()


@pytest.mark.parametrize(
    "moment", ["started   student_stage2", "started   student_onnx", "started   recognition_report"]
)
def test_a_refresh_killed_at_any_step_is_picked_up_by_the_next_one(world, moment):
    shutil.copy("dagster.yaml", world.home)
    world.set("stage2", seed=5)
    before = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    killed_at(world, moment)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == before
    assert world.project.artifacts.find(layout.RELEASES) is not None

    outcome, built = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    assert built[-1] == "edge_release"
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") != before
    _, again = world.refresh()
    assert again == []


def test_refreshes_killed_one_after_the_other_get_a_new_card_into_a_release_in_the_end(world):
    """Each is killed one step further down than the last: no step is made twice but the one that was killed."""
    shutil.copy("dagster.yaml", world.home)
    shutil.copy(sorted((world.raw / "dawn1").glob("*.png"))[0], world.raw / "dawn1" / "dawn1-99_New.png")
    before = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    for moment in ("cards: set dawn1", "embeddings: int8, set dawn1", "started   edge_release"):
        killed_at(world, moment)
        assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == before
    outcome, built = world.refresh()
    assert (int(outcome.ending), built) == (0, ["edge_release"]), str(outcome)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") != before
