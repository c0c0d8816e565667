"""Does training wait for the camera simulator or for the network?

    python benchmarks/simulator.py [--cards DIR] [--output FILE]

Times `camera.rectified` at 160×224 on one thread, for each strength and for each effect alone, beside the named limit:
the bare forward and backward pass of timm's efficientnet_lite0 on batches of 16 in the same process, also on one
thread. Prints a table and writes it as JSON. Without `--cards` it draws its own cards.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from scorecard.places import cards_from, ended
from scorecard.ratio import Ratio, write

from pcr_assets.imaging import camera
from pcr_assets.imaging.camera import backgrounds
from pcr_assets.learning.timm_import import import_timm

SIZE = (160, 224)
BATCH = 16
LIMIT = "forward and backward of timm efficientnet_lite0, 160×224, batch 16"


def drawn() -> list[np.ndarray]:
    """Eight pictures of a scan's size."""
    rng = np.random.default_rng(0)
    return [backgrounds.background((504, 704), rng) for _ in range(8)]


def milliseconds(work: Callable[[int], object], times: int) -> float:
    """Median over five rounds of the CPU time of one call; a round is `times` calls."""
    work(0)
    rounds = []
    for number in range(5):
        start = time.process_time()
        for call in range(times):
            work(number * times + call)
        rounds.append((time.process_time() - start) / times * 1e3)
    return float(np.median(rounds))


def network_ms() -> float:
    """CPU milliseconds an image for one training pass of the network alone."""
    network = import_timm().create_model("efficientnet_lite0", num_classes=768).train()
    network = network.to(memory_format=torch.channels_last)
    images = torch.rand(BATCH, 3, SIZE[1], SIZE[0]).contiguous(memory_format=torch.channels_last)

    def step(_: int) -> None:
        network.zero_grad()
        network(images).square().mean().backward()

    return milliseconds(step, 1) / BATCH


def main() -> int:
    """Time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=Path, help="folder of card scans (default: drawn ones)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "simulator.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    cards = cards_from(arguments.cards) if arguments.cards else drawn()

    def seen(strength: str | camera.Strength) -> Callable[[int], object]:
        return lambda call: camera.rectified(cards[call % len(cards)], np.random.default_rng(call), strength, SIZE)

    warp = milliseconds(seen("none"), 100)
    limit = network_ms()
    strengths = {name: round(milliseconds(seen(name), 100), 3) for name in camera.STRENGTHS}
    effects = {
        name: round(max(0.0, milliseconds(seen(camera.only(name, 0.6)), 60) - warp), 3) for name in camera.EFFECTS
    }
    frame = milliseconds(lambda call: camera.scene(cards[:1], np.random.default_rng(call)), 6)
    result = {
        "question": (__doc__ or "").splitlines()[0],
        "cards": {"count": len(cards), "median_height": int(np.median([card.shape[0] for card in cards]))},
        "limit": {"name": LIMIT, "ms": round(limit, 2), "images_per_s": round(1e3 / limit, 1)},
        "strengths_ms": strengths,
        "effects_ms_beyond_the_warp": effects,
        "scene_1280x720_ms": round(frame, 1),
        "train_images_per_s": round(1e3 / strengths["train"], 1),
    }
    ratios = [
        Ratio(f"a view at {name}", LIMIT, ms / limit, asked=1.0 if name == "train" else None)
        for name, ms in strengths.items()
    ]
    write(result, ratios, arguments.output)
    print(f"{LIMIT}: {limit:.1f} ms an image, {1e3 / limit:.0f} images/s")
    for name, ms in strengths.items():
        print(f"simulator, {name:6}: {ms:5.2f} ms, {1e3 / ms:6.0f} images/s, {ms / limit:6.1%} of the network's time")
    for name, ms in effects.items():
        print(f"  {name:10} {ms:5.2f} ms")
    print(f"whole frame with a card: {frame:.0f} ms; written to {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
