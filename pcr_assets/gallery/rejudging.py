"""Whether the gallery must be judged again: a few new cards change no threshold, another model changes all of them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

_SCAN = ["card_id", "view"]
_PIXELS = [*_SCAN, "pixel_digest"]


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
    return outgrown(then, scans, growth)


def outgrown(then: pa.Table, scans: pa.Table, growth: float) -> str | None:
    """How a gallery has changed since its report by more than the share ``growth``, or None."""
    news = changed_scans(then, scans)
    return f"{news} scans of {len(then)} came, went or were replaced" if news > growth * len(then) else None


def changed_scans(then: pa.Table, now: pa.Table) -> int:
    """How many scans came, went or have other pixels."""
    same = then.select(_PIXELS).join(now.select(_PIXELS), _PIXELS, join_type="inner").num_rows
    return int(then.select(_SCAN).join(now.select(_SCAN), _SCAN, join_type="full outer").num_rows - same)
