"""What does each choice of the training recipe give? Rows of ablation.yaml, trained and asked on validation cards.

    python benchmarks/ablation.py --store STORE [ROW …] [--seed N]

Each row is one training run on the cards of a built store, gone on with where it was stopped, then asked for the store's
validation cards through the camera at two strengths, in a gallery of themselves and 1,000 training cards. A row that is in
the results already is not run again. Without rows: prints the table. Writes benchmarks/results/ablation.json.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pcr_assets import layout, settings
from pcr_assets.assets.dataset import snapshot_files
from pcr_assets.assets.models import model_files
from pcr_assets.compute.engine import JobFailed
from pcr_assets.compute.local import LocalCompute
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError

HERE = Path(__file__).parent
RESULT = HERE / "results" / "ablation.json"
MODELS = {"teacher": layout.TEACHER, "stage1": layout.STAGE1, "stage2": layout.STAGE2}
GALLERY = 1000
COLUMNS = f"{'row':24} {'steps':>6} {'medium @1':>20} {'hard @1':>20} {'hard, art':>10} {'same card':>10} {'others':>7}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, ask, write, print."""
    recipe = yaml.safe_load((HERE / "ablation.yaml").read_text())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(recipe['rows'])}")
    parser.add_argument("--store", required=True, help="store whose cards and models are used")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    unknown = [name for name in given.rows if name not in recipe["rows"]]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; ablation.yaml has {', '.join(recipe['rows'])}")
    results = json.loads(given.output.read_text()) if given.output.exists() else {}
    project = Project(store=given.store)
    for name in given.rows:
        key = name if given.seed == 0 else f"{name}, seed {given.seed}"
        if key not in results:
            try:
                results[key] = _row(project, recipe, name, given.seed, given.threads)
            except (StoreError, JobFailed) as error:
                print(f"bench-ablation: {error}", file=sys.stderr)
                return 2
            given.output.parent.mkdir(parents=True, exist_ok=True)
            given.output.write_text(json.dumps(results, indent=1) + "\n")
    print(_table(results))
    return 0


def _row(project: Project, recipe: Mapping[str, Any], name: str, seed: int, threads: int) -> dict[str, Any]:
    """One row: the trained model, asked."""
    choices = dict(recipe["rows"][name])
    stage, begins = choices.pop("stage", None), choices.pop("begins")
    source = snapshot_files(project.artifacts)
    if not stage:
        return _asked(model_files(project.artifacts, MODELS[begins]), source, threads, steps=None)
    out = project.workdir(f"ablation-{name}-{seed}")
    job = {
        "stage": stage,
        "settings": {**recipe["common"], **choices, **({"seed": seed} if seed else {})},
        "out": str(out),
        **source,
    }
    if begins == "backbone":
        job["spec"] = settings.load("embedded").section("student")
    else:
        job["init"] = model_files(project.artifacts, MODELS[begins])
    if stage == "student_stage1":
        job["teacher"] = model_files(project.artifacts, layout.TEACHER)
    LocalCompute(threads=threads).run("pcr_assets.learning.train", job, out)
    steps = sum(phase["steps"] for phase in choices["phases"])
    trained = {"weights": str(out / "weights.safetensors"), "model": str(out / "model.json")}
    return _asked(trained, source, threads, steps)


def _asked(model: Mapping[str, str], source: Mapping[str, Any], threads: int, steps: int | None) -> dict[str, Any]:
    """What the model does with validation cards: assess.py's measures, of another split."""
    from pcr_assets.learning import embed
    from pcr_assets.learning.assess import assess
    from pcr_assets.learning.data import read_cards
    from pcr_assets.learning.device import set_up_torch
    from pcr_assets.learning.job import TrainedModel

    device = set_up_torch(threads)
    net = TrainedModel.model_validate(dict(model)).load().to(device)
    shards = [Path(shard) for shard in source["shards"]]
    validation, training = (read_cards(Path(source["snapshot"]), shards, split) for split in ("validation", "train"))

    def vectors(view: Any, count: int) -> Any:
        return embed.each(net, view, count, say=print, what="validation cards").numpy()

    gallery = validation.joined(training, GALLERY)
    return {"steps": steps, **assess(vectors, net.spec.input_size, validation, gallery)}


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
