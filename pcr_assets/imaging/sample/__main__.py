"""``python -m pcr_assets.imaging.sample DIR``: render the sample cards, photos and strangers."""

import argparse
import sys
from pathlib import Path

from pcr_assets.imaging.sample import SampleError, render


def main(arguments: list[str] | None = None) -> int:
    """Renders into DIR; 1 with a sentence when that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m pcr_assets.imaging.sample", description="Render the sample cards, photos and strangers."
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where they go")
    parser.add_argument(
        "--sets", type=int, default=6, help="card sets; the last one reprints from the others (default: 6)"
    )
    parser.add_argument("--cards", type=int, default=40, help="cards in each set (default: 40)")
    parser.add_argument("--seed", type=int, default=0, help="another one draws another game (default: 0)")
    chosen = parser.parse_args(arguments)
    try:
        render(chosen.folder, sets=chosen.sets, cards_per_set=chosen.cards, seed=chosen.seed)
    except (SampleError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
