"""Whether the gallery must be judged again: a few new cards change no threshold, another model changes all of them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa


def reason_to_judge(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], then: pa.Table | None, scans: pa.Table, growth: float
) -> str | None:
    """Why a new report is due, or None.

    ``before``, ``now``: what the last report was asked of and what one would be asked of now: each model, each kind of
    evidence. Anything else there is another question. ``then``, ``scans``: the gallery of the last report and that of now,
    columns card_id, view, pixel_digest. ``growth``: the share of scans that may be new, gone or replaced.
    """
    if before is None or then is None:
        return "there was none"
    others = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if others:
        return f"{', '.join(others)} changed"
    news = changed_scans(then, scans)
    if news > growth * len(then):
        return f"{news} scans of {len(then)} came, went or were replaced"
    return None


def changed_scans(then: pa.Table, now: pa.Table) -> int:
    """How many scans came, went or have other pixels."""
    old, new = ({(row["card_id"], row["view"]): row["pixel_digest"] for row in _plain(table)} for table in (then, now))
    return sum(old.get(scan) != new.get(scan) for scan in {*old, *new})


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    return table.select(["card_id", "view", "pixel_digest"]).to_pylist()
