"""The named pipelines: what each builds, and that the store's pages say the same."""

import json

import dagster as dg
import pytest

from pcr_assets.automation.pipelines import PIPELINES
from pcr_assets.automation.refresh_job import refresh_job_for
from pcr_assets.definitions import build_defs
from pcr_assets.planner.plan import selected_assets
from pcr_assets.project_records import pipelines
from pcr_assets_tests.small_graph import SmallGraph


@pytest.fixture(scope="module")
def defs():
    return build_defs()


@pytest.fixture(scope="module")
def described(defs):
    return {each.name: pipelines.describe(defs, each.name, each.select, each.about) for each in PIPELINES}


def steps(pipeline):
    return [step["asset"] for step in pipeline["steps"]]


def test_each_ends_in_what_it_is_called_after_and_builds_all_above_that(described):
    training, inference, edge = (steps(described[each.name]) for each in PIPELINES)
    assert {"teacher_weights", "student_stage1", "student_stage2", "outline_filter", "printing_verifier"} <= set(
        training
    )
    assert not {"student_onnx", "card_index"} & set(training)
    assert {"card_index", "model_registry", "inference_endpoint"} <= set(inference)
    assert {*training, "edge_release", "student_hef"} - set(edge) == {"student_undistilled"}, (
        "a release needs no comparison"
    )
    assert not {"model_registry", "inference_endpoint"} & set(edge), "a device needs no cloud"


def test_the_pages_name_what_the_job_itself_would_build(defs, described):
    for each in PIPELINES:
        found = described[each.name]
        assert set(steps(found)) == {key.to_user_string() for key in selected_assets(defs, each.select)}
        assert all(name not in steps(found) for name in found["observes"])
        job = defs.resolve_job_def(each.name)
        assert job.run_config["ops"]["refresh_stale"]["config"]["select"] == each.select


def test_files_are_the_same_facts_for_programs_and_people(described):
    files = pipelines.files(described.values())
    assert sorted(files) == sorted(f"pipelines/{each.name}.{end}" for each in PIPELINES for end in ("json", "md"))
    edge = json.loads(files["pipelines/edge_deployment_pipeline.json"])
    page = files["pipelines/edge_deployment_pipeline.md"].decode()
    assert "report_permits_release" in edge["steps"][-2]["gates"]
    assert all(f"| {step['asset']} |" in page for step in edge["steps"])
    assert edge["run"] in page


def test_a_job_over_a_selection_builds_that_and_nothing_else(tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        graph = SmallGraph(tmp_path, instance)
        job = refresh_job_for(lambda: graph.defs, name="training", select='+key:"student"', about="Train.")
        assert job.execute_in_process(instance=instance).success
        assert graph.artifacts.find("student") and graph.artifacts.find("release") is None
