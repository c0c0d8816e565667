"""``analytics/reports/COST_BREAKDOWN.md``: what was paid, what storing costs, cloud beside edge, and what would save most."""

from collections.abc import Iterable, Mapping, Sequence

from pcr_assets import layout
from pcr_assets.imaging import charts
from pcr_assets.imaging.markdown import png
from pcr_assets.project_records.costs import HERE, RECORDED, Costs, Paid, Year
from pcr_assets.project_records.price_table import History, PriceTable
from pcr_assets.project_records.storage import Storage
from pcr_assets.resources.stored import FOLDER

PAGE = f"{layout.COSTS}/COST_BREAKDOWN.md"


def plots(costs: Costs) -> dict[str, str]:
    """The pictures of the report, as markdown of the project's charts, by file name."""
    found = {}
    if paid := {model: usd for model, usd in costs.by_model.items() if usd}:
        found["training.png"] = charts.bars(paid, title="what each model cost", x_label="US dollars")
    year = costs.year
    answering = {
        "endpoint": year.endpoint_a_year,
        "one batch a day": year.batch_a_year,
        "device, year 1": year.device_once + year.device_a_year,
        "device, later years": year.device_a_year,
    }
    known = {name: usd for name, usd in answering.items() if usd is not None}
    found["year.png"] = charts.bars(
        known, title=f"a year of {year.queries_a_day:,} queries a day", x_label="US dollars"
    )
    sizes = {entry.kind: entry.size / 1e6 for entry in costs.storage.measured[:12]}
    if sizes:
        found["storage.png"] = charts.bars(sizes, title="what the store holds", x_label="MB")
    return found


def files(costs: Costs, prices: PriceTable, history: History, drawn: Mapping[str, str]) -> dict[str, bytes]:
    """The page and its pictures, ``drawn`` by :func:`plots`: keys of the store and bytes."""
    page = "\n".join([*_money(costs, prices, history, drawn), ""]).encode()
    return {PAGE: page, **{f"{layout.COSTS}/{name}": png(chart) for name, chart in drawn.items()}}


def _money(costs: Costs, prices: PriceTable, history: History, drawn: Iterable[str]) -> list[str]:
    drawn = set(drawn)
    return [
        "# What this project costs",
        "",
        f"US dollars. Prices: {prices.source}. Recorded history: {history.source}.",
        "",
        *_training(costs, "training.png" in drawn),
        "",
        *_stored(costs.storage, "storage.png" in drawn),
        "",
        *_answering(costs.year),
        *_as_figured_before(history),
        "",
        "![a year](year.png)",
        "",
        "## What would save most",
        "",
        *_table(("a year", "what", "how"), [(_usd(a.usd_a_year), a.what, a.how) for a in costs.advice]),
    ]


def _training(costs: Costs, drawn: bool) -> list[str]:
    return [
        f"## Training and compiling: ${costs.total:,.2f}",
        "",
        f"${costs.recorded:,.2f} was recorded before this pipeline, ${costs.of_runs:,.2f} is figured from its log of runs: billed",
        f"seconds at the listed price of the day. Runs on a machine of one's own ({HERE}) cost nothing here.",
        "",
        *_table(
            ("model", "what", "day", "machine", "minutes", "an hour", "paid", "at the listed price", "from"),
            [_line(line) for line in _worth_telling(costs.paid)],
        ),
        "",
        *[f"- {line.model}: {line.note}." for line in costs.paid if line.note],
        *(["", "![what each model cost](training.png)"] if drawn else []),
    ]


def _stored(storage: Storage, drawn: bool) -> list[str]:
    rows = [
        (
            entry.kind,
            entry.storage_class,
            f"{entry.objects:,}",
            f"{entry.size / 1e6:,.2f}",
            f"{entry.current_size / 1e6:,.2f}",
            _usd(entry.usd_a_month, 4),
        )
        for entry in storage.measured
    ]
    return [
        _storing(storage),
        "",
        f"{storage.size / 1e6:,.1f} MB, listed. Records like this one are left out.",
        *([f"No price is listed for {', '.join(storage.unpriced)}."] if storage.unpriced else []),
        "",
        *_table(("content", "storage class", "objects", "MB", "of which current", "a month"), rows),
        *(["", "![what the store holds](storage.png)"] if drawn else []),
    ]


def _answering(year: Year) -> list[str]:
    rows = [
        (f"endpoint on {year.endpoint_instance}, always on", _usd(0.0), _usd(year.endpoint_a_year)),
        (f"batches on {year.endpoint_instance}", _usd(0.0), _usd(year.batch_a_year)),
        ("device with an accelerator", _usd(year.device_once), _usd(year.device_a_year)),
    ]
    return [
        f"## A year of {year.queries_a_day:,} queries a day",
        "",
        *_table(("way", "once", "a year"), rows),
        "",
        f"A device saves {_usd(year.saved_in_year_1)} in the year it is bought. What a device and its power cost, and how long a",
        "batch takes, are statements of the profile (`records`), not measurements.",
    ]


def _storing(storage: Storage) -> str:
    if set(storage.sizes) <= {FOLDER}:
        return "## Storing: a folder, for which nobody sends a bill"
    return f"## Storing: ${storage.usd_a_month:,.4f} a month"


def _worth_telling(paid: Sequence[Paid]) -> list[Paid]:
    """Recorded runs first, then those of the log; runs at home as well: their time is known."""
    return sorted(paid, key=lambda line: (line.source != RECORDED, line.date, line.model))


def _line(line: Paid) -> tuple[str, ...]:
    return (
        line.model,
        line.what,
        line.date,
        line.instance,
        f"{line.minutes:g}",
        _usd(line.usd_an_hour, 3),
        _usd(line.usd),
        _usd(line.listed_usd),
        line.source,
    )


def _as_figured_before(history: History) -> list[str]:
    if (before := history.comparison) is None:
        return []
    return [
        "",
        f"As it was figured before, for {before.queries_a_day:,} queries a day: an endpoint {_usd(before.endpoint_usd_a_year, 0)} "
        f"a year, a device {_usd(before.device_usd, 0)} once and {_usd(before.device_usd_a_year, 0)} a year, "
        f"{_usd(before.saved_usd_in_year_1, 0)} saved in year 1 ({before.note}).",
    ]


def _usd(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"${value:,.{digits}f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return ["None."]
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *(f"| {' | '.join(row)} |" for row in rows)]
