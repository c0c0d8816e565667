"""``python -m pcr_assets.tidy``: say what nothing refers to any more; remove it with ``--apply``."""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from pcr_assets import layout
from pcr_assets.assets.declare import ARTIFACT
from pcr_assets.refresh.refusals import open_home, tell
from pcr_assets.resources.project import Project
from pcr_assets.tidy.found import Keep, Leaving, table
from pcr_assets.tidy.records import old_looks, recorded
from pcr_assets.tidy.sweep import look, sweep

STOPPED = "stopped: what was removed is gone, nothing that is referred to is; run again to go on"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    given = _parser().parse_args(argv)
    project, now = Project(), time.time()
    keep = Keep(
        now,
        releases=given.keep,
        hours=given.hours,
        days=given.days,
        device_days=given.device_days,
        record_days=given.record_days,
        cache_bytes=given.cache_gb * 1e9,
    )
    try:
        leaving = _tidied(project, keep, apply=given.apply)
    except (Exception, KeyboardInterrupt) as error:
        return tell(error, STOPPED)
    if not leaving:
        print(f"nothing may go from {project.root.root}")
        return 0
    print("\n".join(table(leaving, now)))
    print("removed" if given.apply else "nothing was removed: make gc APPLY=1 removes it")
    return 0


def _tidied(project: Project, keep: Keep, *, apply: bool) -> list[Leaving]:
    """What may go of the store, of this machine, and of Dagster's records where there are any; with ``apply`` it is gone."""
    workdir = project.workdir("passing").parent
    leaving = (sweep if apply else look)(project.root, artifact_names(), workdir, keep)
    if not recorded():
        return leaving
    with open_home() as instance:
        graph = asset_graph()
        looks = list(old_looks(instance, graph.observable_asset_keys - graph.materializable_asset_keys, keep))
        for each in looks if apply else []:
            if each.remove:
                each.remove()
    return [*leaving, *looks]


def artifact_names() -> list[str]:
    """What the assets of the graph publish, by their names in the store: one each, and ``edge_release`` the self-test besides."""
    graph = asset_graph()
    found = (graph.get(key).metadata.get(ARTIFACT) for key in graph.materializable_asset_keys)
    return sorted({layout.SELF_TEST, *(str(name) for name in found if name)})


def asset_graph() -> Any:
    """The project's own."""
    from pcr_assets.definitions import defs

    return defs.resolve_asset_graph()


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
    usual = Keep(0)
    parser.add_argument("--apply", action="store_true", help="remove it; without this, it is only told")
    keep = "newest releases, and versions of a model, to keep"
    parser.add_argument("--keep", type=int, default=usual.releases, help=f"{keep} (default: %(default)s)")
    for option, value, about in (
        ("--hours", usual.hours, "keep whatever is younger than so many hours"),
        ("--days", usual.days, "keep a release so long after a newer one came"),
        ("--device-days", usual.device_days, "a device's note counts so long"),
        ("--record-days", usual.record_days, "Dagster's record of a look at the sources stays so long"),
        ("--cache-gb", usual.cache_bytes / 1e9, "gigabytes of downloads to keep here"),
    ):
        parser.add_argument(option, type=_amount, default=value, help=f"{about} (default: %(default)g)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
