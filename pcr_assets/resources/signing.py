"""Who signs releases: the key files that an asset is given. What is signed with them is :mod:`pcr_assets.trust`'s."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from pcr_assets import layout
from pcr_assets.resources.store import Store
from pcr_assets.trust.keys import ROOT_FILE, Keys, key_folder
from pcr_assets.trust.settings import TrustSettings

if TYPE_CHECKING:
    from pcr_assets.trust.metadata import Repository


class ReleaseSigner(dg.ConfigurableResource):
    """Signs with the keys in ``key_folder``, else ``PCR_KEYS``, else in ``DAGSTER_HOME/keys``, made there at first need."""

    key_folder: str = ""

    @property
    def folder(self) -> Path:
        """Where the keys are."""
        return Path(self.key_folder) if self.key_folder else key_folder()

    def require_own(self, store: Store) -> None:
        """Raises ``TrustError`` where this store had no release yet and the keys have signed for another one: ``open`` would, but
        after everything that a release needs was built."""
        if (self.folder / ROOT_FILE).is_file() and store.size(layout.TIMESTAMP) is None:
            from pcr_assets.trust.metadata import Repository

            Repository(store, None, {}).require_own(Keys([self.folder]))

    def open(self, store: Store, settings: TrustSettings) -> "tuple[Repository, Keys]":
        """The metadata of a store and the keys. Both are made where there are none, but no keys in a folder that was named.

        Raises ``TrustError``.
        """
        from pcr_assets.trust.channels import initialised

        named = self.key_folder or os.environ.get("PCR_KEYS")
        return initialised(store, [self.folder], settings.days, may_make=not named)
