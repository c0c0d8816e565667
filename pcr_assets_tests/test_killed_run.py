"""A refresh that is killed with SIGKILL: the last release stays, nothing half-made is visible, the next refresh picks up."""

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pcr_assets import layout

pytestmark = pytest.mark.faults

LOADED = multiprocessing.get_context("forkserver")
"""Refreshes are forks of a process that has loaded their libraries: loading them took half of the time of thirty refreshes."""
LOADED.set_forkserver_preload(
    ["pytest", "pcr_assets.refresh.command", "pyarrow.parquet", "cv2", "onnxruntime", "matplotlib.pyplot"]
)


def _refresh(settings: Mapping[str, str], said: Connection) -> None:
    """``python -m pcr_assets.refresh run`` in a process group of its own, with what it says going to ``said``."""
    os.setsid()
    os.environ.update(settings)
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)
    from pcr_assets.refresh.command import main

    sys.exit(main(["run"]))


@pytest.fixture(autouse=True)
def _found(monkeypatch):
    """A fork looks for :func:`_refresh` where this process does."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))


class Refresh:
    """A refresh in a process of its own, which can be killed with all that it began; what it says is read as it says it."""

    def __init__(self, world):
        settings = {
            "DAGSTER_HOME": str(world.home),
            "PCR_STORE": str(world.folder / "store"),
            "PCR_PROFILE": str(world.profile),
            "PCR_KEYS": str(world.folder / "keys"),
        }
        self._hears, said = LOADED.Pipe(duplex=False)
        self.process = LOADED.Process(target=_refresh, args=(settings, said))
        self.process.start()
        said.close()
        self.said: list[str] = []

    def killed_when(self, moment: Callable[[str], bool]) -> str | None:
        """Kill it at the first line for which ``moment`` is true, and give that line; None if it came to its end."""
        with open(self._hears.fileno(), closefd=False) as lines:
            for line in lines:
                self.said.append(line.rstrip())
                if moment(self.said[-1]):
                    os.killpg(self.process.pid, signal.SIGKILL)
                    break
            self.process.join()
        self._hears.close()
        return self.said[-1] if self.process.exitcode == -signal.SIGKILL else None

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
    assert refresh.process.exitcode == 0, refresh.said
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
