"""A figure that a page takes from benchmarks/results/ is the one that stands there, rounded as the page rounds it."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")


def result(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def told(page, row):
    """The figures of each row of a page's tables that begins with these words, those of its first cell left out."""
    lines = (ROOT / f"docs/{page}.md").read_text().splitlines()
    return [NUMBER.findall(line.split("|", 2)[2]) for line in lines if re.match(rf"\| {re.escape(row)}[ :,]", line)]


def is_rounded(figure, value):
    decimals = len(figure.partition(".")[2])
    return abs(float(figure.replace(",", "")) - value) <= 0.5 * 10**-decimals + 1e-9


def agree(figures, measured):
    return len(figures) == len(measured) and all(map(is_rounded, figures, measured))


def of_films(kind, figure):
    return [STREAM[way][kind][figure] for way in ("each_frame_alone", "over_frames", "as_a_stream")]


def of_ablation(measured):
    medium, hard = measured["recall"]["medium"], measured["recall"]["hard"]
    shares = [medium["recall_at_1"], hard["recall_at_1"], hard["low"], hard["high"], hard["art_recall_at_1"]]
    shares += [hard["art_recall_beyond_strangers"], medium["same_card_above_0.8"]]
    return [*(100 * share for share in shares), measured["different_cards"]["mean_cosine"]]


def of_growth(measured):
    def cpu(what):
        return sum(what[step]["cpu_seconds"] for step in ("update", "digest", "save"))

    memory, search = measured["build"]["peak_mb"], measured["search"]
    large = memory > 1000
    return [
        measured["build"]["update"]["cpu_seconds"],
        memory / 1000 if large else memory,
        measured["build"]["file_mb"] / (1000 if large else 1),
        cpu(measured["change"]),
        search["open"]["cpu_seconds"],
        search["cpu_milliseconds"]["median"],
        measured["flat"]["cpu_milliseconds"]["median"],
        100 * search["recall"],
    ]


def of_sets(step):
    return [figure for row in result("sets")["rows"] for figure in (row[step][name] for name in COLUMNS_OF_SETS)]


def of_pages(page):
    return [row["pages"][page][name] for row in result("sets")["rows"] for name in ("milliseconds", "kb")]


COLUMNS_OF_SETS = ("cpu_seconds", "peak_mb", "event_log_kb")


def of_step(measured):
    return [measured["cpu_seconds"], measured["peak_mb"]]


def all_of(column):
    """Of the steps that make the project's records."""
    names = list(GROWN)
    return [GROWN[name][column] for name in names[names.index("edge_release") + 1 :]]


def of_stage(name):
    trained = result("gpu_training")["stages"][name]
    medium, hard = trained["test"]["recall"]["medium"], trained["test"]["recall"]["hard"]
    shares = [medium["recall_at_1"], hard["recall_at_1"], hard["low"], hard["high"], hard["art_recall_at_1"]]
    return [trained["steps"], trained["wall_s"], *(100 * share for share in [*shares, medium["same_card_above_0.8"]])]


def of_tick(tick):
    names = ("keys", "tick_seconds", "boto3_list_seconds", "ratio", "tick_cpu_seconds", "boto3_list_cpu_seconds")
    return [*(tick[name] for name in names), tick["peak_memory_mb"], tick["load"]]


GRAPH, LARGE, S3, SERVED = (result(name) for name in ("whole_graph", "whole_graph_100000", "s3_store", "edge"))
STREAM = result("stream")
FILMED = {
    "a card": "card",
    "a twin": "twin",
    "a card that the gallery lacks": "unknown",
    "a card of another game": "stranger",
}
GROWN = GRAPH["grown"]["steps"]
ABLATIONS = ("teacher", "stage1", "stage2-400", "stage2-1200", "stage2-1200-no-neighbours", "stage2-1200-new-head")
ABLATIONS += ("alone-1200", "stage2-new-head-400", "stage2-scale-16", "stage2-scale-16-margin-0.1", "stage2-scale-10")
ABLATIONS += ("stage2-last-5-blocks-600", "alone-400")
THEN = {"a plan": "plan", "a tick of the sensor": "tick", "`make gc`": "gc"}
STAGES = {
    "teacher, 30 epochs": "teacher",
    "student without a teacher, 19 epochs": "undistilled",
    "stage 1, 19 epochs": "stage1",
    "**stage 2, 38 epochs**": "stage2",
}
SETS = {
    "cards, all new": "build cards",
    "all that follows from them": "build the rest",
    "a plan": "plan",
    "a refresh with nothing to do": "nothing to do",
    "a refresh for one changed card": "one set changed",
}

ROWS = [
    *(("ablations", f"`{name}`", of_ablation(result("ablation")[name])) for name in ABLATIONS),
    ("ablations", "**`stage2`", of_ablation(result("ablation")["stage2"])),
    *(("training", row, of_stage(name)) for row, name in STAGES.items()),
    *(("scale", f"`{name}`", of_step(GROWN[name])) for name in list(GROWN) if name.startswith(("card_", "processed"))),
    ("scale", "`recognition_report`", of_step(GROWN["recognition_report"])),
    ("scale", "`edge_release`", of_step(GROWN["edge_release"])),
    ("scale", "all of the project's records", [sum(all_of("cpu_seconds")), max(all_of("peak_mb"))]),
    ("scale", "to start", of_step(GROWN["between steps"])),
    *(("scale", row, [measured[name]["cpu_seconds"]]) for row, name in THEN.items() for measured in (GRAPH, LARGE)),
    ("scale", "a refresh with nothing to do", [LARGE["nothing to do"]["cpu_seconds"]]),
    *(("scale", f"page: {page}", of_pages(page)) for page in GRAPH["pages"] if page != "load"),
    *(("scale", row, of_sets(name)) for row, name in SETS.items()),
    *(("scale", f"{size['scans']:,}", of_growth(size)) for size in result("growth_of_index")["sizes"]),
    *(("automation", "SeaweedFS", of_tick(tick)) for tick in result("sensor")["SeaweedFS"]),
    *(("automation", "listing server", of_tick(tick)) for tick in result("sensor")["listing server, 0 s latency"]),
    (
        "operations",
        "`serve`, 200 frames",
        [200, *(each["resident"] for each in list(SERVED["serving_mb"].values())[1:])],
    ),
    ("watching", "cards named right, of 60", of_films("card", "named_right")),
    ("watching", "twins named right, of 60", of_films("twin", "named_right")),
    ("watching", "twins answered with the right candidates, of 60", of_films("twin", "among_the_candidates")),
    ("watching", "answers in 1,000 frames: cards", of_films("card", "answers_in_1000_frames")),
    ("watching", "answers in 1,000 frames: twins", of_films("twin", "answers_in_1000_frames")),
    *(("watching", row, list(STREAM["cpu_ms_a_frame"][kind].values())[:2]) for row, kind in FILMED.items()),
    ("s3", "list 5,000 keys", list(S3["seconds"]["list"].values())),
    ("s3", "upload 256 MB with SHA-256", [16, *S3["seconds"]["upload the large object"].values()]),
    ("s3", "fetch 256 MB; ours also compares its SHA-256", list(S3["seconds"]["fetch the large object"].values())),
]

TARGETS = {
    "whole frame": 0,
    "medium camera and a fifth": 1,
    "medium camera and glare": 2,
    "strangers named": 5,
    "cards that the gallery lacks named, cut out": 6,
    "cards that the gallery lacks named, anywhere": 7,
    "two views of a card, easy camera": 9,
    "two views of a card, medium camera": 10,
}
"""Rows of the page of targets that have an interval, and which of the measured targets each is."""


@pytest.mark.parametrize(("page", "row", "measured"), ROWS, ids=[f"{page} {row}" for page, row, _ in ROWS])
def test_a_row_of_a_table_says_what_was_measured(page, row, measured):
    assert any(agree(figures, measured) for figures in told(page, row)), (told(page, row), measured)


@pytest.mark.parametrize(("row", "number"), TARGETS.items())
def test_a_target_is_told_as_it_was_measured(row, number):
    """The last columns are those of the profile that is measured again with each build."""
    measured = result("targets")["targets"][number]
    shares = [100 * measured[name] for name in ("measured", "low", "high")]
    (figures,) = told("targets", row)
    assert agree(figures[-4:], [*shares, measured["count"]]), (figures, measured)


def test_the_table_of_new_cards_is_the_one_that_the_benchmark_prints(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from incremental import table

    page = (ROOT / "docs/incremental.md").read_text()
    assert table(result("incremental")["rows"]).partition("\n\n")[0] in page
