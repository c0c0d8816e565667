"""What a person reads of a materialization on an asset's page."""

import base64
import io

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from pcr_assets.assets import show
from pcr_assets.assets.declare import materialized
from pcr_assets.imaging import charts
from pcr_assets.imaging.markdown import as_markdown
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.folder_store import FolderStore


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
