"""Which of Dagster's records go: looks at sources of long ago. What staleness follows from, and what was built, stays."""

import shutil
import time
from pathlib import Path

import dagster as dg
import pytest

from pcr_assets.planner import observe
from pcr_assets.planner.execution import TAGS, WHAT
from pcr_assets.tidy.found import DAY, Keep
from pcr_assets.tidy.records import DECLARATIVE, old_looks
from pcr_assets_tests.small_graph import SmallGraph

SOURCES = {dg.AssetKey(name) for name in ("raw_cards", "student_config", "complaint")}
MONTH_LATER = Keep(time.time() + 31 * DAY)


@pytest.fixture
def world(tmp_path):
    """Its records are SQLite files, as our dagster.yaml opens them."""
    shutil.copy(Path(__file__).parents[2] / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield SmallGraph(tmp_path, instance)


def runs(world):
    return [run.run_id for run in world.instance.get_runs()]


def looked_at(world, source):
    return [record.run_id for record in world.instance.fetch_observations(source, limit=10).records]


def test_looks_of_long_ago_go_with_their_files_but_the_last_at_each_source_and_all_that_was_built(world):
    defs, files = world.defs, world.folder / "history" / "runs"
    for selection in ("student", "cards", "cards"):  # the first is the last look at what students are made by
        observe(defs, world.instance, selection)
    last, early, settings = runs(world)
    job = defs.resolve_implicit_job_def_def_for_assets([dg.AssetKey("cards")])
    wave = world.instance.create_run_for_job(
        job, tags={**TAGS, WHAT: "build"}, status=dg.DagsterRunStatus.SUCCESS
    ).run_id

    assert [*old_looks(world.instance, SOURCES, Keep(time.time()))] == []
    (found,) = old_looks(world.instance, SOURCES, MONTH_LATER)
    assert found.size == (files / f"{early}.db").stat().st_size > 100_000
    found.remove()

    assert {*runs(world)} == {settings, wave, last}
    assert not [*files.glob(f"{early}*")]
    assert {run for key in SOURCES for run in looked_at(world, key)} == {settings, last}


def test_of_runs_that_a_condition_asked_for_those_that_only_looked_go(world):
    defs = world.defs
    for asked in ({"raw_cards"}, {"cards"}, {"raw_cards", "cards"}):
        keys = frozenset(map(dg.AssetKey, asked))
        job = defs.resolve_implicit_job_def_def_for_assets(keys)
        world.instance.create_run_for_job(
            job, tags=DECLARATIVE, asset_selection=keys, status=dg.DagsterRunStatus.SUCCESS
        )
    (found,) = old_looks(world.instance, SOURCES, MONTH_LATER)
    found.remove()
    assert [run.asset_selection for run in world.instance.get_runs()] == [
        {dg.AssetKey("raw_cards"), dg.AssetKey("cards")},
        {dg.AssetKey("cards")},
    ]
