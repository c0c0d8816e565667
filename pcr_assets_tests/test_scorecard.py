"""What `make bench` puts beside what: a ratio beside the last report's, ours beside its peers; and what it refuses to measure."""

import json
from pathlib import Path
from types import SimpleNamespace

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


def test_without_a_store_only_what_draws_its_own_cards_can_be_asked(tmp_path, capsys):
    import bench

    with pytest.raises(SystemExit):
        bench.main(["--only", "simulator", "frame", "--output", str(tmp_path / "report")])
    assert "without a store there is nothing to ask frame" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        bench.main(["--store", "s3://bucket/store", "--cards", "cards", "--output", str(tmp_path / "report")])
    assert "must lie in folders of this machine" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_a_place_that_will_not_do_is_one_sentence(tmp_path, capsys):
    from scorecard.places import ended, opened

    assert ended(lambda: opened(tmp_path)) == 2
    said = capsys.readouterr().err
    assert "releases is not there" in said
    assert said.count("\n") == 1


def test_at_most_64_cards_are_taken_of_a_folder_and_none_that_cannot_be_read(tmp_path):
    import cv2
    import numpy as np
    from scorecard.places import cards_from

    from pcr_assets.resources.store import StoreError

    with pytest.raises(StoreError, match="holds no picture that can be read"):
        cards_from(tmp_path)
    for number in range(127):
        cv2.imwrite(str(tmp_path / f"{number:03d}.png"), np.full((88, 63, 3), number, np.uint8))
    (tmp_path / "000.png").write_bytes(b"no picture")
    shown = cards_from(tmp_path)
    assert [int(card[0, 0, 0]) for card in shown] == list(range(2, 127, 2))


def rival(name, milliseconds, recall=1.0, megabytes=30.0):
    from indexes.contest import Rival

    return Rival(name, name == "ours", 0, recall, milliseconds, milliseconds, 1.0, 1.0, megabytes)


def test_an_index_is_put_beside_the_best_of_those_that_reached_the_recall():
    from index_search import ratios

    field = [
        rival("ours", 2.0),
        rival("uSearch graph", 1.0),
        rival("FAISS flat", 8.0, megabytes=60),
        rival("FAISS IVF", 0.1, 0.9),
    ]
    assert [(ratio.what, ratio.against, ratio.value) for ratio in ratios(1000, field)] == [
        ("search of 1,000, one core", "FAISS flat", 0.25),
        ("search of 1,000, one core", "the fastest of the others at recall 99%", 2.0),
        ("file of 1,000", "the smallest of the others at recall 99%", 1.0),
    ]
    assert [ratio.against for ratio in ratios(1000, field[:2])] == [ratio.against for ratio in ratios(1000, field)[1:]]
    assert ratios(1000, field[1:]) == []  # --only without ours
    assert ratios(1000, field[:1]) == []


def test_our_index_is_searched_as_a_device_searches_it(tmp_path):
    import numpy as np
    from indexes.contest import KINDS
    from indexes.grown_vectors import unit

    from edge_runtime.gallery import Gallery

    vectors = unit(np.random.default_rng(0).normal(size=(50, 96))).astype(np.float32)
    KINDS["ours"].build(vectors, tmp_path / "ours", threads=1)
    search = KINDS["ours"].open(tmp_path / "ours")(0)
    with pytest.MonkeyPatch.context() as patched:
        asked = []
        whole = Gallery.search
        patched.setattr(Gallery, "search", lambda *given: asked.append(1) or whole(*given))
        assert [int(search(vectors[row])[0]) for row in (0, 7, 49)] == [0, 7, 49]
    assert len(asked) == 3


def test_sizes_of_the_index_that_another_machine_measured_are_measured_again(tmp_path):
    from growth_of_index import known

    said = {"machine": {"processor": "P", "cores": 2}, "vectors": "drawn", "sizes": [{"scans": 1000}]}
    (tmp_path / "growth.json").write_text(json.dumps(said))
    here = {"processor": "P", "cores": 2, "load": 0.1}
    assert known(tmp_path / "growth.json", here, "drawn") == [{"scans": 1000}]
    assert known(tmp_path / "growth.json", here, "of a store") == []
    assert known(tmp_path / "growth.json", {**here, "processor": "Q"}, "drawn") == []
    assert known(tmp_path / "none.json", here, "drawn") == []


@pytest.mark.parametrize(
    ("drawn", "limit"), [(False, "the full build"), (True, "the full build, its embeddings drawn")]
)
def test_a_full_build_that_embedded_little_is_called_so(drawn, limit):
    from incremental import ratios

    full = {"cards": 1000, "new": 0, "made_up_vectors": drawn}
    (found,) = ratios([full, {**full, "new": 1, "share_of_full_seconds": 0.3}])
    assert (found.what, found.against, found.value) == ("1 new in 1,000: seconds", limit, 0.3)


def test_what_comparing_with_a_whole_gallery_would_take_counts_the_points_of_a_query_once(monkeypatch):
    import numpy as np
    from contest import brute_force
    from contest.evidence import Query
    from peers.base import Ranking

    ids = [f"base1-{number}" for number in range(1000)]
    gallery = SimpleNamespace(
        cards=ids, card_ids=ids, names=ids, rows={card_id: row for row, card_id in enumerate(ids)}
    )

    class Peer:
        def compared(self, picture, rows):
            return Ranking(np.array(rows), np.ones(len(rows)), 1.0)

    clock = iter(range(1000))
    monkeypatch.setattr(brute_force.time, "process_time", lambda: 0.1 * next(clock))
    said = brute_force.brute_force(Peer(), [Query(np.zeros((1, 1, 3)), "base1-1")], gallery, points_ms=40.0)
    assert (said["ms_measured"], said["sample_cards"]) == (pytest.approx(100), 100)
    assert said["ms_extrapolated_to_the_gallery"] == pytest.approx(40 + 60 * 10)
