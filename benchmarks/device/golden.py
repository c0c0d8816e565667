"""The same work on any processor: ``python benchmarks/device/golden.py RELEASES PICTURES FRAMES OUT``.

Embeds reference pictures with every model for the processor, and recognises frames made of them; writes vectors and answers.
"""

import json
import platform
import sys
import time
from pathlib import Path

import numpy as np


def main() -> int:
    """Do the work, and write it to a folder."""
    from edge_runtime.bench.frames import frames
    from edge_runtime.embedder import OnnxEmbedder
    from edge_runtime.geometry import full_frame, rectify
    from edge_runtime.judging.references import SIZE, References
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import open_release

    place, pictures, count, out = sys.argv[1:]
    release, folder = open_release(Path(place)), Path(out)
    references = References(release.references)
    folder.mkdir(parents=True, exist_ok=True)
    said: dict[str, object] = {"machine": platform.machine(), "release_id": release.release_id}
    for name, variant in release.variants.items():
        if variant.engine != "onnx":
            continue
        with Recognizer.open(release, name, threads=1) as recognizer:
            keys = [key for key in recognizer.gallery.keys if key in references]
            chosen = keys[:: max(1, len(keys) // int(pictures))][: int(pictures)]
            model = OnnxEmbedder(variant.model, threads=1)
            corners = full_frame(*SIZE)
            cards = np.stack([rectify(references.picture(key), corners, model.input_size) for key in chosen])
            start = time.monotonic()
            vectors = np.concatenate([model.embed(card[None]) for card in cards])
            spent = time.monotonic() - start
            np.save(folder / f"{name}.npy", vectors)
            np.save(folder / f"{name}-cards.npy", cards)
            nearest = [matches[0].card.card_id for matches in recognizer.gallery.search(vectors, 1)]
            answers = [
                [[reading.card.card_id, reading.status.value] for reading in recognizer.recognize(image).cards]
                for _, image in frames(references, keys, int(count))
            ]
        said[name] = {"nearest": nearest, "answers": answers, "seconds_per_card": round(spent / len(cards), 3)}
    (folder / "said.json").write_text(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
