"""Train teacher and student as a profile says, outside Dagster, and keep what it took and gave: curves, time, recall.

    python benchmarks/gpu_training.py (--store STORE | --cards FOLDER) --out FOLDER [--profile gpu] [--at-once N] [STAGE …]

For a machine with a GPU, where nothing but torch, timm and this package need be. FOLDER of ``--cards`` holds snapshot.parquet
and shards/*.parquet, as they lie in a store. A stage that is in the result already is not trained again, one that was killed
goes on. ``--at-once 2`` trains the undistilled student beside the teacher. Writes FOLDER/STAGE/ (weights, spec, metrics,
assessment, log) and FOLDER/training.json; the latter is copied to ``--output``, and its curves are drawn beside it.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from training import places, runs
from training.places import STAGES

from pcr_assets import settings
from pcr_assets.learning.recipe import RECIPES
from pcr_assets.learning.stages import STAGES as TRAINED

RESULT = Path(__file__).parent / "results" / "gpu_training.json"
AFTER = {"stage1": "teacher", "stage2": "stage1"}


def trained(job: Mapping[str, Any], out: Path, threads: int) -> dict[str, Any]:
    """Train and assess one stage. Raises SystemExit with what a training that failed said of its error."""
    ran = runs.run("pcr_assets.learning.train", {**job, "assess": True, "profile_steps": 10}, out, threads)
    metrics, assessed = (json.loads((out / name).read_text()) for name in ("metrics.json", "assess.json"))
    traced = out / "profile" / "summary.json"
    return {
        **ran,
        "steps": metrics["steps"],
        "batch": TRAINED[job["stage"]].settings.model_validate(job["settings"]).batch,
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
    places.add_arguments(parser)
    parser.add_argument("--profile", default="gpu")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    if unknown := set(given.stages) - set(STAGES.values()):
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(STAGES.values())}")
    cards = places.cards_of(given.store, given.cards, given.sets, given.out.absolute())
    out = given.out.absolute()
    kept = out / "training.json"
    result = json.loads(kept.read_text()) if kept.exists() else {"on": places.device(), "stages": {}}
    profile = settings.load(given.profile)

    def task(name: str, stage: str) -> dict[str, Any]:
        job = {**RECIPES[name](profile, places.models_in(out)), **cards}
        return trained(job, out / stage, given.threads)

    def done(stage: str, found: dict[str, Any]) -> None:
        result["stages"][stage] = found
        kept.write_text(json.dumps(result, indent=1) + "\n")
        print(_line(stage, found), flush=True)

    wanted = given.stages or STAGES.values()
    tasks = {
        stage: partial(task, name, stage)
        for name, stage in STAGES.items()
        if stage in wanted and stage not in result["stages"]
    }
    out.mkdir(parents=True, exist_ok=True)
    runs.side_by_side(tasks, given.at_once, done, AFTER)
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


def _line(stage: str, found: Mapping[str, Any]) -> str:
    hard, medium = (found["test"]["recall"][strength] for strength in ("hard", "medium"))
    return (
        f"{stage}: {found['steps']} steps of {found['batch']} in {found['wall_s']:.0f} s ({found['images_per_second']:.0f} "
        f"images/s); test cards: medium {100 * medium['recall_at_1']:.1f} %, hard {100 * hard['recall_at_1']:.1f} % "
        f"(its art {100 * hard['art_recall_at_1']:.1f} %)"
    )


if __name__ == "__main__":
    sys.exit(main())
