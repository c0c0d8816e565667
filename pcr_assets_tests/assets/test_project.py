"""The project's records: what they read is what they are made stale by."""

import dagster as dg

from pcr_assets.assets.project import store_inventory
from pcr_assets.resources.project import Project
from pcr_assets.settings import Settings


def test_the_inventory_is_stale_when_prices_are_others(tmp_path, monkeypatch):
    """Its money is that of the section ``records``, and cost_report and analytics_metrics repeat it."""
    read = set()
    section = Settings.section
    monkeypatch.setattr(Settings, "section", lambda settings, name: read.add(name) or section(settings, name))
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    assert dg.materialize([store_inventory], resources={"project": project}).success
    depends_on = {key.to_user_string() for key in store_inventory.keys_by_input_name.values()}
    assert {f"{name}_config" for name in read} == {"records_config"} <= depends_on
