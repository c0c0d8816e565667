"""Money: what runs cost, what storing costs, a year of answering in the cloud and at the edge, and what would save most."""

from collections.abc import Iterable
from dataclasses import dataclass

from pcr_assets.project_records.models import KNOWN, Sources, cost_of, price_of
from pcr_assets.project_records.settings import RecordsSettings
from pcr_assets.project_records.storage import Storage
from pcr_assets.resources.runs import Run

HOURS_A_YEAR = 8760
NAMES = {known.place: known.name for known in KNOWN}


@dataclass(frozen=True)
class Paid:
    """A line of the breakdown. ``usd`` is None where nobody was paid, or no price is listed."""

    model: str
    what: str
    date: str
    instance: str
    minutes: float
    usd_an_hour: float | None
    usd: float | None
    listed_usd: float | None
    """What the time would have cost at the listed price."""
    source: str
    note: str = ""


@dataclass(frozen=True)
class Year:
    """A year of answering, in US dollars: once, and each year. ``a_year`` is None where no price is listed."""

    queries_a_day: int
    endpoint_instance: str
    endpoint_a_year: float | None
    batch_a_year: float | None
    device_once: float
    device_a_year: float

    @property
    def saved_in_year_1(self) -> float | None:
        """What a device saves against an endpoint in the year it is bought."""
        if self.endpoint_a_year is None:
            return None
        return round(self.endpoint_a_year - self.device_once - self.device_a_year, 2)


@dataclass(frozen=True)
class Advice:
    """Something that saves money: US dollars a year."""

    usd_a_year: float
    what: str
    how: str


@dataclass(frozen=True)
class Costs:
    """Everything that is known of money."""

    paid: tuple[Paid, ...]
    year: Year
    storage: Storage
    advice: tuple[Advice, ...]

    @property
    def of_runs(self) -> float:
        """Of the runs in the log."""
        return _sum(line for line in self.paid if line.source != RECORDED)

    @property
    def recorded(self) -> float:
        """Of what was recorded before."""
        return _sum(line for line in self.paid if line.source == RECORDED)

    @property
    def total(self) -> float:
        """Of both."""
        return round(self.of_runs + self.recorded, 4)

    @property
    def unpriced(self) -> int:
        """Runs on rented machines for which no price is listed."""
        return sum(line.usd is None and line.instance != HERE for line in self.paid)

    @property
    def by_model(self) -> dict[str, float]:
        """What each model cost, recorded or logged."""
        names = sorted({line.model for line in self.paid if line.usd is not None})
        return {name: _sum(line for line in self.paid if line.model == name) for name in names}


RECORDED = "recorded"
LOGGED = "log of runs"
HERE = "own machine"


def figure(sources: Sources, storage: Storage, settings: RecordsSettings) -> Costs:
    """All costs, in the order of their days; advice in the order of money."""
    paid = (*_recorded(sources), *(_logged(sources, run) for run in sources.runs))
    year = _year(sources, settings)
    return Costs(paid, year, storage, _advice(paid, year, storage, sources, settings))


def _sum(lines: Iterable[Paid]) -> float:
    return round(sum(line.usd or 0.0 for line in lines), 4)


def _recorded(sources: Sources) -> list[Paid]:
    def listed(instance: str, minutes: float) -> float | None:
        price = sources.prices.an_hour(instance)
        return None if price is None else round(minutes / 60 * price, 2)

    return [
        Paid(
            model=run.model,
            what=run.what,
            date=run.date.isoformat(),
            instance=run.instance,
            minutes=run.minutes,
            usd_an_hour=sources.prices.an_hour(run.instance, run.date),
            usd=run.usd,
            listed_usd=listed(run.instance, run.minutes),
            source=RECORDED,
            note=run.note,
        )
        for run in sources.history.runs
    ]


def _logged(sources: Sources, run: Run) -> Paid:
    cost = cost_of(run, sources.prices)
    return Paid(
        model=NAMES.get(run.artifact, run.asset),
        what=f"{run.asset} {run.version}",
        date=run.started[:10],
        instance=run.instance or HERE,
        minutes=round(run.seconds_to_pay / 60, 2),
        usd_an_hour=price_of(run, sources.prices),
        usd=cost,
        listed_usd=cost,
        source=LOGGED,
        note="" if cost is not None or not run.instance else f"no price is listed for {run.instance}",
    )


def _year(sources: Sources, settings: RecordsSettings) -> Year:
    an_hour = sources.prices.an_hour(settings.endpoint_instance)
    return Year(
        queries_a_day=settings.queries_a_day,
        endpoint_instance=settings.endpoint_instance,
        endpoint_a_year=None if an_hour is None else round(an_hour * HOURS_A_YEAR, 2),
        batch_a_year=None if an_hour is None else round(an_hour * settings.batch_hours_a_day * 365, 2),
        device_once=settings.device_usd,
        device_a_year=settings.device_usd_a_year,
    )


def _advice(
    paid: tuple[Paid, ...], year: Year, storage: Storage, sources: Sources, settings: RecordsSettings
) -> tuple[Advice, ...]:
    found = []
    if year.endpoint_a_year is not None and year.batch_a_year is not None:
        found.append(
            Advice(
                round(year.endpoint_a_year - year.device_a_year, 2),
                "answer on a device instead of an endpoint",
                f"a device costs ${year.device_once:,.0f} once and ${year.device_a_year:,.0f} a year; "
                f"{year.endpoint_instance} costs ${year.endpoint_a_year:,.2f} a year whether it is asked or not",
            )
        )
        found.append(
            Advice(
                round(year.endpoint_a_year - year.batch_a_year, 2),
                "answer in batches instead of an endpoint",
                f"{settings.batch_hours_a_day:g} h of {year.endpoint_instance} a day, if answers may wait for it",
            )
        )
    spot = [cost_of(run, sources.prices) or 0.0 for run in sources.runs if run.hardware.get("spot")]
    listed = sum(line.listed_usd or 0.0 for line in paid if line.instance.startswith("ml."))
    if training := round(listed - sum(spot), 4):
        found.append(
            Advice(
                round(training * settings.spot_saving, 2),
                "train on spot capacity",
                f"{'other' if spot else 'all'} training so far lists at ${training:,.2f}; spot saves "
                f"{settings.spot_saving:.0%} if as much is trained in a year, and training goes on from its checkpoints when it is "
                "interrupted",
            )
        )
    found += _storage_advice(storage, sources.prices.a_gb_month("STANDARD"), sources.prices.a_gb_month("GLACIER"))
    saving = [advice for advice in found if advice.usd_a_year > 0]
    return tuple(sorted(saving, key=lambda advice: -advice.usd_a_year))


def _storage_advice(storage: Storage, standard: float | None, glacier: float | None) -> list[Advice]:
    if standard is None:
        return []
    idle = sum(m.size - m.current_size for m in storage.measured if m.storage_class == "STANDARD")
    found = []
    if idle:
        found.append(
            Advice(
                round(12 * idle / 1e9 * standard, 4),
                "remove versions that no pointer names",
                f"{idle / 1e6:,.1f} MB of old models and data; once removed they can't be gone back to",
            )
        )
    if idle and glacier is not None:
        found.append(
            Advice(
                round(12 * idle / 1e9 * (standard - glacier), 4),
                "archive versions that no pointer names",
                "the same bytes in Glacier: they can be restored, in hours",
            )
        )
    return found
