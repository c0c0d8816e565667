"""The verdict on new sets, by which the training snapshot moves: which one counts, and for how long."""

import pytest

from pcr_assets import layout
from pcr_assets.assets.dataset import JUDGED, LEARNT, sets_to_learn
from pcr_assets.resources.project import Project
from pcr_assets_tests.project_records.synthetic import publish

WORSE = "int8 answers 60.0% of 20 new cards of new1, and 98.0% of test cards"


@pytest.fixture
def project(tmp_path):
    """A store with models, and a report on them that finds one new set recognised worse."""
    made = Project(store=str(tmp_path / "store"), profile=str(tmp_path / "profile.yaml"))
    (tmp_path / "profile.yaml").write_text("extends: embedded\n")
    for place in JUDGED:
        publish(made.artifacts, place, {"content": place.encode()}, {})
    reported(made)
    return made


def reported(project, sets=("new1",), said=WORSE):
    asked_of = {place: project.artifacts.current(place).digest for place in JUDGED}
    worse = {"sets": list(sets), "said": said, "asked of": asked_of}
    publish(project.artifacts, layout.REPORT, {"report.json": said.encode()}, {"cards": 24, "recognised worse": worse})


def seen(project):
    """The version, the sets and the sentence that an observation gives."""
    found = sets_to_learn(project=project)
    return found.data_version.value, found.metadata["sets"], found.metadata["why"]


def moved(project):
    """The snapshot moves by the verdict, as the asset of it does: its record keeps the version."""
    version, _, _ = seen(project)
    publish(project.artifacts, layout.SNAPSHOT, {"content": version.encode()}, {LEARNT: version})
    return version


def test_a_verdict_on_the_models_that_are_there_names_its_sets(project):
    version, sets, why = seen(project)
    assert (sets, why) == ("new1", f"by the last report, of 24 cards, {WORSE}")
    assert seen(project)[0] == version != "none"


def test_where_no_report_or_an_earlier_one_is_nothing_is_to_be_learnt(project, tmp_path):
    nothing = ("none", "none", "no report has asked about new sets yet")
    assert seen(Project(store=str(tmp_path / "empty"))) == nothing
    publish(project.artifacts, layout.REPORT, {"report.json": b"{}"}, {"cards": 3})
    assert seen(project) == nothing


@pytest.mark.parametrize("place", JUDGED)
def test_a_report_on_another_model_or_snapshot_moves_nothing(project, place):
    publish(project.artifacts, place, {"content": b"other"}, {})
    assert seen(project) == ("none", "none", "the report is of other models or of another snapshot than these")


def test_a_verdict_that_was_acted_upon_is_no_news_before_and_after_the_next_report(project):
    version = moved(project)
    assert seen(project)[:2] == (version, "none"), "the models were not trained yet, and the report is of those before"
    reported(project, [], "no card came after the training snapshot")
    assert seen(project) == (
        version,
        "none",
        "by the last report, of 24 cards, no card came after the training snapshot",
    )
    reported(project, ["new1"])
    later = seen(project)[0]
    assert later not in (version, "none"), "another snapshot, another verdict"


def test_where_the_profile_says_so_the_verdict_is_told_and_moves_nothing(project, tmp_path):
    (tmp_path / "profile.yaml").write_text("extends: embedded\nsnapshot: {move_for_new_sets: false}\n")
    version, sets, why = seen(project)
    assert (version, sets) == ("none", "none")
    assert why == f"by the last report, of 24 cards, {WORSE}; but snapshot.move_for_new_sets is off"


def test_looking_reads_two_pointers_and_a_few_more_where_something_is_to_be_learnt(project, monkeypatch):
    read = []
    store = type(project.artifacts.store)
    look = store.read
    monkeypatch.setattr(store, "read", lambda self, key: read.append(key) or look(self, key))
    seen(project)
    assert len(read) == 2 + len(JUDGED)
    reported(project, [], "all is well")
    read.clear()
    seen(project)
    assert read == [f"{layout.SNAPSHOT}/current.json", f"{layout.REPORT}/current.json"]
