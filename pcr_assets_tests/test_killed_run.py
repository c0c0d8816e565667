"""A refresh that is killed with SIGKILL: the last release stays, nothing half-made is visible, the next refresh picks up."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from pcr_assets import layout

pytestmark = pytest.mark.faults


class Refresh:
    """A refresh in a process of its own, which can be killed with all that it began; what it says is read as it says it."""

    def __init__(self, world):
        settings = {
            "DAGSTER_HOME": str(world.home),
            "PCR_STORE": str(world.folder / "store"),
            "PCR_PROFILE": str(world.profile),
            "PCR_KEYS": str(world.folder / "keys"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pcr_assets.refresh", "run"],
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []

    def killed_when(self, moment) -> str | None:
        """Kill it at the first line for which ``moment`` is true, and give that line; None if it came to its end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if moment(self.said[-1]):
                os.killpg(self.process.pid, signal.SIGKILL)
                break
        self.process.communicate()
        return self.said[-1] if self.process.returncode == -signal.SIGKILL else None

    def step(self, kind: str) -> list[str]:
        """The assets that it said this of."""
        found = [line.split()[1] for line in self.said if line.startswith(f"{kind} ")]
        return [name for name in found if name.isidentifier()]  # the last line counts what was built


def test_a_refresh_killed_at_each_of_its_steps_goes_on_each_time_and_ends_with_a_release(world):
    """New settings of the teacher, and a new card: everything is made anew, step by step, and each step is killed once."""
    shutil.copy("dagster.yaml", world.home)
    shutil.copy(sorted((world.raw / "dawn1").glob("*.png"))[0], world.raw / "dawn1" / "dawn1-99_New.png")
    world.set("teacher", settings={**world.project.settings.section("teacher")["settings"], "seed": 5})
    before = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    killed: list[str] = []
    built: list[str] = []
    while True:
        refresh = Refresh(world)
        line = refresh.killed_when(lambda said: said.startswith("started ") and said.split()[1] not in killed)
        built += refresh.step("built")
        assert world.project.artifacts.find(layout.RELEASES) is not None
        if "edge_release" not in built:
            assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == before
        if line is None:
            break
        killed.append(line.split()[1])
    assert refresh.process.returncode == 0, refresh.said
    assert sorted(built) == sorted(set(built)), "no step was made twice but the one that was killed"
    assert {"processed_cards", "teacher_weights", "student_onnx", "edge_release", *built} <= set(killed)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") != before
    assert world.refresh("*")[1] == []


def test_refreshes_killed_one_after_the_other_get_a_new_card_into_a_release_in_the_end(world):
    """Each is killed one step further down than the last: no step is made twice but the one that was killed."""
    shutil.copy("dagster.yaml", world.home)
    shutil.copy(sorted((world.raw / "dawn1").glob("*.png"))[0], world.raw / "dawn1" / "dawn1-99_New.png")
    before = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    for moment in ("cards: set dawn1", "embeddings: int8, set dawn1", "started   edge_release"):
        assert Refresh(world).killed_when(lambda said: moment in said)  # noqa: B023
        assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == before
    outcome, built = world.refresh()
    assert (int(outcome.ending), built) == (0, ["edge_release"]), str(outcome)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") != before
