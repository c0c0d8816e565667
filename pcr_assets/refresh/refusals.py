"""Why a command can't be run, or ended before its end, or does more than it should: a sentence with the cure, and the exit code."""

import difflib
import errno
import logging
import os
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

import dagster as dg
from dagster._check import CheckError  # internal, dagster 1.13
from dagster._core.definitions.asset_selection import DagsterInvalidAssetSelectionError  # internal, dagster 1.13
from sqlalchemy.exc import OperationalError

from pcr_assets import planner
from pcr_assets.assets.settings import check
from pcr_assets.command_options import INTERRUPTED, MISUSED, usual_store
from pcr_assets.instance import POSTGRES, InstanceError
from pcr_assets.planner.lock import LockLost
from pcr_assets.resources.engine import EngineError
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.resources.store import StoreError
from pcr_assets.settings import SettingsError
from pcr_assets.trust.keys import TrustError


class Refused(Exception):
    """A command can't be run; the sentence says why and what to do, the code is that of the exit."""

    def __init__(self, sentence: str, code: int = 1):
        super().__init__(sentence)
        self.code = code


def told(error: BaseException) -> tuple[str, int]:
    """What a person is told of an error, and the exit code. No sentence: nobody foresaw this one, show all of it."""
    match error:
        case Refused():
            return str(error), error.code
        case StoreError() | SettingsError() | InstanceError() | EngineError() | LockLost() | TrustError():
            return str(error), 1
        case DagsterInvalidAssetSelectionError():
            written = "names are joined as in 'key:card_index or key:edge_release'"
            return f"{str(error).splitlines()[0]}: {written}", MISUSED
        case KeyboardInterrupt():
            return "stopped: what was built stays, the next refresh goes on from there", INTERRUPTED
    if said := _of_the_database(error):
        return f"Dagster's database of {POSTGRES} refuses ({said}): mend that, then run again; what was built stays", 1
    said = _of_the_disk(error)
    cure = "free space on that disk or mend the rights, then run again; what was built stays"
    return said and f"Dagster's records in {os.environ.get('DAGSTER_HOME')} can't be written ({said}): {cure}", 1


def tell(error: BaseException, stopped: str = "") -> int:
    """Print what a person is told of an error, ``stopped`` of Ctrl-C where that is given, and return the exit code. Raises the
    error where nobody foresaw it."""
    sentence, code = told(error)
    if not sentence:
        raise error
    print(stopped if stopped and isinstance(error, KeyboardInterrupt) else sentence, file=sys.stderr)
    return code


def find_home() -> None:
    """Refuse to go on without the folder in which Dagster keeps what it knows; name the one that ``make`` uses."""
    home = os.environ.get("DAGSTER_HOME", "")
    if Path(home).is_absolute() and Path(home).is_dir():
        return
    store = usual_store()
    kept = Path("." if "://" in store else store).absolute() / ".dagster"
    wrong = f"is {home}, which is no absolute path of a folder" if home else "is not set"
    raise Refused(
        f"DAGSTER_HOME {wrong}, so nothing is known of earlier runs: use `make`, which sets it, or `export DAGSTER_HOME={kept}`"
    )


def open_home() -> dg.DagsterInstance:
    """The instance in that folder, for a command that tells in one sentence of a database that is away."""
    find_home()
    logging.getLogger().addFilter(_worth_reading)
    return dg.DagsterInstance.get()


def _worth_reading(record: logging.LogRecord) -> bool:
    """Whether a line of the root logger is: dagster-postgres writes four for each of six tries, and our sentence says it once."""
    return not str(record.msg).startswith("Retrying failed database connection")


def find_assets(defs: dg.Definitions, selection: str) -> None:
    """Refuse a selection of nothing; name the assets that were meant, where some have names like that."""
    try:
        if planner.selected_assets(defs, selection):
            return
        if sources := dg.AssetSelection.from_coercible(selection).resolve(defs.resolve_asset_graph()):
            raise Refused(_only_observed(defs, sources), MISUSED)
    except dg.DagsterInvalidSubsetError:
        pass  # Dagster's sentence speaks of its own classes
    except (NotImplementedError, CheckError):  # as status:stale does, which it takes in the UI
        said = "selects by what Dagster's UI alone can tell: name assets, or select by group, kind, tag or owner"
        raise Refused(f"'{selection}' {said}", MISUSED) from None
    names = [key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()]
    words = [word for word in re.findall(r"[\w/]+", selection) if word not in names]
    close = [near for word in words for near in difflib.get_close_matches(word, names, n=1)]
    meant = f"did you mean {', '.join(close)}?" if close else "`make explain` tells of all there are"
    raise Refused(f"no asset matches '{selection}': {meant}", MISUSED)


def find_keys(defs: dg.Definitions, selection: str) -> None:
    """Refuse to build for hours what nobody can sign at the end: the keys are those of another store."""
    if who := _who_signs(defs, planner.selected_assets(defs, selection)):
        project, signer = who
        signer.require_own(project.root)


def what_is_unsigned(defs: dg.Definitions, due: Iterable[dg.AssetKey]) -> str:
    """A sentence, if a release is among what is due and could not be signed. It refuses nothing: what a release needs is built
    with any keys, and they can be brought meanwhile."""
    who = _who_signs(defs, due)
    return who[1].why_not(who[0]) if who else ""


def _who_signs(defs: dg.Definitions, assets: Iterable[dg.AssetKey]) -> tuple[Project, ReleaseSigner] | None:
    """The store and its signer, where one of the assets is signed."""
    resources = defs.resources or {}
    project, signer = resources.get("project"), resources.get("signer")
    if not isinstance(project, Project) or not isinstance(signer, ReleaseSigner):
        return None
    signed = any("signer" in defs.resolve_assets_def(asset).required_resource_keys for asset in assets)
    return (project, signer) if signed else None


def find_profile(defs: dg.Definitions) -> str:
    """The profile in use, checked as a whole before anything is built. Raises SettingsError."""
    project = (defs.resources or {}).get("project")
    if not isinstance(project, Project):
        return ""
    settings = project.settings
    check(settings)
    return settings.source


def what_is_unrecorded(defs: dg.Definitions, instance: dg.DagsterInstance, published: planner.Published) -> str:
    """A sentence, if what was built once, and trained for hours, is to be built again for want of a record."""
    try:
        held = planner.unrecorded(defs, instance, published)
    except StoreError:  # the refresh itself tells of it, and of all that can't be read
        return ""
    if not held:
        return ""
    return (
        f"the store holds {held.to_user_string()}, and Dagster has no record here of anything in it: a refresh builds all "
        "of it once more; `make adopt APPLY=1` records first what is there (docs/aws.md)"
    )


def _only_observed(defs: dg.Definitions, sources: Set[dg.AssetKey]) -> str:
    """What there is to say of sources, which `plan` names as causes: they are looked at at each refresh, and never stale."""
    graph = defs.resolve_asset_graph()
    made = sorted({child.to_user_string() for key in sources for child in graph.get(key).child_keys})
    named = ", ".join(sorted(key.to_user_string() for key in sources))
    return f"{named}: observed, not built, and so never stale; ask about what is made from it: {', '.join(made)}"


def _of_the_disk(error: BaseException | None) -> str:
    """What SQLite or the system said when it could not write."""
    for cause in _causes(error):
        if isinstance(cause, sqlite3.OperationalError):
            return str(cause)
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            return cause.strerror or "the disk is full"
    return ""


def _of_the_database(error: BaseException | None) -> str:
    """The first line of what PostgreSQL or its client said when it could not be reached or could not go on."""
    for cause in _causes(error):
        if isinstance(cause, OperationalError) and not isinstance(cause.orig, sqlite3.Error):
            return (str(cause.orig).strip() or "no reason given").splitlines()[0]
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what caused it, what caused that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
