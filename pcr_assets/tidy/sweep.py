"""Looking and removing: the store while nobody publishes to it, then this machine."""

from collections.abc import Iterable
from pathlib import Path

from pcr_assets.resources.store import Store
from pcr_assets.resources.turns import PATIENCE, clearing
from pcr_assets.tidy.found import Keep, Leaving
from pcr_assets.tidy.local import cache, scratch
from pcr_assets.tidy.stored import unreferenced


def look(store: Store, names: Iterable[str], workdir: Path, keep: Keep) -> list[Leaving]:
    """What may go now, without removing anything."""
    return [*unreferenced(store, names, keep), *scratch(workdir, keep), *cache(keep)]


def sweep(store: Store, names: Iterable[str], workdir: Path, keep: Keep, patience: float = PATIENCE) -> list[Leaving]:
    """Remove what may go; gives what was removed.

    What is in the store is looked at anew when nobody publishes any more, and is gone before anybody may again. Raises
    StoreError; ``Occupied`` among them, when publishers leave no moment for so many seconds.
    """
    with clearing(store, patience):
        stored = list(unreferenced(store, names, keep))
        keys = [each.key for each in stored if each.remove is None]
        # Manifests go first: none may name a part that is gone.
        keys.sort(key=lambda key: not key.endswith("/manifest.json"))
        manifests = sum(key.endswith("/manifest.json") for key in keys)
        store.remove_many(keys[:manifests])
        store.remove_many(keys[manifests:])
    here = [*scratch(workdir, keep), *cache(keep)]
    for each in (*stored, *here):
        if each.remove:
            each.remove()
    return [*stored, *here]
