"""Metadata that a person wants to see on an asset's page: tables, charts, contact sheets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import numpy as np


def rows(values: Mapping[str, Mapping[str, Any]], first: str) -> dg.TableMetadataValue:
    """A table with a row for each entry; ``first`` is the heading of the entries' names."""
    return dg.MetadataValue.table([dg.TableRecord({first: name, **_flat(value)}) for name, value in values.items()])


NAMES = {
    "recall_at_1": "recall@1",
    "recall_at_5": "recall@5",
    "art_recall_at_1": "art@1",
    "same_card_cosine": "same card",
}


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Rounded, and named as they are read; the ends of an interval in one column, so that a table has room on its page."""
    left = dict(values)
    if "high" in left:
        left["high"] = f"{left.pop('low'):.3f}–{left['high']:.3f}"
    left.pop("answered_high", None)
    names = {**NAMES, "high": "95 %"}
    return {
        names.get(key, key.replace("_", " ")): round(value, 4) if isinstance(value, float) else value
        for key, value in left.items()
    }


def counts(values: Mapping[str, int], what: str, heading: str = "set") -> dg.TableMetadataValue:
    """A table of counts."""
    return dg.MetadataValue.table([dg.TableRecord({heading: name, what: count}) for name, count in values.items()])


def listed(records: Iterable[Mapping[str, Any]], limit: int = 200) -> dg.TableMetadataValue | dg.MarkdownMetadataValue:
    """A table of like records, at most ``limit`` of them; a line of text when there are none."""
    found = [dg.TableRecord(dict(record)) for record, _ in zip(records, range(limit), strict=False)]
    return dg.MetadataValue.table(found) if found else dg.MetadataValue.md("none")


def curves(series: Mapping[str, Sequence[float]], title: str, x_label: str) -> dg.MarkdownMetadataValue:
    """Lines over steps."""
    from pcr_assets.imaging import charts

    return dg.MetadataValue.md(charts.curves(series, title=title, x_label=x_label))


def pictures(images: Sequence[np.ndarray], captions: Sequence[str], alt: str) -> dg.MarkdownMetadataValue:
    """A contact sheet of uint8 RGB pictures."""
    from pcr_assets.imaging.contact_sheet import as_markdown, contact_sheet

    return dg.MetadataValue.md(as_markdown(contact_sheet(images, captions), alt))
