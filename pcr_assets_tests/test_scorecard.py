"""How `make bench` puts a ratio beside the last report's."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))


def spread(*values, better="lower", asked=None):
    from scorecard.ratio import Spread

    return Spread("a step", "the bare pass", better, asked, values)


def test_runs_of_one_benchmark_become_a_spread():
    from scorecard.ratio import Ratio, gathered

    runs = [[Ratio("a step", "the bare pass", value, asked=1.5).as_json()] for value in (1.2, 1.6, 1.3)]
    (found,) = gathered(runs)
    assert found == spread(1.2, 1.6, 1.3, asked=1.5)
    assert found.median == 1.3
    assert found.reached


@pytest.mark.parametrize(
    ("now", "before", "better", "said"),
    [
        ((1.0, 1.2), (1.1, 1.3), "lower", "same"),
        ((1.4, 1.5), (1.1, 1.3), "lower", "worse"),
        ((0.8, 0.9), (1.1, 1.3), "lower", "better"),
        ((0.8, 0.9), (1.1, 1.3), "higher", "worse"),
    ],
)
def test_a_ratio_has_changed_only_where_the_ranges_do_not_meet(now, before, better, said):
    assert spread(*now, better=better).beside(spread(*before, better=better)) == said
    assert spread(*now, better=better).beside(None) == "new"


def test_a_report_says_what_was_not_reached_and_what_failed():
    from scorecard import page

    about = {"processor": "P", "cores": 2, "memory_gib": 8, "system": "S", "python": "3", "load": 0, "packages": {}}
    report = {"machine": about, "runs": 2, "on": "drawn cards", "failed": {"frame": "no <release>"}}
    said = page.markdown(report, [("A training step", [(spread(2.0, 2.2, asked=1.5), "worse")])])
    assert "| a step | the bare pass | **2.1** | 2–2.2 | lower | ≤ 1.5: **no** | worse |" in said
    assert "- frame: no <release>" in said
    assert "another processor" not in said
    assert "of another processor, Q:" in page.markdown({**report, "last_machine": "Q"}, [])
    shown = page.html(report, [("A training step", [(spread(2.0, 2.2), "new")])])
    assert "<svg role='img'" in shown
    assert "frame: no &lt;release&gt;" in shown
    assert "<svg" not in page.html(report, [])


def test_what_did_not_run_keeps_its_ratios_and_says_so(tmp_path):
    from scorecard import page
    from scorecard.plan import BENCHMARKS

    about = {"processor": "P", "cores": 2, "memory_gib": 8, "system": "S", "python": "3", "load": 0, "packages": {}}
    report = {"machine": about, "runs": 2, "on": "real cards", "failed": {}}
    last = {"simulator": [spread(3.0, 3.2)], "frame": [spread(2.0, 2.2)]}
    rows = {"frame": [spread(1.0, 1.2)]}
    page.write(tmp_path / "report", report, page.sections(BENCHMARKS, rows, last, last), {**last, **rows})
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["report.html", "report.json", "report.md"]
    kept = page.read(tmp_path / "report.json")
    assert [spreads[0]["values"] for spreads in kept["benchmarks"].values()] == [[3.0, 3.2], [1.0, 1.2]]
    said = (tmp_path / "report.md").read_text()
    assert "| **3.1** | 3–3.2 | lower |  | not run again |" in said
    assert "| **1.1** | 1–1.2 | lower |  | better |" in said


def test_ratios_of_another_processor_are_not_kept():
    from scorecard.page import same_processor

    about = {"processor": "P", "cores": 2, "load": 0.1}
    assert same_processor(about, {"machine": {"processor": "P", "cores": 2, "load": 1.5}})
    assert not same_processor(about, {"machine": {"processor": "P", "cores": 4}})
    assert not same_processor(about, {})
