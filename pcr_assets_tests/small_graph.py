"""A small pipeline with real artifacts in a temporary store, for tests of the planner and its callers.

    raw_cards ─► cards ─┬─► index
                        └─► student ─► report (gate: good_enough) ─► release
    student_config ─────────►┘
    complaint ──────────────►┘      (looks at the report)

A test changes what lies outside the pipeline (scans, settings, code, luck) and looks at what is built.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from pcr_assets import digests
from pcr_assets.assets.declare import SETTINGS, asset, materialized, observed
from pcr_assets.planner import Event, Outcome, Plan, observe, published_in, resolve, run
from pcr_assets.refresh.command import main
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.project import Project


@dataclass
class SmallGraph:
    """The world around the pipeline. ``defs`` reads it anew, as a new process would."""

    folder: Path
    instance: dg.DagsterInstance
    raw: str = "pikachu raichu"
    epochs: int = 3
    code: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    forgetful: set[str] = field(default_factory=set)
    interrupted: set[str] = field(default_factory=set)
    interrupts: signal.Signals = signal.SIGINT
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens while an asset is made, by its name."""
    accepted: bool = True
    blocking: bool = True
    """Whether what is not accepted is held back."""
    only_warned: bool = False
    """What is not accepted is warned of, as a model that was made elsewhere is."""
    complains: Callable[[str], str] = lambda report: ""
    """What the students must do better, by what the report says."""
    events: list[Event] = field(default_factory=list)

    @property
    def project(self) -> Project:
        return Project(store=str(self.folder / "store"))

    @property
    def artifacts(self) -> Artifacts:
        return self.project.artifacts

    @property
    def defs(self) -> dg.Definitions:
        world = self

        @observed("small", kinds=set())
        def raw_cards():
            if "raw_cards" in world.broken:
                raise ConnectionError("the bucket does not answer")
            return dg.ObserveResult(data_version=dg.DataVersion(digests.of_json(world.raw)))

        @observed(SETTINGS, kinds=set())
        def student_config():
            return dg.ObserveResult(data_version=dg.DataVersion(digests.of_json(world.epochs)))

        @observed("small", kinds=set(), follows="report")
        def complaint():
            return dg.ObserveResult(data_version=dg.DataVersion(digests.of_json(complained())))

        def complained() -> str:
            return world.complains(read("report")) if world.artifacts.find("report") else ""

        def made(name: str, content: str, **made_from: str) -> dg.MaterializeResult:
            if name in world.interrupted:
                os.kill(os.getpid(), world.interrupts)
                time.sleep(5)
            world.meanwhile.get(name, int)()
            if name in world.broken:
                raise RuntimeError(f"{name} ran out of memory")
            files, record = {"content.txt": content.encode()}, {"made_from": made_from}
            world.artifacts.publish(name, files, digest=digests.of_json(content), record=record)
            artifact = world.artifacts.current(name)
            if name in world.forgetful:
                world.artifacts.fetch(artifact, "content.txt").unlink()
            return materialized(artifact, {"letters": len(content)})

        def read(name: str) -> str:
            artifact = world.artifacts.current(name)
            return world.artifacts.fetch(artifact, "content.txt").read_text()

        def declared(name: str, *deps: object):
            return asset("small", name, deps=deps, kinds=set(), code_version=world.code.get(name, "1"))

        @declared("cards", raw_cards)
        def cards():
            return made("cards", " ".join(world.raw.split()))

        @declared("index", cards)
        def index():
            return made("index", f"index of {read('cards')}")

        @declared("student", cards, student_config, complaint)
        def student():
            return made("student", f"{world.epochs} epochs on {read('cards')}{complained()}")

        @declared("report", student)
        def report():
            return made("report", f"report on {read('student')}", student=world.artifacts.current("student").digest)

        @declared("release", report)
        def release():
            return made("release", f"release after {read('report')}")

        @dg.asset_check(asset=report, blocking=world.blocking)
        def good_enough():
            if "good_enough" in world.broken:
                raise ZeroDivisionError("no queries")
            severity = dg.AssetCheckSeverity.WARN if world.only_warned else dg.AssetCheckSeverity.ERROR
            return dg.AssetCheckResult(
                passed=world.accepted, severity=severity, description="recall@1 is 0.4, below 0.9"
            )

        return dg.Definitions(
            assets=[raw_cards, student_config, complaint, cards, index, student, report, release],
            asset_checks=[good_enough],
            resources={"project": self.project},
        )

    @property
    def command(self) -> Callable[..., int]:
        """The refresh command over this pipeline."""
        return lambda *argv: main(argv, build=lambda: self.defs, instance=self.instance)

    def refresh(self, selection: str = "*") -> Outcome:
        defs = self.defs
        self.events.clear()
        return run(defs, self.instance, selection, published_in(defs), on_event=self.events.append)

    def plan(self, selection: str = "*") -> Plan:
        defs = self.defs
        observe(defs, self.instance)
        return resolve(defs, self.instance, selection, published_in(defs))


def names(assets) -> list[str]:
    """Asset keys as a test writes them."""
    return [key.to_user_string() for key in assets]
