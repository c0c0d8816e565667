"""A PostgreSQL server for these tests, a database of it for each, and homes as the machines of a team have them."""

import itertools
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from pcr_assets.instance import POSTGRES
from pcr_assets_tests.team.postgres_server import PostgresServer

ROOT = Path(__file__).parents[2]


@contextmanager
def started():
    made = PostgresServer()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def server():
    """Don't stop it: take ``own_server``."""
    with started() as made:
        yield made


@pytest.fixture
def own_server():
    with started() as made:
        yield made


@pytest.fixture
def database(server):
    """The URL of an empty database."""
    return server.new_database()


class Machine:
    """A machine of the team: a ``DAGSTER_HOME`` of its own with our ``dagster.yaml``, the team's database and store."""

    def __init__(self, home: Path, **settings: str):
        home.mkdir(parents=True)
        shutil.copy(ROOT / "dagster.yaml", home)
        self.home = home
        self.settings = {"DAGSTER_HOME": str(home), **settings}

    def instance(self) -> dg.DagsterInstance:
        """The instance, opened in this process; the variables must be set."""
        return dg.DagsterInstance.from_config(str(self.home))

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as file:
            return subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **self.settings}, stdout=file, stderr=file, start_new_session=True
            )


@pytest.fixture
def new_machine(tmp_path):
    counter = itertools.count(1)
    return lambda **settings: Machine(tmp_path / f"machine{next(counter)}", **settings)


@pytest.fixture
def machine(new_machine, database, monkeypatch):
    """One whose instance this process opens too."""
    monkeypatch.setenv(POSTGRES, database)
    return new_machine(**{POSTGRES: database})
