"""The outline filter: trained on rendered scenes it prefers the outlines of whole cards, and says so to the edge."""

import json

import numpy as np
import onnx
import pytest

from edge_runtime.finding.locate import find_cards
from edge_runtime.finding.outline_filter import OutlineFilter
from edge_runtime.geometry import overlap
from pcr_assets.imaging import camera
from pcr_assets.imaging.sample import render_card, specs
from pcr_assets.learning import outline_filter
from pcr_assets.learning.judges import trusted
from pcr_assets.learning.outline_filter import FILE, OutlineFilterJob, mistakes, threshold
from pcr_assets.learning.outlines import Outlines, scene

QUICK = {
    "strengths": ["easy"],
    "kept_at": ["easy"],
    "scenes": 12,
    "held_out": 4,
    "steps": 120,
    "batch": 64,
    "widths": [8, 16, 16],
}


def run(snapshot, out, **settings):
    job = {
        "settings": {**QUICK, **settings},
        "snapshot": str(snapshot / "snapshot.parquet"),
        "shards": [str(snapshot / "shard.parquet")],
        "out": str(out),
    }
    return outline_filter.train(OutlineFilterJob.model_validate(job), say=lambda line: None)


@pytest.fixture(scope="module")
def trained(snapshot, tmp_path_factory):
    """The folder of a filter that learned a little."""
    out = tmp_path_factory.mktemp("filter")
    run(snapshot, out)
    return out


def test_outlines_of_cards_that_it_never_saw_are_likelier_than_those_of_anything_else(trained):
    found = OutlineFilter(trained / FILE, threads=1)
    others = [render_card(card.design) for card in specs(sets=2, cards_per_set=6)[3::4]]
    whole, nothing = [], []
    for number in range(6):
        photo, places = camera.scene(others[:2], np.random.default_rng([9, number]), (640, 480), strength="easy")
        for outline, likely in _looked_at(found, photo):
            fits = max(overlap(outline, place) for place in places)
            (whole if fits >= 0.8 else nothing if fits < 0.65 else []).append(likely)
    assert len(whole) >= 8
    assert np.mean(np.array(whole)[:, None] > np.array(nothing)) > 0.75


def _looked_at(found, photo):
    outlines = [quad.corners for quad in find_cards(photo)]
    return zip(outlines, found.probabilities(photo, outlines), strict=True)


def test_the_metadata_tells_the_edge_what_it_must_know(trained):
    found, metrics = OutlineFilter(trained / FILE), json.loads((trained / "metrics.json").read_text())
    assert (found.size, found.margin) == ((48, 64), 1.3)
    assert found.threshold == pytest.approx(metrics["threshold"])
    assert metrics["test"]["easy"]["cards"] >= metrics["test"]["easy"]["cards found"]


def test_the_graph_is_made_of_what_the_compiler_knows(trained):
    compiled = {"Conv", "Clip", "Flatten", "Gemm", "Sigmoid", "Constant"}
    # What the host or the chip's own normalisation does with the pixels, and with the result.
    around = {"Cast", "Transpose", "Sub", "Div", "Squeeze"}
    assert {node.op_type for node in onnx.load(str(trained / FILE)).graph.node} <= compiled | around


def test_the_same_job_gives_the_same_filter(snapshot, tmp_path):
    few = {"scenes": 4, "held_out": 2, "steps": 3}
    first, second, other = (run(snapshot, tmp_path / str(seed), **few, seed=seed // 2)["digest"] for seed in (0, 1, 2))
    assert first == second != other


def test_a_split_without_cards_has_scenes_without_cards():
    photo, places = scene(None, 0, "easy", np.random.default_rng(0))
    assert places == []
    assert photo.shape[2] == 3


def outlines(overlaps, numbers):
    return Outlines(np.zeros((len(overlaps), 2, 2, 3), np.uint8), np.float32(overlaps), np.array(numbers), 3)


def test_a_card_is_lost_when_none_of_its_outlines_stays():
    seen = outlines([0.9, 0.85, 0.9, 0.5, 0.95], [0, 0, 1, 1, 2])
    likely = np.float32([0.1, 0.8, 0.3, 0.9, 0.6])
    np.testing.assert_allclose(seen.best(likely), [0.3, 0.6, 0.8])
    assert threshold(seen, likely, most_lost=0.0) == pytest.approx(0.3)
    assert threshold(seen, likely, most_lost=0.34) == pytest.approx(0.6)


def test_where_no_card_is_found_nothing_is_dropped():
    assert threshold(outlines([0.2], [-1]), np.float32([0.4]), most_lost=0.0) == 0.0


@pytest.mark.parametrize(
    ("cards", "lost", "may_drop"), [(100, 1, True), (100, 4, False), (10, 0, False), (0, 0, False)]
)
def test_a_filter_that_loses_cards_or_was_asked_about_few_drops_nothing(cards, lost, may_drop):
    best = np.where(np.arange(cards) < lost, 0.1, 0.9)
    assert trusted(best, 0.5) == may_drop


def test_the_worst_mistakes_come_first():
    worst = mistakes(outlines([0.9, 0.9, 0.1, 0.1], [0, 1, -1, -1]), np.float32([0.2, 0.1, 0.7, 0.9]), 0.5)
    np.testing.assert_allclose(worst["dropped_at"], [0.1, 0.2])
    np.testing.assert_allclose(worst["kept_at"], [0.9, 0.7])
