"""The printing verifier: trained on made-up printings of rendered cards it prefers the very printing, and says so to the edge."""

import json

import numpy as np
import pytest

from edge_runtime.judging.printing_verifier import PrintingVerifier
from pcr_assets.learning import printing_verifier
from pcr_assets.learning.data import read_cards
from pcr_assets.learning.printing_pairs import Pairs, pairs
from pcr_assets.learning.printing_verifier import (
    FILE,
    PrintingVerifierJob,
    by_way,
    measured,
    mistakes,
    scores,
    threshold,
)
from pcr_assets.learning.settings import PrintingVerifierSettings

QUICK = {"strengths": ["easy"], "pairs": 120, "held_out": 40, "widths": [8, 16, 16], "steps": 60, "batch": 32}


def run(snapshot, out, **settings):
    job = {
        "settings": {**QUICK, **settings},
        "snapshot": str(snapshot / "snapshot.parquet"),
        "shards": [str(snapshot / "shard.parquet")],
        "out": str(out),
    }
    return printing_verifier.train(PrintingVerifierJob.model_validate(job), say=lambda line: None)


@pytest.fixture(scope="module")
def trained(snapshot, tmp_path_factory):
    """The folder of a verifier that learned a little."""
    out = tmp_path_factory.mktemp("verifier")
    run(snapshot, out)
    return out


@pytest.fixture(scope="module")
def asked(snapshot):
    """Pairs of cards that it never saw."""
    cards = read_cards(snapshot / "snapshot.parquet", [snapshot / "shard.parquet"], "test")
    return pairs(cards, PrintingVerifierSettings(**{**QUICK, "seed": 5}), "test", "easy", 80, threads=2)


def test_the_very_printing_of_a_card_that_it_never_saw_is_likelier_than_another(trained, asked):
    likely = scores(trained / FILE, asked)
    assert np.mean(likely[asked.same][:, None] > likely[~asked.same]) > 0.9


def test_the_edge_gives_what_training_measured(trained, asked):
    verifier, metrics = PrintingVerifier(trained / FILE, threads=1), json.loads((trained / "metrics.json").read_text())
    assert verifier.threshold == pytest.approx(metrics["threshold"])
    (found,) = verifier._session.run(None, {"pairs": asked.views[:1].astype(np.float32)})[0]
    assert found == pytest.approx(scores(trained / FILE, asked)[0], abs=1e-5)
    assert verifier.threshold_small == pytest.approx(metrics["threshold_small"])
    assert verifier.least(200) == verifier.threshold <= verifier.least(100) == verifier.threshold_small
    counted = metrics["test"]["easy"]
    assert counted["cards"] + counted["other printings"] == metrics["pairs"]["test"]


def test_the_same_job_gives_the_same_verifier(snapshot, tmp_path):
    few = {"pairs": 12, "held_out": 6, "steps": 3}
    first, second, other = (run(snapshot, tmp_path / str(seed), **few, seed=seed // 2)["digest"] for seed in (0, 1, 2))
    assert first == second != other


def test_one_card_alone_is_only_ever_itself(snapshot):
    cards = read_cards(snapshot / "snapshot.parquet", [snapshot / "shard.parquet"], "test")
    alone = pairs(
        type(cards)(["a"], ["a"], cards.classes[:1], cards.image), PrintingVerifierSettings(), "x", "easy", 6, 1
    )
    assert len(alone)
    assert alone.same.all()


def test_of_no_cards_there_are_no_pairs(snapshot):
    cards = read_cards(snapshot / "snapshot.parquet", [snapshot / "shard.parquet"], "nothing")
    none = pairs(cards, PrintingVerifierSettings(), "nothing", "easy", 6, 1)
    assert none.views.shape == (0, 2, 176, 126)
    assert threshold(none, np.empty(0, np.float32), most_lost=0.1) == 0.0


SEEN = Pairs(
    np.zeros((5, 2, 2, 2), np.float16), np.array([True, True, True, False, False]), ["", "", "", "name", "frame"]
)
LIKELY = np.float32([0.9, 0.2, 0.8, 0.1, 0.7])


def test_the_threshold_refuses_no_more_cards_than_it_may():
    assert threshold(SEEN, LIKELY, most_lost=0.0) == pytest.approx(0.2)
    assert threshold(SEEN, LIKELY, most_lost=0.34) == pytest.approx(0.8)


def test_what_was_refused_is_counted():
    assert measured(SEEN, LIKELY, 0.5) == {
        "cards": 3,
        "cards refused": 1,
        "other printings": 2,
        "other printings refused": 1,
    }
    assert by_way(SEEN, LIKELY, 0.5)["name"] == {"other printings": 1, "refused": 1}
    worst = mistakes(SEEN, LIKELY, 0.5)
    np.testing.assert_allclose(worst["refused_at"], [0.2])
    np.testing.assert_allclose(worst["taken_at"], [0.7])
