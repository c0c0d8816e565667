"""Train teacher and student as a profile says, outside Dagster, and keep what it took and gave: curves, time, recall.

    python benchmarks/gpu_training.py (--store STORE | --cards FOLDER) --out FOLDER [--profile gpu] [STAGE …]

For a machine with a GPU, where nothing but torch, timm and this package need be. FOLDER of ``--cards`` holds snapshot.parquet
and shards/*.parquet, as they lie in a store. A stage that is in the result already is not trained again, one that was killed
goes on. Writes FOLDER/STAGE/ (weights, spec, metrics, assessment, log) and FOLDER/training.json; the latter is copied to
``--output``, and its curves are drawn beside it.
"""

import argparse
import json
import re
import shutil
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pcr_assets import layout, settings
from pcr_assets.compute.said import KEPT_LINES, failure
from pcr_assets.learning.recipe import RECIPES
from pcr_assets.resources import bound

STAGES = {
    layout.TEACHER: "teacher",
    layout.STAGE1: "stage1",
    layout.UNDISTILLED: "undistilled",
    layout.STAGE2: "stage2",
}
RESULT = Path(__file__).parent / "results" / "gpu_training.json"


def run(job: Mapping[str, Any], source: Mapping[str, Any], out: Path, threads: int) -> dict[str, Any]:
    """Train and assess one stage. Raises SystemExit with what a training that failed said of its error."""
    out.mkdir(parents=True, exist_ok=True)
    whole = {**job, **source, "out": str(out), "threads": threads, "assess": True, "profile_steps": 10}
    (out / "job.json").write_text(json.dumps(whole, indent=1))
    start, rate = time.perf_counter(), 0.0
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    with (
        (out / "log.txt").open("a") as log,
        bound.begun("pcr_assets.learning.train", [str(out / "job.json")], threads) as process,
    ):
        for line in process.stdout or ():
            lines.append(line.rstrip())
            log.write(f"{time.perf_counter() - start:7.1f} {line}")
            if found := re.search(r"(\d+) images/s", line):
                rate = float(found[1])
    if process.returncode:
        raise SystemExit(failure(job["stage"], process.returncode, lines))
    spent = time.perf_counter() - start
    metrics, assessed = (json.loads((out / name).read_text()) for name in ("metrics.json", "assess.json"))
    traced = out / "profile" / "summary.json"
    return {
        "wall_s": round(spent, 1),
        "images_per_second": rate,
        "steps": metrics["steps"],
        "batch": job["settings"]["batch"],
        "gpu_ms_a_step": json.loads(traced.read_text())["ms_a_step"] if traced.exists() else None,
        "loss": metrics["curves"]["loss"],
        "validation": metrics["curves"]["validation"],
        "test": assessed,
        "settings": job["settings"],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, write after each stage, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES.values())} (default: all)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--store", help="a store with processed cards and a training snapshot")
    where.add_argument("--cards", type=Path, help="a folder with snapshot.parquet and shards/*.parquet")
    parser.add_argument("--profile", default="gpu")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    if unknown := set(given.stages) - set(STAGES.values()):
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(STAGES.values())}")
    source = _source(given.store, given.cards)
    kept = given.out / "training.json"
    result = json.loads(kept.read_text()) if kept.exists() else {"on": _device(), "stages": {}}
    profile = settings.load(given.profile)
    for name, stage in STAGES.items():
        if stage in result["stages"] or (given.stages and stage not in given.stages):
            continue
        job = RECIPES[name](profile, partial(_model, given.out.absolute()))
        result["stages"][stage] = found = run(job, source, given.out.absolute() / stage, given.threads)
        kept.write_text(json.dumps(result, indent=1) + "\n")
        print(_line(stage, found), flush=True)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, given.output)
    draw(result["stages"], given.output.with_suffix(".png"))
    return 0


def draw(stages: Mapping[str, Mapping[str, Any]], picture: Path) -> None:
    """recall@1 of validation cards over the views that a network has seen; stage 2 begins where stage 1 ends."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, found in stages.items():
        before = stages["stage1"] if name == "stage2" and "stage1" in stages else None
        seen = before["steps"] * before["batch"] if before else 0
        looks = found["validation"]
        views = [(seen + look["step"] * found["batch"]) / 1000 for look in looks]
        recalls = [100 * look["art_recall_at_1"]["recall"] for look in looks]
        if before:
            last = before["validation"][-1]
            views, recalls = [seen / 1000, *views], [100 * last["art_recall_at_1"]["recall"], *recalls]
        axes.plot(views, recalls, marker=".", label=name)
    axes.set(xlabel="views seen, thousands", ylabel="recall@1 of the art, hard camera, %", title="Validation cards")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _model(out: Path, name: str) -> dict[str, str]:
    folder = out / STAGES[name]
    return {"weights": str(folder / "weights.safetensors"), "model": str(folder / "model.json")}


def _source(store: str | None, cards: Path | None) -> dict[str, Any]:
    if cards is not None:
        shards = sorted(str(shard) for shard in (cards.absolute() / "shards").glob("*.parquet"))
        return {"snapshot": str(cards.absolute() / "snapshot.parquet"), "shards": shards}
    from pcr_assets.assets.dataset import snapshot_files  # Dagster need not be where the cards lie in a folder
    from pcr_assets.resources.project import Project
    from pcr_assets.resources.store import StoreError

    try:
        return snapshot_files(Project(store=store).artifacts)
    except StoreError as error:
        raise SystemExit(f"gpu_training: {error}") from error


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def _line(stage: str, found: Mapping[str, Any]) -> str:
    hard, medium = (found["test"]["recall"][strength] for strength in ("hard", "medium"))
    return (
        f"{stage}: {found['steps']} steps of {found['batch']} in {found['wall_s']:.0f} s ({found['images_per_second']:.0f} "
        f"images/s); test cards: medium {100 * medium['recall_at_1']:.1f} %, hard {100 * hard['recall_at_1']:.1f} % "
        f"(its art {100 * hard['art_recall_at_1']:.1f} %)"
    )


if __name__ == "__main__":
    sys.exit(main())
