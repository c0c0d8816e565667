"""What docs/scale.md says of millions of cards is what benchmarks/capacity.py computes, and that computes as it says."""

import importlib.util
import json
import math
import shutil
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def capacity():
    spec = importlib.util.spec_from_file_location("capacity", ROOT / "benchmarks/capacity.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def assumed():
    return yaml.safe_load((ROOT / "benchmarks/capacity.yaml").read_text())


def test_the_tables_of_the_document_are_the_computed_ones(capacity, tmp_path, capsys):
    results = shutil.copy(capacity.RESULT, tmp_path / "capacity.json")
    assert capacity.main(["--results", str(results)]) == 0
    document = (ROOT / "docs/scale.md").read_text()
    for table in capsys.readouterr().out.strip().split("\n\n"):
        assert table in document


def test_every_assumption_has_its_source(assumed):
    def unsourced(value, place=""):
        if isinstance(value, dict) and "source" not in value:
            yield from (found for name, each in value.items() for found in unsourced(each, f"{place}.{name}"))
        elif not isinstance(value, dict):
            yield place

    assert set(unsourced(assumed)) == {".cards", ".devices", ".gpus"}


def test_a_cdn_is_paid_by_its_steps_above_what_is_free(capacity, assumed):
    prices = assumed["prices"] | {"requests": {"free": {"value": math.inf}, "for_10000": {"value": 1}}}
    assert capacity.egress(1e12, prices) == 0
    assert capacity.egress(21e12, prices) == pytest.approx(10_000 * 0.085 + 10_000 * 0.080)


def test_what_a_release_changes_is_what_was_measured_where_it_was(capacity):
    growth = json.loads(capacity.GROWTH.read_text())["rows"]
    measured = next(row["bytes_fetched"] for row in growth if row["new"] == 10 and row["cards"] // 1000 == 16)
    assert capacity.changed(16000, 10, growth) == pytest.approx((measured, measured))
    with pytest.raises(ValueError, match="500 new cards a release were not measured: between 1 and 100 were"):
        capacity.changed(16000, 500, growth)
