"""``experiments/mlflow/mlflow.db``: MLflow's tracking database of this store, and a tracking server that is told the same.

The database is carried on from one refresh to the next: a run of the log is one run of MLflow, found again by its tag, and
told what has changed since. What it can't get from the store any more, such as what was measured on an older version, it
keeps. One that is lost is made anew from the log. MLflow is asked and told by its own client only; it opens no model.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pcr_assets import digests, layout
from pcr_assets.project_records import experiments
from pcr_assets.project_records.experiments import PREFIX, RUN, Told
from pcr_assets.project_records.manifest import as_json
from pcr_assets.resources.artifacts import ArtifactDamaged, Artifacts

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

FILE = f"{layout.EXPERIMENTS}/mlflow.db"
SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
"""MLflow tells its makers how it is used, unless these are set before it is imported."""
CALM = {"MLFLOW_LOGGING_LEVEL": "WARNING", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"}
"""Where nobody set them: MLflow would wait minutes for a server that is down."""
NOWHERE = "mlflow-artifacts:/"
"""Where MLflow would put files: it is given none, and a path of this machine would stand in the database."""
MOST_PARAMS, MOST_METRICS = 100, 1000
"""Of one request, as MLflow limits them."""
FINISHED, ACTIVE = "FINISHED", "active"


class TrackingError(Exception):
    """MLflow can't open the database, or the server refused or did not answer; the message says what to do."""


@dataclass(frozen=True)
class Kept:
    """The files of ``experiments/mlflow/``, the digest of what they say, and how many runs were told new or changed."""

    files: Mapping[str, bytes]
    digest: str
    told: int
    record: Mapping[str, str]
    """What the artifact remembers of it, so that the same is not told again."""


def keep(artifacts: Artifacts, runs: Sequence[Told], work: Path) -> Kept:
    """Tell the store's database of runs, aside in the folder ``work``, and derive the index from it. Raises TrackingError.

    The digest is that of the index: times at which MLflow made a row, and names it gave, are not content. Where the last database
    was told the very same, MLflow is not even loaded: that takes longer than to tell it of a run.
    """
    record = {"told": _digest(runs)}
    if last := _told_the_same(artifacts, record):
        return Kept(last, digests.of_bytes(last[experiments.FILE]), 0, record)
    file, before = work / "mlflow.db", _carried(artifacts)
    if before is not None:
        shutil.copyfile(before, file)
    with _database(file) as client:
        count = tell(client, runs, NOWHERE)
        index = as_json(experiments.index(found(client)))
    told = file if before is None or count else before  # an unchanged one stays as it is, byte for byte
    return Kept({FILE: told.read_bytes(), experiments.FILE: index}, digests.of_bytes(index), count, record)


def _digest(runs: Sequence[Told]) -> str:
    """Of all that MLflow is told, and of which MLflow: another one may want another schema. Curves lie in files that stay."""
    said = [{name: value for name, value in vars(run).items() if name != "curves"} for run in runs]
    return digests.of_json([version("mlflow-skinny"), said])


def _told_the_same(artifacts: Artifacts, record: Mapping[str, str]) -> dict[str, bytes] | None:
    """The files that were published last, whole, if their database was told this."""
    last = artifacts.remains(layout.EXPERIMENTS)
    if last is None or last.record != record or not {FILE, experiments.FILE} <= last.files.keys():
        return None
    try:
        return {name: artifacts.fetch(last, name).read_bytes() for name in (FILE, experiments.FILE)}
    except ArtifactDamaged:
        return None


def send(server: str, runs: Sequence[Told]) -> int:
    """Tell an MLflow server what it lacks; gives the number of runs told new or changed. Raises TrackingError."""
    client = _client(server)
    from mlflow.exceptions import MlflowException

    try:
        return tell(client, runs)
    except MlflowException as error:
        said = str(error).split("\n", maxsplit=1)[0][:300]
        raise TrackingError(
            f"MLflow at {server} refused or did not answer ({said}): look whether it runs, or empty records.mlflow_server; "
            "the store has the runs, and the next refresh sends what lacks there"
        ) from error


def tell(client: "MlflowClient", runs: Sequence[Told], files: str = "") -> int:
    """Tell of runs that MLflow lacks, and what has changed of others; gives their number. One that broke off is gone on with.

    ``files``: where MLflow would put an experiment's files, else where it puts all.
    """
    count = 0
    for name, those in groupby(sorted(runs, key=lambda run: run.experiment), key=lambda run: run.experiment):
        made = client.get_experiment_by_name(name)
        if made and made.lifecycle_stage != ACTIVE:  # what somebody deleted there stays deleted, and takes no run
            continue
        experiment = made.experiment_id if made else client.create_experiment(name, f"{files}{name}" if files else None)
        there = {run.data.tags.get(RUN): run for run in _runs(client, experiment)}
        for run in those:
            has = there.get(run.run_id)
            if has and has.info.lifecycle_stage != ACTIVE:
                continue
            if has is None or has.info.status != FINISHED:
                _tell_all(client, experiment, run, has)
                count += 1
            else:
                count += _mend(client, run, has)
    return count


def found(client: "MlflowClient") -> Iterator[tuple[str, "Run"]]:
    """The runs that were told, each with its experiment's name."""
    for experiment in client.search_experiments(filter_string=f"name LIKE '{PREFIX}%'"):
        for run in _runs(client, experiment.experiment_id):
            if RUN in run.data.tags and (run.info.status, run.info.lifecycle_stage) == (FINISHED, ACTIVE):
                yield experiment.name, run


def _runs(client: "MlflowClient", experiment: str) -> Iterator["Run"]:
    from mlflow.entities import ViewType

    page = client.search_runs([experiment], run_view_type=ViewType.ALL)
    yield from page
    while page.token:
        page = client.search_runs([experiment], run_view_type=ViewType.ALL, page_token=page.token)
        yield from page


def _tell_all(client: "MlflowClient", experiment: str, run: Told, has: "Run | None") -> None:
    """A run from the beginning. It is marked as finished last, so that one that broke off is known as such."""
    from mlflow.entities import Metric, Param

    made = has or client.create_run(experiment, run.started, dict(run.tags), run.name)
    points = {**run.curves(), **{name: [(0, value)] for name, value in run.metrics.items()}}
    params = [Param(name, value) for name, value in run.params.items()]
    metrics = [Metric(name, value, run.ended, step) for name, steps in points.items() for step, value in steps]
    for some in _parts(params, MOST_PARAMS):
        client.log_batch(made.info.run_id, params=some)
    for some in _parts(metrics, MOST_METRICS):
        client.log_batch(made.info.run_id, metrics=some)
    client.set_terminated(made.info.run_id, FINISHED, run.ended)


def _mend(client: "MlflowClient", run: Told, has: "Run") -> bool:
    """Tell what has changed of a run that is there: a measure's new value is its next step. Gives whether anything has."""
    from mlflow.entities import Metric, RunTag

    def step(name: str) -> int:
        history = client.get_metric_history(has.info.run_id, name) if name in has.data.metrics else []
        return max((point.step + 1 for point in history), default=0)

    tags = [RunTag(name, value) for name, value in run.tags.items() if has.data.tags.get(name) != value]
    changed = {name: value for name, value in run.metrics.items() if has.data.metrics.get(name) != value}
    if tags or changed:
        metrics = [Metric(name, value, run.ended, step(name)) for name, value in changed.items()]
        client.log_batch(has.info.run_id, metrics=metrics, tags=tags)
    return bool(tags or changed)


def _parts(entries: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    yield from (entries[start : start + most] for start in range(0, len(entries), most))


def _carried(artifacts: Artifacts) -> Path | None:
    """The database that was published last; None where there is none, or where another file lies in its place."""
    artifact = artifacts.remains(layout.EXPERIMENTS)
    if artifact is None or FILE not in artifact.files:
        return None
    try:
        return artifacts.fetch(artifact, FILE)
    except ArtifactDamaged:  # placing keeps it aside
        return None


@contextmanager
def _database(file: Path) -> Iterator["MlflowClient"]:
    """A client of a database, which is made, or brought to this MLflow's schema. Afterwards its file is whole and closed."""
    uri = f"sqlite:///{file}"
    _hush()
    from alembic.util import CommandError
    from mlflow.db import upgrade
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    try:
        upgrade.callback(uri)  # type: ignore[misc]
    except CommandError as error:
        raise TrackingError(
            f"{FILE} is of a newer MLflow ({error}): install what setup.py names there, or remove it from the store, and it is "
            "made anew"
        ) from error
    store = SqlAlchemyStore(uri, NOWHERE)
    try:
        yield _client(uri)
    finally:
        store.engine.dispose()


def _client(uri: str) -> "MlflowClient":
    _hush()
    from mlflow import MlflowClient

    return MlflowClient(uri)


def _hush() -> None:
    """To be called before MLflow is imported."""
    os.environ.update(SILENT)
    for name, value in CALM.items():
        os.environ.setdefault(name, value)
