"""Judge a trained model on test cards. ``python -m pcr_assets.learning.assess JOB.json``

The job names ``model`` (weights and model.json), ``snapshot``, ``shards``, ``out`` and ``threads``, and may name the ``split``
whose cards are asked for: ``test`` or ``validation``. They were never trained on. They are shown through the simulated camera
and looked up in a gallery of themselves and ``GALLERY`` training cards, the same for every model. Writes assess.json: recall
by strength, gauges of collapse, and what hashing reaches on the same.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pcr_assets import measures
from pcr_assets.learning import embed, evaluate, job_file
from pcr_assets.learning.data import Cards, Size, read_cards
from pcr_assets.learning.device import set_up_torch
from pcr_assets.learning.evaluate import Embed, LookedUp
from pcr_assets.learning.job import TrainedModel

STRENGTHS = ("medium", "hard")
QUERIES = 400
GALLERY = 1000


def assess(embedding: Embed, size: Size, test: Cards, gallery: Cards) -> dict[str, Any]:
    """Recall of test cards by strength, flat for a table, and the gauges of collapse of the gallery."""
    known = evaluate.embedded(embedding, gallery, size)
    picked = measures.even_sample(len(test), QUERIES)
    return {
        "recall": {
            strength: _recall(evaluate.looked_up(embedding, test, picked, strength, size, gallery, known))
            for strength in STRENGTHS
        },
        "different_cards": measures.collapse(known, gallery.classes),
        "gallery": len(gallery),
    }


def _recall(found: LookedUp) -> dict[str, float]:
    first = measures.recall_at(found.by_card, 1)
    return {
        "recall_at_1": first["recall"],
        "recall_at_5": measures.recall_at(found.by_card, 5)["recall"],
        "art_recall_at_1": measures.recall_at(found.by_art, 1)["recall"],
        "art_recall_beyond_strangers": found.beyond_strangers,
        "low": first["low"],
        "high": first["high"],
        "queries": len(found.by_card),
        "same_card_cosine": float(found.own.mean()),
        "same_card_above_0.8": float((found.own > 0.8).mean()),
    }


def judge(
    model: TrainedModel, snapshot: Path, shards: list[Path], out: Path, threads: int, split: str = "test"
) -> None:
    """Judge a model on the cards of a split and write ``out/assess.json``."""
    device = set_up_torch(threads)
    net = model.load().to(device)
    asked, training = (read_cards(snapshot, shards, name) for name in (split, "train"))
    gallery = asked.joined(training, GALLERY)

    result = assess(embed.by(net, print, "assessment"), net.spec.input_size, asked, gallery)
    hashing = assess(evaluate.hash_embedding, net.spec.input_size, asked, gallery)
    (out / "assess.json").write_text(json.dumps({**result, "hashing": hashing["recall"]}, indent=1, sort_keys=True))
    for strength, found in result["recall"].items():
        print(f"{split} cards, {strength} camera: recall@1 {found['recall_at_1']:.1%}, @5 {found['recall_at_5']:.1%}")


def main(arguments: list[str]) -> int:
    """Run a job file."""
    job = job_file.read("pcr_assets.learning.assess", __doc__, arguments)
    model = TrainedModel.model_validate(job["model"])
    shards = [Path(shard) for shard in job["shards"]]
    judge(model, Path(job["snapshot"]), shards, Path(job["out"]), job["threads"], job.get("split", "test"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
