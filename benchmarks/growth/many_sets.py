"""``python -m growth.many_sets PART PLACE``: parts of ``benchmarks/sets.py`` that need a process of their own; JSON last.

``made-up``: embeddings without a model, as :mod:`growth.made_up` draws them. ``tick``: the sensor ``new_cards`` looks at the raw
folder three times, as a daemon lets it: it sees all sets, asks for a refresh, and sees that nothing changed.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

PER_SET = 2
SIZE = (96, 134)


def write_sets(folder: Path, sets: Iterable[int]) -> None:
    """Two small cards for each of these sets, all different: a pattern of coarse squares under fine noise."""
    for number in sets:
        for place in range(PER_SET):
            write_card(folder, number, place, seed=number * PER_SET + place)


def write_card(folder: Path, number: int, place: int, seed: int) -> None:
    """One of them; another ``seed`` is another card."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(0, 256, (12, 9, 3), np.uint8), SIZE, interpolation=cv2.INTER_CUBIC)
    image = np.clip(coarse.astype(int) + rng.integers(-8, 9, coarse.shape), 0, 255).astype(np.uint8)
    card_set = f"many{number:05d}"
    path = folder / card_set / f"{card_set}-{place + 1}_Card{number}.{place}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".aside")
    aside.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())
    aside.rename(path)


def made_up() -> dict[str, Any]:
    """Publish embeddings that no model made, in the store of the environment."""
    from growth.made_up import publish_embeddings
    from pcr_assets.resources.project import Project

    publish_embeddings(Project())
    return {}


def tick() -> dict[str, Any]:
    """Three ticks two minutes apart: what each took, the most memory so far, and how long the cursor is."""
    import dagster as dg

    from pcr_assets.automation.new_cards import new_cards_sensor
    from pcr_assets.automation.refresh_job import refresh_job_for
    from pcr_assets.automation.watch import Watch
    from pcr_assets.resources.project import Project

    now, cursor, rows = 0.0, None, []
    sensor = new_cards_sensor(refresh_job_for(dg.Definitions), watch=Watch(), clock=lambda: now)
    with dg.DagsterInstance.ephemeral() as instance:
        for turn in range(3):
            context = dg.build_sensor_context(instance, cursor=cursor, resources={"project": Project()})
            began, busy = time.perf_counter(), time.process_time()
            result = sensor.evaluate_tick(context)
            rows.append((time.perf_counter() - began, time.process_time() - busy))
            assert bool(result.run_requests) == (turn == 1), "the second tick asks, and no other"
            cursor, now = result.cursor or cursor, now + 121
    return {
        "seconds": round(rows[2][0], 2),
        "cpu_seconds": round(rows[2][1], 2),
        "asking_cpu_seconds": round(rows[1][1], 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
        "cursor_bytes": len(cursor or ""),
    }


if __name__ == "__main__":
    os.environ.setdefault("PCR_PROFILE", "embedded")
    print(json.dumps({"made-up": made_up, "tick": tick}[sys.argv[1]]()))
