"""Money: from billed seconds and dated prices, from recorded history, and from the store's listing."""

import csv
import io
from dataclasses import replace
from datetime import date

import pytest

from pcr_assets import layout
from pcr_assets.project_records import cost_report, costs, metrics, price_table
from pcr_assets.project_records.settings import RecordsSettings
from pcr_assets.project_records.storage import Storage, measure
from pcr_assets.resources.stored import Stored
from pcr_assets.settings import SettingsError
from pcr_assets_tests.project_records.synthetic import built, log, sources_of

EMPTY = Storage((), {})


def figured(artifacts, storage=EMPTY, **settings):
    sources, chosen = sources_of(artifacts, **settings)
    return costs.figure(sources, storage, chosen)


def test_the_recorded_runs_cost_eleven_and_a_half_dollars_and_say_what_the_price_list_says():
    past = price_table.history(RecordsSettings())
    assert [run.usd for run in past.runs] == [4.0, 4.0, 3.0, 0.5]
    assert sum(run.usd for run in past.runs) == 11.5
    hourly = price_table.prices(RecordsSettings()).an_hour("ml.p4d.24xlarge")
    assert round(past.runs[0].minutes / 60 * hourly, 2) == 6.55
    assert "$6.55" in past.runs[0].note
    before = past.comparison
    assert (
        before.endpoint_usd_a_year - before.device_usd - before.device_usd_a_year == before.saved_usd_in_year_1 == 727
    )


def test_a_run_is_paid_at_the_price_of_its_day(tmp_path, artifacts):
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "source: my bill\ninstances:\n"
        "  - {type: ml.p4d.24xlarge, since: 2026-03-01, usd: 20}\n  - {type: ml.p4d.24xlarge, since: 2026-01-15, usd: 30}\n"
    )
    found = figured(artifacts, prices=str(mine), history="none")
    assert found.of_runs == pytest.approx(6.0), "720 s on 1 February, at $30 an hour"


def test_a_rented_machine_without_a_price_is_counted_and_not_guessed(artifacts):
    found = figured(artifacts)
    assert found.unpriced == 1
    line = next(line for line in found.paid if line.instance == "ml.x9.huge")
    assert (line.usd, line.note) == (None, "no price is listed for ml.x9.huge")


def test_a_price_file_with_a_mistake_names_the_file_and_the_place(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("source: x\ninstances: [{type: a, since: yesterday, usd: 1}]\n")
    with pytest.raises(SettingsError, match=r"mine\.yaml.*instances\[0\]\.since"):
        price_table.prices(RecordsSettings(prices=str(mine)))
    with pytest.raises(SettingsError, match="can't be read"):
        price_table.prices(RecordsSettings(prices=str(tmp_path / "none.yaml")))


def test_a_device_is_compared_with_an_endpoint_over_a_year(artifacts):
    year = figured(artifacts, endpoint_instance="ml.c5.large").year
    assert year.endpoint_a_year == pytest.approx(0.102 * 8760)
    assert year.saved_in_year_1 == pytest.approx(0.102 * 8760 - 156)
    assert figured(artifacts, endpoint_instance="ml.unknown").year.saved_in_year_1 is None


def test_storage_is_added_up_by_content_and_class_without_the_records_themselves(artifacts):
    prices = price_table.prices(RecordsSettings())
    stored = [
        Stored(f"{layout.TEACHER}/v1.0/weights.safetensors", 2 * 10**9, "STANDARD", 0),
        Stored(f"{layout.TEACHER}/v0.9/weights.safetensors", 10**9, "STANDARD", 0),
        Stored("profiling/teacher/2026-01-10/trace.json", 10**9, "GLACIER", 0),
        Stored("data/raw/card_images/base1-4.png", 10**6, "SOMETHING_NEW", 0),
        Stored("data/feedback/pi-1/2027-01-15/1.jpg", 10**9, "STANDARD", 0),
        Stored("metadata/project_manifest.json", 10**9, "STANDARD", 0),
        Stored(f"{layout.TEACHER}/README.md", 10**9, "STANDARD", 0),
    ]
    found = measure(stored, frozenset({f"{layout.TEACHER}/v1.0/weights.safetensors"}), prices)
    teacher = next(part for part in found.measured if part.kind == "teacher")
    assert (teacher.size, teacher.current_size) == (3 * 10**9, 2 * 10**9)
    feedback = next(part for part in found.measured if part.kind == "field feedback")
    assert feedback.current_size == feedback.size, "what devices sent is no older version, and not to be removed as one"
    assert found.usd_a_month == pytest.approx(4 * 0.023 + 0.004)
    assert found.unpriced == ("SOMETHING_NEW",)
    advice = {entry.what: entry.usd_a_year for entry in figured(artifacts, found).advice}
    assert advice["remove versions that no pointer names"] == pytest.approx(12 * 0.023)
    archived = prices.a_gb_month("GLACIER")
    assert advice["archive versions that no pointer names"] == pytest.approx(12 * (0.023 - archived), abs=1e-4)


def test_a_pointer_is_no_older_version():
    stored = [Stored(f"{layout.PROCESSED}/current.json", 4000, "STANDARD", 0)]
    (found,) = measure(stored, frozenset(), price_table.prices(RecordsSettings())).measured
    assert found.current_size == found.size


def test_a_price_holds_from_its_very_day_on():
    listed = [{"type": "ml.x1", "since": date(2026, 1, day), "usd": day} for day in (1, 10)]
    prices = price_table.PriceTable(source="a list", instances=listed)
    days = [date(2025, 12, 31), date(2026, 1, 9), date(2026, 1, 10)]
    assert [prices.an_hour("ml.x1", day) for day in days] == [None, 1, 10]


def test_advice_stands_in_the_order_of_money(artifacts):
    saved = [entry.usd_a_year for entry in figured(artifacts).advice]
    assert saved == sorted(saved, reverse=True)
    assert len(saved) >= 3


def test_what_would_cost_more_is_no_advice(artifacts):
    """A device that is dearer than the endpoint stood among what would save most, with a minus."""
    dear = figured(artifacts, endpoint_instance="ml.c5.large", device_usd_a_year=1000)
    assert dear.year.endpoint_a_year < dear.year.device_a_year
    assert all(entry.usd_a_year > 0 for entry in dear.advice)


def test_what_was_trained_on_spot_capacity_is_not_advised_to_be(artifacts):
    def saved():
        return [each.usd_a_year for each in figured(artifacts).advice if each.what == "train on spot capacity"]

    before, teacher = saved(), replace(artifacts.current(layout.TEACHER), digest="5" * 64)
    log(artifacts, "teacher_weights", teacher, 3600, {"instance": "ml.p4d.24xlarge", "spot": True})
    assert figured(artifacts).of_runs == pytest.approx(6.554 + 32.77)
    assert saved() == before


def test_the_report_tells_both_sums_and_draws_them(artifacts):
    sources, _ = sources_of(artifacts)
    found = figured(artifacts)
    files = cost_report.files(found, sources.prices, sources.history, cost_report.plots(found))
    page = files[cost_report.PAGE].decode()
    assert "$11.50 was recorded before this pipeline, $6.55 is figured" in page
    assert "$727 saved in year 1" in page
    assert all(data.startswith(b"\x89PNG") for key, data in files.items() if key.endswith(".png"))
    drawn = {key.rpartition("/")[2] for key in files if key.endswith(".png")}
    assert {name for name in ("training.png", "year.png", "storage.png") if f"({name})" in page} == drawn


def test_tables_hold_a_row_for_each_model_and_a_total(artifacts):
    files = metrics.files(built(artifacts), figured(artifacts))
    assert {key.rpartition("/")[2] for key in files} == {*metrics.TABLES, "model_lineage.json", "summary.json"}

    def rows(name):
        return list(csv.DictReader(io.StringIO(files[f"{layout.METRICS}/{name}"].decode())))

    compression = {row["model"]: row for row in rows("compression_metrics.csv")}
    assert float(compression["efficientnet-student-int8"]["times_fewer_parameters"]) == pytest.approx(69.68, abs=0.01)
    assert "efficientnet-hailo" not in compression, "what was not built compresses nothing"
    assert float(rows("cost_breakdown.csv")[-1]["usd"]) == pytest.approx(18.054, abs=0.001)
    asked = {row["model"]: row["of"] for row in rows("model_performance.csv")}
    assert asked["efficientnet-student-int8"] == "whole answers in the whole gallery"
    assert asked["efficientnet-student-stage2"] == "search alone among test cards and training cards"
