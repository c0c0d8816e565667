"""The declarative alternative: what runs an asset, what does not, and what is said of it."""

import datetime

import dagster as dg
import pytest

from pcr_assets.assets.declare import observed
from pcr_assets.automation.declarative import automated, content_changes
from pcr_assets.definitions import build_defs
from pcr_assets_tests.small_graph import SmallGraph, names

START = datetime.datetime(2026, 1, 1, 12, 1, tzinfo=datetime.UTC)


class Automation:
    """A daemon's ticks over the conditions of a small graph: it runs what a tick asks for."""

    def __init__(self, world, instance):
        self.world, self.instance = world, instance
        self.now, self.cursor, self.tick_result = START, None, None

    @property
    def defs(self):
        made = self.world.defs
        return dg.Definitions(automated(made.assets), asset_checks=made.asset_checks, resources=made.resources)

    def tick(self, minutes: float = 1) -> list[str]:
        """One tick and the runs that it asks for; gives the assets that were made (not observed), in the order of the graph."""
        defs, graph = self.defs, self.defs.resolve_asset_graph()
        self.now += datetime.timedelta(minutes=minutes)
        result = dg.evaluate_automation_conditions(defs, self.instance, cursor=self.cursor, evaluation_time=self.now)
        self.cursor, self.result = result.cursor, result
        asked = [key for key in graph.toposorted_asset_keys if result.get_num_requested(key)]
        self.run(asked)
        return names(key for key in asked if key in graph.materializable_asset_keys)

    def run(self, assets) -> None:
        """Sources first, as the daemon does: they never stand in one run with what is made."""
        defs, graph = self.defs, self.defs.resolve_asset_graph()
        for kind in (graph.observable_asset_keys, graph.materializable_asset_keys):
            if chosen := [key for key in assets if key in kind]:
                job = defs.resolve_implicit_job_def_def_for_assets(chosen)
                job.execute_in_process(instance=self.instance, asset_selection=chosen, raise_on_error=False)

    def build(self) -> None:
        """Everything is built once before the first tick."""
        self.run(self.defs.resolve_asset_graph().toposorted_asset_keys)

    def said(self, asset: str) -> dict[str, bool]:
        """Which parts of an asset's condition held at the last tick, as the UI shows it."""
        found = {}

        def walk(result):
            found[result.condition.get_label() or result.condition.name] = bool(result.true_subset.size)
            for child in result.child_results:
                walk(child)

        walk(next(result for result in self.result.results if result.key == dg.AssetKey(asset)))
        return found

    def settle(self) -> list[str]:
        """Ticks until nothing is asked for any more; gives the assets that were made."""
        made = self.tick(minutes=5)
        while more := self.tick(minutes=0.5):
            made += more
        return made


@pytest.fixture
def automation(tmp_path, instance):
    made = Automation(SmallGraph(tmp_path, instance), instance)
    made.build()
    made.settle()
    return made


def test_new_content_of_the_source_runs_what_follows_from_it_and_stops_at_equal_content(automation):
    automation.world.raw = "pikachu raichu mew"
    assert automation.settle() == ["cards", "index", "student", "report", "release"]
    automation.world.raw = "pikachu  raichu  mew"  # other bytes, the same cards
    assert automation.settle() == ["cards"]
    assert automation.settle() == []


def test_a_changed_setting_and_raised_code_run_what_follows_from_them(automation):
    automation.world.epochs = 4
    assert automation.settle() == ["student", "report", "release"]
    automation.world.code = {"index": "2"}
    assert automation.settle() == ["index"]


class Gallery:
    """A report on a model and on the index that follows it two steps later, each of which says of which model it is made."""

    def __init__(self):
        self.model, self.made = 1, {}

    @property
    def defs(self) -> dg.Definitions:
        def made(name, *deps):
            def make() -> dg.MaterializeResult:
                said = [self.made[dep] for dep in deps] or [self.model]
                assert len(set(said)) == 1, f"{name} is made of {dict(zip(deps, said, strict=True))}"
                self.made[name] = said[0]
                return dg.MaterializeResult(data_version=dg.DataVersion(str(said[0])))

            return dg.asset(name=name, deps=deps or [chosen])(make)

        @observed("small", kinds=set())
        def chosen():
            return dg.ObserveResult(data_version=dg.DataVersion(str(self.model)))

        chain = [made("model"), made("vectors", "model"), made("index", "vectors"), made("report", "model", "index")]
        return dg.Definitions([chosen, *chain])


def test_what_reads_a_model_and_what_follows_from_it_waits_until_that_is_made(instance):
    """The report was asked for with a new model and the index of the last one, and failed; and so did the release."""
    automation = Automation(Gallery(), instance)
    automation.build()
    automation.settle()
    automation.world.model = 2
    assert automation.settle() == ["model", "vectors", "index", "report"]
    assert set(automation.world.made.values()) == {2}


def test_nothing_is_run_behind_a_gate_that_refuses(automation):
    automation.world.accepted = False
    automation.world.epochs = 5
    assert automation.settle() == ["student", "report"]
    assert not automation.said("release")["the gates of its inputs are passed"]
    automation.world.accepted, automation.world.epochs = True, 6
    assert automation.settle() == ["student", "report", "release"]


def test_what_was_stale_before_the_first_tick_is_not_seen_and_the_planner_sees_it(tmp_path, instance):
    late = Automation(SmallGraph(tmp_path, instance), instance)
    late.build()
    late.world.code = {"index": "2"}
    assert late.settle() == []
    assert names(step.asset for step in late.world.plan().steps) == ["index"]


def test_what_a_refresh_built_while_the_sensor_was_off_is_not_asked_for_again(automation):
    automation.world.raw = "mew"
    automation.tick(minutes=5)
    assert automation.tick(minutes=0.5) == ["cards"]  # and what follows from it would have been asked for next
    automation.world.refresh()
    automation.world.epochs = 8
    automation.world.refresh()
    assert automation.tick(minutes=7 * 24 * 60) + automation.settle() == []


def test_the_reason_is_there_for_each_asset_that_was_run_and_each_that_was_not(automation):
    automation.world.epochs = 7
    automation.tick(minutes=5)
    automation.tick(minutes=0.5)

    assert automation.said("student")["an input has new content"]
    assert automation.said("student")["content_changed"]
    assert not automation.said("index")["an input has new content"]
    assert not automation.said("index")["content_changed"]


def test_the_sensor_asks_sources_too_and_leaves_nothing_to_a_sensor_of_dagsters_own():
    repository = build_defs().get_repository_def()
    assert sorted(sensor.name for sensor in repository.sensor_defs) == ["content_changes", "new_cards"]
    graph = repository.asset_graph
    assert content_changes.asset_selection.resolve(graph) == set(graph.get_all_asset_keys())


def test_every_asset_of_the_project_has_a_condition_and_the_sensor_that_asks_them_is_off():
    graph = build_defs().resolve_asset_graph()
    without = [key for key in graph.get_all_asset_keys() if graph.get(key).automation_condition is None]
    assert without == []
    assert content_changes.default_status is dg.DefaultSensorStatus.STOPPED
    observed = graph.observable_asset_keys
    assert {graph.get(key).automation_condition.get_label() for key in observed} == {"observed at */5 * * * *"}
