"""The project's records: what they read is what they are made stale by."""

import dagster as dg

from pcr_assets.assets.project import project_manifest, store_inventory
from pcr_assets.resources.project import Project
from pcr_assets.settings import Settings
from pcr_assets_tests.project_records.synthetic import store_with_models


def test_the_inventory_is_stale_when_prices_are_others(tmp_path, monkeypatch):
    """Its money is that of the section ``records``, and cost_report and analytics_metrics repeat it."""
    read = set()
    section = Settings.section
    monkeypatch.setattr(Settings, "section", lambda settings, name: read.add(name) or section(settings, name))
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    assert dg.materialize([store_inventory], resources={"project": project}).success
    depends_on = {key.to_user_string() for key in store_inventory.keys_by_input_name.values()}
    assert {f"{name}_config" for name in read} == {"records_config"} <= depends_on


def test_the_table_of_models_is_no_wider_than_the_page(tmp_path):
    """The page cuts off what is wider than some 460 pixels, at 8.4 a letter; a name breaks at its hyphens."""
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    store_with_models(project.root.root)
    made = project_manifest(project=project).metadata["all models"]
    assert len(made.records) > 4
    texts = [*(record.data for record in made.records), {name: name for name in made.records[0].data}]
    widest = [max(len(word) for row in texts for word in row[name].replace("-", "- ").split()) for name in texts[-1]]
    assert sum(8.4 * letters + 16 for letters in widest) < 460
    told = {record.data["model"]: record.data for record in made.records}
    assert told["dinov3-teacher"]["parameters"] == "303,100,000"
    assert told["efficientnet-hailo"]["version"] == "not built"
