"""Dated prices and recorded history, read from YAML files that name their source."""

from collections.abc import Sequence
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, Field, TypeAdapter

from pcr_assets import digests
from pcr_assets.project_records.settings import NONE, SHIPPED, RecordsSettings
from pcr_assets.settings import SettingsError, Strict, mistakes

Read = TypeVar("Read", bound=BaseModel)


class InstancePrice(Strict):
    """US dollars for an hour of one type of machine, from a day on."""

    type: str
    since: date
    usd: float = Field(ge=0)


class StoragePrice(Strict):
    """US dollars for 10^9 bytes in one storage class for a month, from a day on."""

    storage_class: str = Field(alias="class")
    since: date
    usd: float = Field(ge=0)


class PriceTable(Strict):
    """What is listed, and who says so."""

    source: str
    instances: tuple[InstancePrice, ...] = ()
    storage: tuple[StoragePrice, ...] = ()

    def an_hour(self, instance: str, day: date | None = None) -> float | None:
        """The price of an hour on a day (None: the newest), or None where no price is listed for it."""
        return _newest([price for price in self.instances if price.type == instance], day)

    def a_gb_month(self, storage_class: str) -> float | None:
        """The newest price of a storage class, or None."""
        return _newest([price for price in self.storage if price.storage_class == storage_class], None)


def _newest(prices: Sequence[InstancePrice | StoragePrice], day: date | None) -> float | None:
    known = [price for price in prices if day is None or price.since <= day]
    return max(known, key=lambda price: price.since).usd if known else None


class PastRun(Strict):
    """A run as somebody wrote it down: what it took and what was paid for it."""

    model: str
    version: str
    date: date
    what: str
    instance: str
    minutes: float = Field(ge=0)
    usd: float = Field(ge=0)
    note: str = ""
    artifacts_preserved: bool = True


class Comparison(Strict):
    """Cloud against edge over a year, as it was figured before."""

    queries_a_day: int
    endpoint_usd_a_year: float
    device_usd: float
    device_usd_a_year: float
    saved_usd_in_year_1: float
    note: str = ""


class History(Strict):
    """What was recorded before this pipeline, and where that stands."""

    source: str = "none"
    runs: tuple[PastRun, ...] = ()
    comparison: Comparison | None = None

    def of(self, model: str, version: str) -> PastRun | None:
        """The recorded run of one version of a model."""
        return next((run for run in self.runs if (run.model, run.version) == (model, version)), None)


def prices(settings: RecordsSettings) -> PriceTable:
    """The price table that the settings name. Raises SettingsError."""
    return _read(settings.prices, "prices.yaml", PriceTable)


def history(settings: RecordsSettings) -> History:
    """The history that the settings name. Raises SettingsError."""
    return History() if settings.history == NONE else _read(settings.history, "history.yaml", History)


def digest(settings: RecordsSettings) -> str:
    """The digest of the settings and of all that they name."""
    parts = [settings, prices(settings), history(settings)]
    return digests.of_json([part.model_dump(mode="json", by_alias=True) for part in parts])


def _read(name: str, shipped: str, kind: type[Read]) -> Read:
    try:
        if name == SHIPPED:
            text = resources.files("pcr_assets.project_records").joinpath(shipped).read_text()
        else:
            text = Path(name).read_text()
        value: Any = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(
            f"{name} can't be read ({error.strerror}): name a file that is there, or `shipped`"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name} is not YAML: mend it, or start from project_records/{shipped}") from error
    if not isinstance(value, dict):
        raise SettingsError(f"{name} must be a mapping, as project_records/{shipped} is")
    if wrong := mistakes(kind, value, Path(name).name):
        raise SettingsError(f"{name}: {'; '.join(wrong)}")
    return TypeAdapter(kind).validate_python(value)
