"""``python -m pcr_assets.adopt [PREFIX] [--apply]``: take over what lies in a folder or ``s3://…``, laid out as this project is.

Without ``--apply`` it says what fits and what doesn't, path by path, and what would be recorded; nothing is written.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import dagster as dg

from pcr_assets import layout, planner
from pcr_assets.adopt import models
from pcr_assets.adopt.materialize import materialize
from pcr_assets.adopt.survey import Finding, survey
from pcr_assets.command_options import purpose, usual_store
from pcr_assets.project_records.inventory import current_keys
from pcr_assets.refresh.refusals import open_home, tell
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError
from pcr_assets.resources.stored import listed

FIRST = "training_snapshot"
"""What models are made of: it is built before they are recorded, for they are recorded as made of it."""


def store_of(prefix: str) -> str:
    """The store's root: the prefix itself, or what stands before the project's own place in it."""
    return prefix.rstrip("/").removesuffix(f"/{layout.PROJECT}") or "/"


def main(
    argv: Sequence[str] | None = None,
    build: Callable[[Project], dg.Definitions] | None = None,
    instance: dg.DagsterInstance | None = None,
) -> int:
    """Run the command. Exit code: 0 done, 1 something is in the way, 3 (without --apply) there is something to adopt."""
    parser = argparse.ArgumentParser(prog="python -m pcr_assets.adopt", description=purpose(__doc__))
    parser.add_argument(
        "prefix",
        nargs="?",
        default=usual_store(),
        help="folder or s3://… (default: PCR_STORE)",
    )
    parser.add_argument("--apply", action="store_true", help="record it; without it nothing is written")
    given = parser.parse_args(argv)
    for category in (dg.BetaWarning, dg.PreviewWarning):  # of Dagster's own calls: nobody can do anything about them
        warnings.filterwarnings("ignore", category=category)
    project = Project(store=store_of(given.prefix))
    try:
        with nullcontext(instance) if instance else open_home() as opened:
            return _adopt(project, (build or _defs)(project), opened, apply=given.apply)
    except (Exception, KeyboardInterrupt) as error:
        return tell(error)


def _defs(project: Project) -> dg.Definitions:
    from pcr_assets.definitions import build_defs

    return build_defs({"project": project})


def _adopt(project: Project, defs: dg.Definitions, instance: dg.DagsterInstance, *, apply: bool) -> int:
    store, artifacts = project.root, project.artifacts
    stored = list(listed(store))
    if not stored:
        raise StoreError(f"nothing lies in {store.root}: name the folder or s3://… above {layout.PROJECT}")
    pointers = frozenset(
        entry.key.removesuffix("/current.json") for entry in stored if entry.key.endswith("/current.json")
    )
    found = models.find(store, stored, pointers)
    _report(store.root, survey(stored, current_keys(artifacts, stored)), found)
    trained = [model for model in found if model.known.place in models.TRAINED]
    if apply:
        if trained:
            _build_first(defs, instance)
        for model in trained:
            models.adopt(artifacts, model)
            print(f"current     {model.known.place} is {model.version}")
    if unseen := planner.observe(defs, instance):
        said = "; ".join(map(str, unseen))
        if apply:
            raise StoreError(f"{said}: nothing more was recorded")
        print(f"\n{said}")
    print("\nassets:")
    told = materialize(defs, instance, artifacts, dry_run=not apply)
    adopted = {model.known.place for model in trained}
    for entry in told:
        print(entry)
    if not apply and adopted:
        print(
            f"\n--apply first builds {FIRST} from the scans, then records {len(adopted)} models as made of it: nothing is trained"
        )
    todo = bool(adopted) or any(entry.outcome == "recorded" for entry in told)
    if apply or not todo:
        return 0
    print("\nnothing was written: with APPLY=1 (--apply of the command) this is recorded")
    return 3


def _report(root: str, findings: list[Finding], found: list[models.Found]) -> None:
    print(f"{root}:")
    for finding in [*findings, *(model.finding for model in found)]:
        print(finding)
    unread = sum(sum(model.files.values()) for model in found if model.known.place in models.TRAINED)
    if unread:
        print(f"\n{unread / 1e6:,.1f} MB of models are read once for their digests; nothing is copied or moved")


def _build_first(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    from pcr_assets.refresh.console import Telling

    telling, published = Telling(), planner.published_in(defs, instance)
    outcome = planner.run(defs, instance, f"+{FIRST}", published, on_event=telling.show)
    if outcome.ending is not planner.Ending.SETTLED:
        raise StoreError(f"{FIRST} could not be built, so no model was recorded: {telling.end(outcome)}")


if __name__ == "__main__":
    sys.exit(main())
