"""Does an aarch64 processor give the answers that this one gives? The edge package under QEMU, beside the same natively.

    python benchmarks/aarch64.py --store STORE [--pictures 20] [--frames 1] [--work .cache/aarch64] [--output FILE]

Reference pictures of the store's release are embedded with every model, and frames made of them recognised, here and by an
aarch64 Python (Debian's own, a Cortex-A76 as QEMU knows it) with the same versions of all packages. Vectors, nearest cards and
answers are compared; the exit code is 1 where they differ, 3 where the emulation can't be set up. Emulated time says nothing
of a Pi; a whole frame takes minutes, `--frames 0` leaves frames out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from device.arm import PROCESSOR, NotHere, command
from device.killing import ROOTS, trusting

from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import ReleaseError
from pcr_assets import layout

REPOSITORY = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "aarch64.json"
GOLDEN = Path(__file__).parent / "device" / "golden.py"
LEAST = 0.999
"""Cosine of the two vectors of a card that both processors must reach: far nearer than two cards ever are."""


def compared(here: Path, there: Path) -> dict[str, Any]:
    """Both runs side by side, for each model."""
    ours, theirs = (json.loads((folder / "said.json").read_bytes()) for folder in (here, there))
    models = [name for name in ours if isinstance(ours[name], dict)]
    return {
        "machines": [ours["machine"], theirs["machine"]],
        "processor": PROCESSOR,
        "release_id": ours["release_id"],
        "models": {name: _model(here, there, name, ours[name], theirs[name]) for name in models},
    }


def _model(here: Path, there: Path, name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    first, second = (np.load(folder / f"{name}.npy") for folder in (here, there))
    cards = [np.load(folder / f"{name}-cards.npy") for folder in (here, there)]
    cosines = np.sum(first * second, axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    return {
        "pictures": len(first),
        "same_pixels": bool(np.array_equal(*cards)),
        "same_bits": bool(np.array_equal(first, second)),
        "least_cosine": round(float(cosines.min()), 6),
        "largest_difference": float(np.abs(first - second).max()),
        "same_nearest_card": int(np.sum([a == b for a, b in zip(ours["nearest"], theirs["nearest"], strict=True)])),
        "frames": len(ours["answers"]),
        "same_answers": int(np.sum([a == b for a, b in zip(ours["answers"], theirs["answers"], strict=True)])),
    }


def is_equal(model: dict[str, Any]) -> bool:
    """Whether a model answers alike on both."""
    alike = model["same_nearest_card"] == model["pictures"] and model["same_answers"] == model["frames"]
    return bool(alike and model["least_cosine"] >= LEAST)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run twice, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="a store with a release")
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--frames", type=int, default=1)
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / ".cache" / "aarch64", help="where the aarch64 Python is kept"
    )
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    releases = given.store.absolute() / layout.PROJECT / layout.RELEASES
    try:
        emulated = command(given.work.absolute(), [REPOSITORY / "edge_runtime"])
    except NotHere as error:
        print(f"aarch64: skipped, {error}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="aarch64-") as name:
        work = Path(name)
        os.environ[ROOTS] = str(work / "roots")
        try:
            trusting(releases, work / "roots")
            home = pull(FolderPublisher(releases), work / "home").folder.parent
        except (ReleaseError, subprocess.CalledProcessError) as error:
            print(f"aarch64: {given.store} has no release that opens ({error})", file=sys.stderr)
            return 2
        for python, out in (([sys.executable], "here"), (emulated, "there")):
            subprocess.run(
                [*python, str(GOLDEN), str(home), str(given.pictures), str(given.frames), str(work / out)], check=True
            )
        result = compared(work / "here", work / "there")
    print(json.dumps(result, indent=1))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=1) + "\n")
    return int(not all(is_equal(model) for model in result["models"].values()))


if __name__ == "__main__":
    sys.exit(main())
