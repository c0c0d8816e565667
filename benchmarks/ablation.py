"""What does each choice of the training recipe give? Rows of ablation.yaml, trained and asked on validation cards.

    python benchmarks/ablation.py --store STORE [--at-once N] [--seed N] [ROW …]
    python benchmarks/ablation.py --cards FOLDER --models FOLDER [--at-once N] [--seed N] [ROW …]

Each row is one training run, gone on with where it was stopped, then asked for the validation cards through the camera at two
strengths, in a gallery of themselves and 1,000 training cards. A row that is in the results already is not run again. Cards and
models are those of a built store, or, on a machine without Dagster, those that gpu_training.py takes and leaves. Without rows:
prints the table. Writes benchmarks/results/ablation.json.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from training import places, runs

from pcr_assets import layout, settings

HERE = Path(__file__).parent
RESULT = HERE / "results" / "ablation.json"
MODELS = {stage: name for name, stage in places.STAGES.items()}
COLUMNS = f"{'row':24} {'steps':>6} {'medium @1':>20} {'hard @1':>20} {'hard, art':>10} {'same card':>10} {'others':>7}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, ask, write, print."""
    recipe = yaml.safe_load((HERE / "ablation.yaml").read_text())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(recipe['rows'])}")
    places.add_arguments(parser)
    parser.add_argument("--models", type=Path, help="with --cards: the folder that gpu_training.py left")
    parser.add_argument("--out", type=Path, default=Path("/tmp/pcr-ablation"), help="where the trainings lie")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.rows if name not in recipe["rows"]]:
        parser.error(f"no such row: {', '.join(unknown)}; ablation.yaml has {', '.join(recipe['rows'])}")
    if given.cards and not given.models:
        parser.error("--cards needs --models: the rows go on with trained models")
    results = json.loads(given.output.read_text()) if given.output.exists() else {}
    cards = places.cards_of(given.store, given.cards, given.sets, given.out.absolute())
    models = places.models_in(given.models) if given.models else places.models_of(str(given.store))
    seed = f", seed {given.seed}" if given.seed else ""

    def done(row: str, found: dict[str, Any]) -> None:
        results[row] = found
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(json.dumps(results, indent=1) + "\n")

    tasks = {
        name + seed: partial(_row, recipe, name, given.seed, cards, models, given.out / (name + seed), given.threads)
        for name in given.rows
        if name + seed not in results
    }
    runs.side_by_side(tasks, given.at_once, done)
    print(_table(results))
    return 0


def _row(
    recipe: Mapping[str, Any],
    name: str,
    seed: int,
    cards: Mapping[str, Any],
    models: places.Models,
    out: Path,
    threads: int,
) -> dict[str, Any]:
    """One row: the trained model, asked."""
    choices = dict(recipe["rows"][name])
    stage, begins, spec = choices.pop("stage", None), choices.pop("begins"), choices.pop("spec", {})
    if not stage:
        return {"steps": None, **_asked(models(MODELS[begins]), cards, out, threads)}
    job = {"stage": stage, "settings": {**recipe["common"], **choices, **({"seed": seed} if seed else {})}, **cards}
    if begins == "backbone":
        job["spec"] = {**settings.load("embedded").section("student"), **spec}
    else:
        job["init"] = models(MODELS[begins])
    if stage == "student_stage1":
        job["teacher"] = models(layout.TEACHER)
    ran = runs.run("pcr_assets.learning.train", job, out, threads)
    steps = json.loads((out / "metrics.json").read_text())["steps"]
    trained = {"weights": str(out / "weights.safetensors"), "model": str(out / "model.json")}
    return {"steps": steps, **ran, **_asked(trained, cards, out, threads)}


def _asked(model: Mapping[str, str], cards: Mapping[str, Any], out: Path, threads: int) -> dict[str, Any]:
    """What the model does with validation cards."""
    runs.run("pcr_assets.learning.assess", {"model": model, "split": "validation", **cards}, out, threads)
    return json.loads((out / "assess.json").read_text())


def _table(results: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [COLUMNS]
    for name, found in results.items():
        medium, hard = found["recall"]["medium"], found["recall"]["hard"]
        lines.append(
            f"{name:24} {found['steps'] or '–':>6} {_recall(medium):>20} {_recall(hard):>20} "
            f"{100 * hard['art_recall_at_1']:>10.1f} {medium['same_card_cosine']:>10.2f} "
            f"{found['different_cards']['mean_cosine']:>7.2f}"
        )
    return "\n".join(lines)


def _recall(found: Mapping[str, Any]) -> str:
    return f"{100 * found['recall_at_1']:.1f} ({100 * found['low']:.1f}–{100 * found['high']:.1f})"


if __name__ == "__main__":
    sys.exit(main())
