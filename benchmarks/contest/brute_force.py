"""What matching local features with the whole gallery would cost: measured on a small part of it, then extrapolated."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from peers.local_features import LocalFeatures

from contest.evidence import Evidence, Query, spread

CARDS, QUERIES = 100, 12


def brute_force(peer: LocalFeatures, queries: Sequence[Query], evidence: Evidence, points_ms: float) -> dict[str, Any]:
    """Each of a few queries against its own card and others spread over the gallery, without a hash's shortlist.

    ``points_ms``: what finding the points of a picture takes. A query's are found once, whatever it is compared with.
    """
    asked = spread(queries, QUERIES)
    others = spread(range(len(evidence.cards)), CARDS - len(asked))
    rows = sorted({*others, *(evidence.rows[query.card_id] for query in asked)})
    right, ms = 0, []
    for query in asked:
        began = time.process_time()
        ranking = peer.compared(query.picture, rows)
        ms.append(1e3 * (time.process_time() - began))
        right += query.right(evidence.card_ids[ranking.rows[0]], evidence.names[ranking.rows[0]])
    measured = float(np.median(ms))
    return {
        "sample_cards": len(rows),
        "queries": len(asked),
        "right": right,
        "ms_measured": measured,
        "gallery": len(evidence.cards),
        "ms_extrapolated_to_the_gallery": points_ms + (measured - points_ms) * len(evidence.cards) / len(rows),
    }
