"""``python -m pcr_assets.tidy``: say what nothing refers to any more; remove it with ``--apply``."""

import argparse
import sys
import time
from collections.abc import Sequence

from pcr_assets import layout
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError
from pcr_assets.tidy.found import Keep, table
from pcr_assets.tidy.sweep import look, sweep


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    given = _parser().parse_args(argv)
    project, now = Project(), time.time()
    keep = Keep(now, given.keep, given.hours, given.days, given.device_days, cache_bytes=given.cache_gb * 1e9)
    workdir = project.workdir("passing").parent
    try:
        leaving = (sweep if given.apply else look)(project.root, artifact_names(), workdir, keep)
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1
    if not leaving:
        print(f"nothing may go from {project.root.root}")
        return 0
    print("\n".join(table(leaving, now)))
    print("removed" if given.apply else "nothing was removed: make gc APPLY=1 removes it")
    return 0


def artifact_names() -> list[str]:
    """What the assets of the graph publish, by their names in the store: one each, and ``edge_release`` the self-test besides."""
    from pcr_assets.assets.declare import ARTIFACT
    from pcr_assets.definitions import build_defs

    graph = build_defs().resolve_asset_graph()
    found = (graph.get(key).metadata.get(ARTIFACT) for key in graph.materializable_asset_keys)
    return sorted({layout.SELF_TEST, *(str(name) for name in found if name)})


def _amount(text: str) -> float:
    """Of hours, days or gigabytes: nothing is older than so many of what is no number, and all would go."""
    if not 0 <= (value := float(text)) < float("inf"):
        raise ValueError
    return value


_amount.__name__ = "number, 0 or more"  # what argparse says of a wrong one


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pcr_assets.tidy", description="Say what nothing refers to any more, and remove it when asked."
    )
    option, usual = parser.add_argument, Keep(0)
    option("--apply", action="store_true", help="remove it; without this, it is only told")
    option(
        "--keep",
        type=int,
        default=usual.releases,
        help="newest releases, and versions of a model, to keep (%(default)s)",
    )
    option(
        "--hours", type=_amount, default=usual.hours, help="keep whatever is younger than so many hours (%(default)g)"
    )
    option(
        "--days", type=_amount, default=usual.days, help="keep a release so long after a newer one came (%(default)g)"
    )
    option(
        "--device-days", type=_amount, default=usual.device_days, help="a device's note counts so long (%(default)g)"
    )
    option("--cache-gb", type=_amount, default=usual.cache_bytes / 1e9, help="downloads to keep here (%(default)g GB)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
