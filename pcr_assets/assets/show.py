"""Metadata that a person wants to see on an asset's page: tables, charts, contact sheets."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 200
"""Rows of a table: each materialization and observation keeps its own for good, in the event log, and the page draws them all."""


def rows(values: Mapping[str, Mapping[str, Any]], first: str) -> dg.TableMetadataValue | dg.MarkdownMetadataValue:
    """A table with a row for each entry, at most :data:`MOST_ROWS`, then how many more there are; a line of text for no entry.

    ``first`` is the heading of the entries' names.
    """
    shown = [dg.TableRecord({first: name, **_flat(value)}) for name, value in _some(values)]
    return _table(shown + _more(len(values) - len(shown), shown))


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


def counts(
    values: Mapping[str, int], what: str, heading: str = "set"
) -> dg.TableMetadataValue | dg.MarkdownMetadataValue:
    """A table of counts, at most :data:`MOST_ROWS`, then how many more there are; a line of text for none."""
    return rows({name: {what: count} for name, count in values.items()}, heading)


def _table(records: list[dg.TableRecord]) -> dg.TableMetadataValue | dg.MarkdownMetadataValue:
    """A table, which Dagster refuses to make of no record."""
    return dg.MetadataValue.table(records) if records else dg.MetadataValue.md("none")


def _some(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(islice(values.items(), MOST_ROWS))


def _more(count: int, shown: Sequence[dg.TableRecord]) -> list[dg.TableRecord]:
    """The row below those that are shown: how many more there are."""
    if not count:
        return []
    heading, *others = shown[0].data
    return [dg.TableRecord({heading: f"and {count:,} more", **dict.fromkeys(others)})]


def listed(
    records: Iterable[Mapping[str, Any]], limit: int = MOST_ROWS
) -> dg.TableMetadataValue | dg.MarkdownMetadataValue:
    """A table of like records, at most ``limit`` of them; a line of text when there are none."""
    return _table([dg.TableRecord(dict(record)) for record, _ in zip(records, range(limit), strict=False)])


def curves(series: Mapping[str, Sequence[float]], title: str, x_label: str) -> dg.MarkdownMetadataValue:
    """Lines over steps."""
    from pcr_assets.imaging import charts

    return dg.MetadataValue.md(charts.curves(series, title=title, x_label=x_label))


def pictures(images: "Sequence[np.ndarray]", captions: Sequence[str], alt: str) -> dg.MarkdownMetadataValue:
    """A contact sheet of uint8 RGB pictures."""
    from pcr_assets.imaging.contact_sheet import as_markdown, contact_sheet

    return dg.MetadataValue.md(as_markdown(contact_sheet(images, captions), alt))
