"""Records as files: model cards, README, index of experiments, dashboard; and where they are put."""

import json
from itertools import count

import pytest
import yaml
from huggingface_hub import ModelCard

from pcr_assets import layout
from pcr_assets.assets.project import graph
from pcr_assets.project_records import card_pictures, dashboard, drawn, model_card, pictures, readme
from pcr_assets.project_records.drawn import Drawn
from pcr_assets.project_records.placing import is_record, place
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import FolderStore
from pcr_assets_tests.project_records.synthetic import built, index_of

TEXTS = count()


def test_a_card_is_one_that_hugging_face_reads(artifacts):
    files = model_card.files(
        built(artifacts), card_pictures.draw(artifacts, Drawn(artifacts, layout.MODEL_CARDS).picture)
    )
    card = ModelCard(files[f"{layout.INT8}/README.md"].decode())
    result = card.data.eval_results[0]
    assert (card.data.license, card.data.library_name) == ("apache-2.0", "onnx")
    assert (result.metric_value, result.dataset_name) == (0.9, "test cards, hard camera")
    teacher = ModelCard(files[f"{layout.TEACHER}/README.md"].decode())
    assert (teacher.data.license, teacher.data.license_name) == ("other", "dinov3-license")
    assert files[f"{layout.TEACHER}/card/training-loss.png"].startswith(b"\x89PNG")
    assert "](card/training-loss.png)" in teacher.content
    assert "Not built: no compiler here." in files[f"{layout.HEF}/README.md"].decode()


def drawn_again(artifacts, draw):
    """A record of one picture and a text that is always another; gives the picture, and how often it was drawn."""
    times, known = [], Drawn(artifacts, layout.README)
    picture = known.picture(["a curve", 1.5], lambda: times.append(1) or draw)
    place(artifacts, layout.README, {"README.md": str(next(TEXTS)).encode(), "curve.png": picture}, known.record)
    return picture, len(times)


def test_what_a_record_shows_already_is_not_drawn_again(artifacts, monkeypatch):
    assert drawn_again(artifacts, b"first") == (b"first", 1)
    assert drawn_again(artifacts, b"second") == (b"first", 0)
    artifacts.store.write("curve.png", b"what a person did to it")
    assert drawn_again(artifacts, b"third") == (b"third", 1)
    artifacts.store.remove("curve.png")
    assert drawn_again(artifacts, b"fourth") == (b"fourth", 1)
    monkeypatch.setattr(drawn, "LOOK", "another")
    assert drawn_again(artifacts, b"fifth") == (b"fifth", 1)
    assert drawn_again(artifacts, b"sixth") == (b"fifth", 0)


def test_the_lineage_is_drawn_from_the_definitions():
    edges, floors = graph()
    assert ("student_stage2", "student_onnx") in edges
    assert floors["edge_release"] == "release"
    assert "stage2_config" not in floors
    assert pictures.lineage(edges, floors) == pictures.lineage(edges, floors), "the same graph gives the same picture"
    assert pictures.mermaid(edges).startswith("flowchart LR\n    ")


def test_the_readme_names_every_model_and_its_card(artifacts):
    page = readme.page(built(artifacts), "flowchart LR")
    for name, model in built(artifacts).models.items():
        assert f"[{name}]({model.folder}/README.md)" in page


def test_the_index_names_runs_with_settings_measures_and_inputs(artifacts):
    found = {entry["name"]: entry["runs"] for entry in index_of(artifacts)["experiments"]}
    (teacher,) = found["pokemon-card-teacher-weights"]
    assert teacher["model"] == "dinov3-teacher:v1.0"
    assert teacher["params"]["settings.phases.0.steps"] == "3"
    assert teacher["metrics"]["recall.hard.recall_at_1"] == 0.9
    assert teacher["metrics"]["cost_usd"] == pytest.approx(6.554, abs=0.001)
    assert teacher["inputs"] == {"training_snapshot": artifacts.current(layout.SNAPSHOT).digest}
    (stage1,) = found["pokemon-card-student-stage1"]
    assert stage1["parents"] == {layout.TEACHER: teacher["run_id"]}
    assert stage1["artifacts"] == "models/efficientnet-student/stage1/v1.0/"


def test_drift_is_what_falls_below_what_the_report_promised(artifacts):
    alarms = {alarm["name"]: alarm for alarm in dashboard.config(built(artifacts))["alarms"]}
    assert alarms["pokemon-card-recognition-drift-confirmed"]["threshold"] == pytest.approx(0.8 * 0.92)


def test_a_record_is_put_in_its_place_and_replaced_there(tmp_path):
    artifacts = Artifacts(FolderStore(str(tmp_path)))
    first = place(artifacts, "metadata", {"metadata/a.json": b"1"})
    second = place(artifacts, "metadata", {"metadata/a.json": b"2"})
    assert (tmp_path / "metadata" / "a.json").read_bytes() == b"2"
    assert first.digest != second.digest == artifacts.find("metadata").digest
    assert not (tmp_path / layout.REPLACED).exists(), "an old record of ours is not kept"
    (tmp_path / "metadata" / "a.json").unlink()
    assert artifacts.find("metadata") is None, "the planner sees that a record is gone"
    place(artifacts, "metadata", {"metadata/a.json": b"2"})
    assert artifacts.find("metadata").digest == second.digest


def test_what_somebody_else_wrote_is_kept_aside_before_it_is_replaced(tmp_path):
    theirs = b'{"version": "1.1.0"}'
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "project_manifest.json").write_bytes(theirs)
    place(Artifacts(FolderStore(str(tmp_path))), "metadata", {"metadata/project_manifest.json": b"ours"})
    (kept,) = (tmp_path / layout.REPLACED / "metadata").iterdir()
    assert kept.read_bytes() == theirs
    assert kept.name.startswith("project_manifest.json.")


@pytest.mark.parametrize(
    "key", ["metadata/x.json", "models/a/README.md", "models/a/card/curve.png", "experiments/runs/a/b.json"]
)
def test_records_are_known_as_such(key):
    assert is_record(key)
    assert not is_record("models/a/v1.0/model.json")


def test_cards_are_yaml_above_markdown_without_aliases(artifacts):
    text = model_card.files(built(artifacts), {})[f"{layout.STAGE2}/README.md"].decode()
    above = text.split("---\n")[1]
    assert "&id" not in above
    assert yaml.safe_load(above)["pipeline_tag"] == "image-feature-extraction"
    assert json.dumps(yaml.safe_load(above)["model-index"])


def test_a_drift_is_told_by_what_the_report_promises_of_its_worst_camera(artifacts):
    made = built(artifacts)
    answers = made.release.answers["int8"]
    answers["easy"] = {**answers["hard"], "answered": 0.99}
    alarms = {alarm["metric"]: alarm["threshold"] for alarm in dashboard.config(made)["alarms"]}
    assert alarms["ConfirmedRate"] == pytest.approx(0.8 * answers["hard"]["answered"], abs=1e-4)
