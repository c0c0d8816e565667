"""Metadata that a person wants to see on an asset's page: tables, charts, contact sheets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from pcr_assets.imaging.markdown import as_markdown

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 200
"""Rows of a table: each materialization and observation keeps its own for good, in the event log, and the page draws them all."""
SEARCH = ("recall_at_1", "recall_at_5", "art_recall_at_1", "same_card_cosine")
ANSWERS = ("queries", "recall_at_1", "art_recall_at_1", "wrong", "refused")
PARTS = ("recall_at_1", "art_recall_at_1", "wrong", "refused")
"""What the page shows of a search, of whole answers, and of those to a part of the queries, whose name is long: it cuts off what is
wider than some 460 pixels, in a window of 1400, and the artifact holds the rest."""
AGREEMENT = ("minimum", "mean", "max_abs")
"""The same of two networks' agreement."""
Rows = dg.TableMetadataValue | dg.MarkdownMetadataValue


def rows(values: Mapping[str, Mapping[str, Any]], first: str, only: Sequence[str] = ()) -> Rows:
    """The table of :func:`listed` with a row for each entry; ``first`` is the heading of the entries' names.

    ``only``: the columns and their order, of records that hold more than a page has room for.
    """
    wanted = (*only, *BOUNDS)
    return listed(
        {first: name, **({key: value[key] for key in wanted if key in value} if only else value)}
        for name, value in values.items()
    )


def counts(values: Mapping[str, int], what: str, heading: str = "set") -> Rows:
    """The table of :func:`listed` with a row for each count."""
    return listed({heading: name, what: count} for name, count in values.items())


def listed(records: Iterable[Mapping[str, Any]]) -> Rows:
    """A table of like records, at most :data:`MOST_ROWS`, then how many more there are; a line of text for none."""
    every = list(records)
    shown = [dg.TableRecord(_flat(record)) for record in every[:MOST_ROWS]]
    if not shown:  # Dagster refuses to make a table of no record
        return dg.MetadataValue.md("none")
    if more := len(every) - len(shown):
        heading, *others = shown[0].data
        shown.append(dg.TableRecord({heading: f"and {more:,} more", **dict.fromkeys(others)}))
    return dg.MetadataValue.table(shown)


NAMES = {
    "recall_at_1": "recall@1",
    "recall_at_5": "recall@5",
    "art_recall_at_1": "art@1",
    "same_card_cosine": "same card",
    "max_abs": "largest gap",
    "p5": "5th percentile",
    "queries": "asked",
}
BOUNDS = ("low", "high", "answered_high")
"""Ends of intervals of 95 %: the first two are those of ``recall_at_1``."""


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Rounded, and named as they are read; the ends of an interval in one column, behind the share that they are about."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if key not in BOUNDS:
            flat[NAMES.get(key, key.replace("_", " "))] = round(value, 4) if isinstance(value, float) else value
        if key == "recall_at_1" and "high" in values:
            flat["95 %"] = f"{values['low']:.3f}–{values['high']:.3f}"
    return flat


def curves(series: Mapping[str, Sequence[float]], title: str, x_label: str) -> dg.MarkdownMetadataValue:
    """Lines over steps."""
    from pcr_assets.imaging import charts

    return dg.MetadataValue.md(charts.curves(series, title=title, x_label=x_label))


def pictures(images: "Sequence[np.ndarray]", captions: Sequence[str], alt: str) -> dg.MarkdownMetadataValue:
    """A contact sheet of uint8 RGB pictures."""
    from pcr_assets.imaging.contact_sheet import contact_sheet

    return dg.MetadataValue.md(as_markdown(contact_sheet(images, captions), alt))
