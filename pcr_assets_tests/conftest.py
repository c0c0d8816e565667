"""The real graph on sample cards, built once; every test that changes something changes a copy."""

import fcntl
import functools
import gc
import json
import os
import runpy
import shutil
import signal
import sys
import unittest.mock
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.util
import botocore.loaders
import botocore.session
import dagster as dg
import pytest
from xdist.scheduler import LoadScopeScheduling

from pcr_assets import planner
from pcr_assets.compute.launcher import Ran
from pcr_assets.definitions import build_defs
from pcr_assets.resources import hardware
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.trust.keys import make_keys
from pcr_assets.trust.settings import ROLES
from pcr_assets_tests.s3_server import GivenServer, S3Server

# What a person's own store was given must not reach a test: it would write sample cards among theirs, and its runs, which fail on
# purpose, among those of their instance. `make` and the README set DAGSTER_HOME. Of their S3 server `make test-s3` alone hears.
for name in [name for name in os.environ if name.startswith("PCR_") or name == "DAGSTER_HOME"]:
    said = os.environ.pop(name)
    if name.startswith("PCR_S3_"):
        os.environ[f"TESTED_{name}"] = said

TESTED_STORE = os.environ.get("TESTED_STORE")
"""Where on a server of theirs, `s3://bucket/prefix`, the tests of the store write; else they start one."""

# Threads of a training that wait for each other would spin, and take the core from another test: 23 s of CPU instead of 14 for two
# steps, where others work too.
os.environ["OMP_WAIT_POLICY"] = "passive"

# A shell ignores Ctrl-C for what it runs in the background, and children inherit that: tests that stop them would wait.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TOGETHER = {
    "pcr_assets_tests/test_graph.py": "world",
    "pcr_assets_tests/test_killed_run.py": "killed runs",
    "pcr_assets_tests/engines/test_ray.py": "cluster",
    "pcr_assets_tests/learning/test_together.py": "team",
    "pcr_assets_tests/project_records/test_tracking.py": "tracking",
    "pcr_assets_tests/project_records/test_tracking_server.py": "tracking server",
    "pcr_assets_tests/learning/test_outline_filter.py": "filter",
    "pcr_assets_tests/learning/test_printing_verifier.py": "verifier",
    "pcr_assets_tests/learning/test_quantize.py": "quantized",
    "pcr_assets_tests/imaging/test_sample.py": "sample",
}
"""What tests of these files share is dear to make: they run on one worker each, which makes it once. They begin first, so the
world is there when others want it, and what takes longest isn't what all wait for at the end."""


class Sharing(LoadScopeScheduling):
    """Tests go to whichever worker is free, one by one; those of :data:`TOGETHER` stay together, the largest group first.

    As ``--dist loadgroup`` means it, which pytest-xdist 3.8 can't do with pytest 9.2: nodes keep their ids.
    """

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0], nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Tell pytest-xdist to use :class:`Sharing`."""
    return Sharing(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a server that is given ask only what is a server's affair."""
    if TESTED_STORE:
        kept = [item for item in items if "s3_server" in item.fixturenames or "[s3" in item.name]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


IMPORTED = 100
"""So many modules more, and their objects are set apart anew."""
_modules = 0


def _set_libraries_apart() -> None:
    """Have the garbage collector pass over what lives to the end: looking through libraries took a fifth of all tests' time."""
    global _modules  # noqa: PLW0603
    _modules = len(sys.modules)
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """Everything that tests import at their top is there; and a test's own garbage is looked for less often than by default."""
    gc.set_threshold(5_000, 10, 10)
    _set_libraries_apart()


def pytest_runtest_teardown() -> None:
    """Libraries that tests load while they run are as many again."""
    if len(sys.modules) > _modules + IMPORTED:
        _set_libraries_apart()


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """What libraries read again and again is read once: megabytes of JSON for each session's first client of an AWS service,
    and all steps of Dagster's databases, some ninety modules, for each new instance."""
    load, steps = alembic.util.load_python_file, functools.cache(alembic.util.load_python_file)

    def loaded(folder: Any, name: Any) -> Any:
        return (load if name == "env.py" else steps)(folder, name)

    loader = functools.cache(botocore.loaders.create_loader)
    with (
        unittest.mock.patch.object(botocore.session, "create_loader", loader),
        unittest.mock.patch.object(alembic.util, "load_python_file", loaded),
    ):
        yield


QUICK = Path(__file__).parents[1] / "pcr_assets" / "profiles" / "quick.yaml"
FLOW = "not group:project"
"""All but the project's records, which only read: what a change makes of the rest is seen without them."""


@pytest.fixture(autouse=True)
def _denormals() -> Iterator[None]:
    """Training in this process makes its floating point unit round the tiniest numbers to zero: undone for the next test."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


class SameProcessCompute(dg.ConfigurableResource):
    """Runs the same programs on the same job files as LocalCompute, without a process of its own for each."""

    threads: int = 1  # more test processes run than there are cores

    def run(self, module, job, workdir):
        file = workdir / "job.json"
        file.write_text(json.dumps({**job, "threads": self.threads}))
        sys.modules.pop(module, None)
        with unittest.mock.patch.object(sys, "argv", [module, str(file)]):
            try:
                runpy.run_module(module, run_name="__main__")
            except SystemExit as end:
                assert not end.code, f"{module} ended with {end.code}"
        return Ran(hardware.here(self.threads))


class World:
    """A store with sample cards, an instance, and what a test does to them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.profile = folder / "profile.yaml"
        self.project = Project(store=str(folder / "store"), profile=str(self.profile), scratch=str(folder / "work"))
        self.raw = Path(self.project.raw_root)

    @property
    def resources(self):
        return {
            "project": self.project,
            "compute": SameProcessCompute(),
            "signer": ReleaseSigner(key_folder=str(self.folder / "keys")),
        }

    def refresh(self, selection=FLOW):
        """Run the planner; gives its outcome and the names of the assets it built."""
        defs, built = build_defs(self.resources), []
        with dg.DagsterInstance.local_temp(str(self.home)) as instance:
            outcome = planner.run(
                defs,
                instance,
                selection,
                planner.published_in(defs),
                on_event=lambda event: built.append(event.asset.to_user_string()) if event.kind == "built" else None,
            )
        return outcome, built

    def set(self, section, **values):
        """Change settings, as a person would in their own profile."""
        import yaml

        profile = yaml.safe_load(self.profile.read_text())
        profile[section] = {**profile.get(section, {}), **values}
        self.profile.write_text(yaml.safe_dump(profile))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """A real S3 server, one for each test process that needs it, started at the first need; or the one that is given."""
    if TESTED_STORE:
        settings = {name: said for name, said in os.environ.items() if name.startswith("TESTED_PCR_")}
        server = GivenServer(TESTED_STORE, {name.removeprefix("TESTED_"): said for name, said in settings.items()})
    else:
        server = S3Server(tmp_path_factory.mktemp("s3")).start()
    yield server
    server.kill()


@pytest.fixture
def bucket(s3_server, monkeypatch, tmp_path):
    """``s3://cards/…``: an empty place of a test's own on that server, which the environment names as a person would."""
    return at_server(s3_server, monkeypatch, tmp_path)


def at_server(server, monkeypatch, folder):
    """Let the environment name a server and its keys; give a place on it that no other test uses."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("pcr_assets.resources.downloads.CACHE", folder / "cache")
    return f"s3://{server.bucket}/{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def built_world(tmp_path_factory):
    """The whole graph, built from sample cards by the first test process that wants it. Don't change it: take ``world``."""
    own = tmp_path_factory.getbasetemp()
    world = World((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "world")
    done = world.folder / "built.json"
    with (world.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            done.write_text(json.dumps(_build(world)))
    world.built = json.loads(done.read_text())
    return world


def _build(world: World) -> list[str]:
    """Build all of it; gives the names of the assets that were built."""
    from pcr_assets.imaging.sample import render

    shutil.copy(QUICK, world.profile)
    make_keys(world.folder / "keys", dict.fromkeys(ROLES, 1))
    render(world.raw.parent, sets=3, cards_per_set=8, strangers=6)
    outcome, built = world.refresh("*")
    assert outcome.ending is planner.Ending.SETTLED, str(outcome)
    return built


@pytest.fixture
def world(built_world, tmp_path):
    """A copy of the built world, times of files included, to be changed."""
    shutil.copytree(built_world.folder, tmp_path / "world", ignore=shutil.ignore_patterns("work"))
    return World(tmp_path / "world")


@pytest.fixture
def listening_to_no_signal() -> Iterator[None]:
    """As a command begins; what runs Dagster in this process has handlers of its own."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
