"""All that records are read from, gathered out of one store and one profile."""

from pcr_assets.project_records import price_table
from pcr_assets.project_records.models import Sources
from pcr_assets.project_records.settings import RecordsSettings
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.runs import logged
from pcr_assets.settings import Settings


def gather(artifacts: Artifacts, settings: Settings) -> tuple[Sources, RecordsSettings]:
    """The artifacts, the log of runs, prices and history; and the section ``records``. Raises SettingsError and StoreError."""
    settings.check("records", RecordsSettings)
    chosen = RecordsSettings(**settings.section("records"))
    runs = tuple(logged(artifacts.store))
    return Sources(artifacts, runs, price_table.prices(chosen), price_table.history(chosen)), chosen
