"""Taking over a prefix that was laid out and filled elsewhere, and a store whose Dagster records are lost."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from pcr_assets import digests, layout, planner
from pcr_assets.adopt import models
from pcr_assets.adopt.__main__ import main, store_of
from pcr_assets.adopt.materialize import materialize
from pcr_assets.adopt.survey import raw_cards, survey
from pcr_assets.definitions import build_defs
from pcr_assets.project_records.models import collect
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.project import Project
from pcr_assets.resources.runs import Run, keep
from pcr_assets.resources.store import open_store
from pcr_assets.resources.stored import Stored, listed
from pcr_assets_tests.cards.drawn import card, encoded
from pcr_assets_tests.project_records.synthetic import sources_of
from pcr_assets_tests.sample_world import GALLERY, a_card
from pcr_assets_tests.small_graph import SmallGraph, names

MANIFEST = {
    "version": "1.1.0",
    "models": {
        "dinov3-teacher": {
            "version": "v1.0",
            "architecture": "DINOv3-ViT-L/16",
            "parameters": "304M",
            "registry_arn": "arn:4",
        },
        "efficientnet-student-stage1": {"version": "v1.0", "architecture": "EfficientNet-Lite0", "parameters": "4.7M"},
        "efficientnet-student-stage2": {"version": "v2.0", "training_date": "2026-01-11"},
    },
}
FILES = {
    "README.md": b"theirs",
    "metadata/project_manifest.json": json.dumps(MANIFEST).encode(),
    "models/dinov3-teacher/v1.0/model.tar.gz": b"an archive",
    "models/efficientnet-student/stage1/v1.0/.keep": b"",
    "models/efficientnet-student/stage2/v2.0/student_stage2_final.pt": b"a pickle",
    "models/efficientnet-student/stage2/v2.0/student_stage2_final.onnx": b"an export",
    "models/efficientnet-hailo/v2.1/pokemon_student_efficientnet_lite0_stage2.hef": b"a hef",
    "models/efficientnet-hailo/calibration/.keep": b"",
    "data/processed/classification/base1-4/0.png": b"x",
    "data/reference/embeddings.npy": b"x",
    "data/feedback/pi-1/2027-01-15/1.jpg": b"x",
    "profiling/teacher/2026-01-10/trace.json": b"{}",
    "analytics/metrics/summary.json": b"{}",
    "pipelines/training/.keep": b"",
    "notes.txt": b"?",
}


@pytest.fixture
def prefix(tmp_path):
    """A folder as the project's bucket is laid out, with a few drawn cards as its scans."""
    root = tmp_path / "bucket" / layout.PROJECT
    for key, data in FILES.items():
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(data)
    cards = root / layout.RAW
    cards.mkdir(parents=True)
    for number in range(48):  # of which some are to test with, and some to validate on
        (cards / f"dawn{number % 3 + 1}-{number}_Drawn.png").write_bytes(encoded(card(number)))
    shutil.copy(next(cards.iterdir()), cards / "Charizard-en_base_base1_4_high.png")
    shutil.copy(next(cards.iterdir()), cards / "holiday.png")
    return root


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def contents(root: Path):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_dry_run_reports_each_path_with_its_reason_and_writes_nothing(prefix, instance, capsys, recwarn):
    before = contents(prefix)
    assert main([str(prefix)], instance=instance) == 3
    assert contents(prefix) == before
    assert not [told for told in recwarn if issubclass(told.category, dg.BetaWarning)], "a report is for reading"
    report = capsys.readouterr().out
    for line in (
        "fits         data/raw/card_images  ",
        "with the card's name first",
        "doesn't fit  data/raw/card_images (names)",
        "holiday.png",
        "left alone   data/processed/",
        "fits         data/feedback/",
        "recorded     metadata/project_manifest.json",
        "recorded     models/dinov3-teacher/v1.0/  1 objects, 0.0 MB: lacks weights.safetensors and model.json; an archive",
        "recorded     models/efficientnet-student/stage1/v1.0/  transitional: its files were not kept",
        "models/efficientnet-student/stage2/v2.0/",
        "left alone   models/efficientnet-hailo/v2.1/",
        "left alone   notes.txt",
        "--apply first builds training_snapshot from the scans, then records 3 models",
        "nothing was written: with APPLY=1",
    ):
        assert line in report, f"{line!r} is not in\n{report}"


def test_models_that_are_there_are_not_trained_again_nor_moved(prefix, instance, capsys):
    before = contents(prefix)
    assert main([str(prefix), "--apply"], instance=instance) == 0
    after = contents(prefix)
    assert {key: after[key] for key in before} == before, "a file that was there was changed"

    project = Project(store=store_of(str(prefix)))
    teacher, stage2 = (project.artifacts.find(place) for place in (layout.TEACHER, layout.STAGE2))
    assert (teacher.version, stage2.version) == ("v1.0", "v2.0")
    assert set(stage2.files) == {"student_stage2_final.pt", "student_stage2_final.onnx"}
    sources, _ = sources_of(project.artifacts)
    found = collect(sources)
    assert (found["dinov3-teacher"].parameters, found["dinov3-teacher"].registry_arn) == (304_000_000, "arn:4")
    assert found["dinov3-teacher"].training_config.cost_usd == 4.0, "recorded history is of this very model"
    assert (found["efficientnet-student-stage1"].status, found["efficientnet-student-stage1"].artifacts_preserved) == (
        "transitional",
        False,
    )

    defs = build_defs({"project": project})
    planner.observe(defs, instance)
    plan = planner.resolve(defs, instance, "+student_stage2", planner.published_in(defs))
    assert names(step.asset for step in plan.steps) == [], "something would be trained again"
    outcome = planner.run(defs, instance, "+student_onnx", planner.published_in(defs))
    assert names(outcome.built) == []
    assert "models/efficientnet-student/stage2 v2.0 holds no weights.safetensors, for it was made elsewhere" in str(
        outcome
    )
    capsys.readouterr()
    assert main([str(prefix)], instance=instance) == 0, "there is nothing more to adopt"


def test_a_lost_dagster_home_costs_nothing(tmp_path):
    with dg.DagsterInstance.ephemeral() as first:
        world = SmallGraph(tmp_path, first)
        assert world.refresh().built
    with dg.DagsterInstance.ephemeral() as second:
        world.instance = second
        assert len(world.plan().steps) == 5
        told = materialize(world.defs, second, world.artifacts, dry_run=True)
        assert {entry.outcome for entry in told} == {"recorded"}
        assert len(world.plan().steps) == 5, "a dry run recorded something"
        materialize(world.defs, second, world.artifacts, dry_run=False)
        assert names(step.asset for step in world.plan().steps) == []
        assert world.refresh().built == ()
        world.raw = "pikachu raichu mew"
        assert "cards" in names(world.refresh().built), "what was adopted is stale when its input changes"


def test_what_was_made_of_another_model_than_is_there_now_is_stale(tmp_path):
    """Dagster's records were lost in the midst of a refresh: the student is new, and what reads it is not."""
    with dg.DagsterInstance.ephemeral() as first:
        world = SmallGraph(tmp_path, first)
        world.refresh()
        world.epochs = 20
        world.refresh('key:"student"')
    with dg.DagsterInstance.ephemeral() as second:
        world.instance = second
        planner.observe(world.defs, second)
        materialize(world.defs, second, world.artifacts, dry_run=False)
        plan = world.plan()
        assert names(plan.frontier) == ["report"]
        assert plan.steps[0].causes == ("has new data from student",)
        assert names(world.refresh().built) == ["report", "release"]
        assert world.plan().settled


def test_what_a_training_says_that_it_was_made_from_counts(tmp_path):
    """In the log of runs: an artifact of a training holds it not."""
    with dg.DagsterInstance.ephemeral() as first:
        world = SmallGraph(tmp_path, first)
        world.refresh()
    index, store = world.artifacts.current("index"), world.artifacts.store
    run = Run("index", "index", index.version, index.digest, "2027-01-01T00:00:00Z", "2027-01-01T00:00:01Z", 1.0)
    for name, said, stale in (
        ("cards", "other cards", ["index"]),
        ("cards", world.artifacts.current("cards").digest, []),
    ):
        keep(store, replace(run, started=f"2027-01-0{2 - len(stale)}T00:00:00Z", made_from={name: said}))
        with dg.DagsterInstance.ephemeral() as second:
            world.instance = second
            planner.observe(world.defs, second)
            materialize(world.defs, second, world.artifacts, dry_run=False)
            assert names(world.plan().frontier) == stale


@pytest.mark.faults
def test_what_came_while_the_records_were_lost_is_built_and_nothing_is_trained_for_it(world, instance):
    """Recorded as made of the scans that are there now, the gallery would lack the new card until another one comes."""
    (world.raw / "dawn1" / "dawn1-99_Newcomer.png").write_bytes(a_card(world, "tide1").read_bytes())
    defs = build_defs(world.resources)
    planner.observe(defs, instance)
    told = materialize(defs, instance, world.project.artifacts, dry_run=False)
    assert {entry.outcome for entry in told} == {"recorded"}
    plan = planner.resolve(defs, instance, "*", planner.published_in(defs))
    stale = [step.asset for step in plan.steps if step.status is planner.Status.STALE]
    assert names(stale) == ["processed_cards", "card_references", *GALLERY]


def test_what_lacks_an_input_is_not_recorded(tmp_path):
    with dg.DagsterInstance.ephemeral() as first:
        world = SmallGraph(tmp_path, first)
        world.refresh()
    artifact = world.artifacts.current("student")
    world.artifacts.store.remove(artifact.files["content.txt"].key)
    with dg.DagsterInstance.ephemeral() as second:
        world.instance = second
        planner.observe(world.defs, second)
        told = {entry.asset: entry for entry in materialize(world.defs, second, world.artifacts, dry_run=False)}
    assert told["student"].why == "it is not there: a refresh builds it"
    assert told["report"].why == "it is there, but student is not: a refresh builds it"
    assert told["index"].outcome == "recorded"


def test_seventeen_thousand_scans_are_counted_by_card():
    keys = [f"base{n // 100}-{n % 100}_Card.png" for n in range(2000)]
    keys += [f"Card-en_base_base{n // 100}_{n % 100}_high.png" for n in range(300)]
    (found,) = raw_cards([Stored(f"{layout.RAW}/{key}", 10, "STANDARD", 0) for key in keys])
    assert found.objects == 2300
    assert found.reason.startswith(
        "2,000 cards; 300 have a second scan; 2,000 with the card's id first, 300 with the card's name"
    )


def test_a_place_where_nothing_lies_is_an_error(tmp_path, instance, capsys):
    assert main([str(tmp_path)], instance=instance) == 1
    assert "nothing lies in" in capsys.readouterr().err


@pytest.mark.parametrize("prefix", ["s3://b", "s3://b/", f"s3://b/{layout.PROJECT}", f"s3://b/{layout.PROJECT}/"])
def test_the_bucket_and_the_place_in_it_mean_the_same(prefix):
    assert store_of(prefix) == "s3://b"


@pytest.mark.parametrize("place", [layout.REPORT, layout.FIELD, layout.SELF_TEST, layout.PACKAGES])
def test_older_versions_of_what_this_pipeline_makes_are_part_of_the_layout(place):
    (found,) = survey([Stored(f"{place}/0123456789abcdef/report.html", 10, "FOLDER", 0)], frozenset())
    assert (found.path, found.verdict) == (f"{place}/", "left alone")
    assert found.reason.startswith("older versions")


def test_a_bucket_is_surveyed_as_a_folder_is(bucket):
    store = open_store(f"{bucket}/{layout.PROJECT}")
    for key, data in FILES.items():
        store.client.put_object(Bucket=store.bucket, Key=f"{store.prefix}/{key}", Body=data)
    found = models.find(store, listed(store), frozenset())
    versions = {model.known.place: (model.version, model.usable, len(model.files)) for model in found}
    assert versions == {
        layout.TEACHER: ("v1.0", False, 1),
        layout.STAGE1: ("v1.0", False, 0),
        layout.STAGE2: ("v2.0", False, 2),
        layout.HEF: ("v2.1", False, 1),
    }
    for model in found:
        if model.known.place in models.TRAINED:
            models.adopt(Artifacts(store), model)
    stage2 = Artifacts(store).find(layout.STAGE2)
    assert stage2.files["student_stage2_final.pt"].sha256 == digests.of_bytes(b"a pickle")
    assert {finding.path for finding in survey(listed(store), frozenset())} >= {"data/processed/", "notes.txt"}
