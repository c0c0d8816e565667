"""What a person reads of a materialization on an asset's page."""

import base64
import errno
import io
import re

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from pcr_assets.assets import edge_networks, models, show
from pcr_assets.assets.declare import asset, materialized
from pcr_assets.imaging import charts
from pcr_assets.imaging.markdown import as_markdown
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.folder_store import FolderStore
from pcr_assets.resources.store import StoreError


@pytest.fixture
def published(tmp_path):
    return Artifacts(FolderStore(tmp_path)).publish("cards", {"names": b"abc"}, digest="0" * 64)


def test_numbers_have_the_digits_that_are_read_and_what_counts_is_whole(published):
    shown = materialized(
        published, {"threshold": 0.16272971034049988, "small": 0.000012345678, "cards": 123456, "moved": True}
    )
    assert shown.metadata["threshold"] == 0.1627
    assert shown.metadata["small"] == 0.00001235
    assert shown.metadata["cards"] == 123456
    assert shown.metadata["moved"] is True


def test_a_table_names_its_columns_as_they_are_read_and_gives_an_interval_one():
    found = {"answered_high": 0.2, "art_recall_at_1": 0.5, "high": 0.15, "low": 0.1, "recall_at_1": 0.123456}
    (row,) = show.rows({"hard": {**found, "one of these": 0.0}}, "camera").records
    assert list(row.data.items()) == [
        ("camera", "hard"),
        ("art@1", 0.5),
        ("recall@1", 0.1235),
        ("95 %", "0.100–0.150"),  # behind the share that it is about
        ("one of these", 0.0),
    ]


def test_a_picture_says_what_it_is():
    assert as_markdown(b"\xff\xd8\xff\xe0", "confusions").startswith("![confusions](data:image/jpeg;base64,")
    assert as_markdown(b"\x89PNG", "curve").startswith("![curve](data:image/png;base64,")


def test_a_chart_in_the_event_log_has_less_than_half_of_its_bytes_and_looks_alike(published):
    chart = charts.curves(
        {"loss": [3.0, 2.0, 1.5, 1.2], "validation": [3.1, 2.2, 1.9, 1.8]}, title="loss", x_label="step"
    )
    kept = materialized(published, {"loss": dg.MetadataValue.md(chart)}).metadata["loss"].md_str
    assert len(kept) < len(chart) / 2
    before, after = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(text.partition("base64,")[2][:-1]))).convert("RGB"), int)
        for text in (chart, kept)
    )
    assert np.abs(before - after).max() < 16


def test_no_description_is_indented_for_the_page_would_show_it_as_code():
    from pcr_assets.definitions import defs

    graph = defs.resolve_asset_graph()
    told = {key.to_user_string(): graph.get(key).description or "" for key in graph.get_all_asset_keys()}
    assert all(told.values())
    assert not [key for key, text in told.items() if "\n    " in text]


ROOM = 463
"""Pixels that the page has for a table, in a window of 1400 (measured in Dagster's UI 1.13)."""
HEADING, CELL, FRAME = 7.2, 8.4, 17
"""Pixels of a letter of a heading, which stays in one line; of a value, broken at blanks, hyphens and dashes; around both."""


def width(table):
    """How wide a browser draws a table at least."""

    def of(column):
        cells = [str(record.data[column]) for record in table.records if record.data[column] is not None]
        longest = max(len(piece) for cell in cells for piece in re.split(r"[ –-]", cell))
        return max(HEADING * len(column), CELL * longest) + FRAME

    return sum(of(column) for column in table.records[0].data)


SEEN = {
    "queries": 400,
    "recall_at_1": 0.8925,
    "recall_at_5": 0.9975,
    "art_recall_at_1": 0.9725,
    "low": 0.823,
    "high": 0.891,
}
SEARCHED = {**SEEN, "art_recall_beyond_strangers": 0.545, "same_card_cosine": 0.7607, "same_card_above_0.8": 0.4225}
SHARES = {"answered": 0.9667, "right": 0.9167, "one of these": 0.0312, "wrong": 0.0208, "refused": 0.0312}
ANSWERED = {**SEEN, "cards": 200, "low_at_5": 0.975, "high_at_5": 1.0, "answered_high": 0.989, **SHARES}


def test_tables_of_recall_are_no_wider_than_the_page_and_say_how_answers_ended():
    """What is wider is cut off, and a sentence beside it too: of whole answers nobody saw which were wrong, or refused."""
    searched = show.rows({"medium": SEARCHED, "hard": SEARCHED}, "strength", show.SEARCH)
    answered = show.rows({"int8, medium": ANSWERED, "fp32, hard": ANSWERED}, "variant", show.ANSWERS)
    assert [*searched.records[0].data] == ["strength", "recall@1", "95 %", "recall@5", "art@1", "same card"]
    assert [*answered.records[0].data] == ["variant", "asked", "recall@1", "95 %", "art@1", "wrong", "refused"]
    parts = {"Evolutions (swsh12pt5)": ANSWERED, "sharpening, worst": ANSWERED}
    of_sets = show.rows(parts, "effect", show.PARTS)
    assert [*of_sets.records[0].data] == ["effect", "recall@1", "95 %", "art@1", "wrong", "refused"]
    agreed = {"minimum": 0.999921, "p5": 0.99994, "mean": 0.999983, "max_abs": 0.000132}
    exported = show.rows({"student_hailo.onnx": agreed}, "graph", show.AGREEMENT)
    assert max(map(width, (searched, answered, of_sets, exported))) <= ROOM


def test_the_tables_of_a_model_and_of_the_edges_networks_are_no_wider_either():
    recall = {"hard": SEARCHED, "medium": SEARCHED}
    record = {"recall": recall, "different_cards": {"mean_cosine": 0.1}, "parameters": 3, "teacher_license": "MIT"}
    found = {"recall_at_1": 0.9325, "recall_at_5": 0.9975, "art_recall_at_1": 0.9725}
    look = {name: {"recall": share} for name, share in found.items()}
    looked = {"step": 2400, **look, "same_card": 0.7607, "mean_cosine": 0.0012}
    model = models._shown({"curves": {"loss": [2.0, 1.0], "validation": [looked]}}, record)
    assert model["art found beyond strangers (hard camera)"] == 0.545
    scenes = {"cards": 206, "cards found": 177, "cards lost": 0, "outlines": 412, "kept": 0.365, "precision": 0.9123}
    pairs = {"cards": 307, "cards refused": 0, "other printings": 387, "other printings refused": 382}
    tables = (
        model["test cards through the camera"],
        model["validation"],
        show.rows({"medium": edge_networks._of_scenes({**scenes, "kept of those of no card": 0.1176})}, "strength"),
        show.rows({"small cards": edge_networks._of_pairs(pairs)}, "strength"),
    )
    assert max(map(width, tables)) <= ROOM


def test_what_was_foreseen_is_the_first_line_of_a_failed_step_and_what_was_not_has_its_frames():
    """On the page of a run Dagster's own words stood there with forty frames, and the sentence below them."""

    def first_line(error):
        @asset("cards", "cards", deps=[], kinds=set(), code_version="1")
        def cards() -> dg.MaterializeResult:
            raise error

        with dg.DagsterInstance.ephemeral() as instance:
            ran = dg.materialize([cards], instance=instance, raise_on_error=False)
        return ran.failure_data_for_node("cards").error.to_string().splitlines()[0]

    assert first_line(StoreError("the disk is full: free some")).endswith("Failure: the disk is full: free some")
    assert first_line(RuntimeError("boom")).startswith("dagster._core.errors.DagsterExecutionStepExecutionError")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ((), "unfinished work could not be written: No space left.*DAGSTER_HOME"),
        (("/tmp/x/prepared.onnx",), "/tmp/x/prepared.onnx could not be written: No space left.*on that disk"),
    ],
)
def test_a_disk_that_is_full_under_a_steps_own_work_is_a_sentence(file, said):
    """A shard is written aside first; there was a traceback of what writes Parquet. /tmp may be another disk."""

    @asset("small", "cards", deps=[], kinds=set(), code_version="1")
    def cards():
        raise OSError(errno.ENOSPC, "Error writing bytes to file", *file)

    with pytest.raises(dg.Failure, match=said):
        dg.materialize([cards])
