"""How long from starting the program to the first answer, beside loading its libraries and its model and nothing else?

    python benchmarks/cold_start.py --store STORE [--turns N] [--output FILE]

`edge-runtime recognize` names the card on a photo that is rendered here, from a release that was pulled before, in a process of
its own. The named limit is a process that imports the same libraries, opens the same model and runs it once.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
from device.killing import trusting
from frame import frames
from scorecard.places import ended, opened
from scorecard.processes import seconds
from scorecard.ratio import Ratio, write

from pcr_assets import layout
from pcr_assets.imaging.sample import render_card, specs

RESULT = Path(__file__).parent / "results" / "cold_start.json"
BARE = """
import cv2, numpy, onnxruntime, usearch.index
session = onnxruntime.InferenceSession({model!r}, providers=["CPUExecutionProvider"])
(given,) = session.get_inputs()
session.run(None, {{given.name: numpy.zeros([1, *given.shape[1:]], numpy.uint8)}})
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="store with a release")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    releases = given.store / layout.PROJECT / layout.RELEASES
    with tempfile.TemporaryDirectory(prefix="cold-start-") as work:
        (photo,) = frames(1, 1, [render_card(card.design) for card in specs(sets=2, cards_per_set=4)])
        cv2.imwrite(f"{work}/photo.png", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))
        environment = {**trusting(releases, Path(work) / "roots"), "XDG_CACHE_HOME": f"{work}/cache"}
        ours = ["-m", "edge_runtime.cli", "recognize", "--releases", str(releases), "--json", f"{work}/photo.png"]
        seconds(ours, environment, 1)  # pulls the release
        answered = seconds(ours, environment, given.turns)
        model = opened(given.store).embedder.path
        bare = seconds(["-c", BARE.format(model=str(model))], environment, given.turns)
    ratio = Ratio("start to first answer", "the libraries, the model, one call", answered / bare)
    result = {"seconds": {"answer": round(answered, 3), "bare": round(bare, 3)}}
    write(result, [ratio], given.output)
    print(f"answer {answered:.2f} s, bare {bare:.2f} s: {ratio.value:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
