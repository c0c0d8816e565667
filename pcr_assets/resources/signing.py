"""Who signs releases: the key files that an asset is given. What is signed with them is :mod:`pcr_assets.trust`'s."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from pcr_assets import layout
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Store, StoreError
from pcr_assets.settings import SettingsError
from pcr_assets.trust.keys import ROOT_FILE, Keys, TrustError, key_folder
from pcr_assets.trust.settings import TrustSettings, trust_settings

if TYPE_CHECKING:
    from pcr_assets.trust.metadata import Repository


TOLD = ("stale", "job")
"""Values of the tag ``pcr/launcher`` of runs that are told otherwise: the planner's, and those of jobs."""


class ReleaseSigner(dg.ConfigurableResource):
    """Signs with the keys in ``key_folder``, else ``PCR_KEYS``, else in ``DAGSTER_HOME/keys``, made there at first need."""

    key_folder: str = ""
    project: Project | None = None
    """Whose store a run that signs is told of as it begins."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Say as a run begins, not hours later, that its release can't be signed: *Materialize* in the UI asks no planner."""
        if self.project is None or context.run is None or context.run.tags.get("pcr/launcher") in TOLD:
            return
        if context.log and (why := self.why_not(self.project)):
            context.log.warning(why)

    def why_not(self, project: Project) -> str:
        """A sentence with the cure where a release could not be signed now; empty where it could, and where what can't be read is
        told by whoever needs it next."""
        from pcr_assets.trust.channels import rehearse

        try:
            rehearse(project.root, [self.folder], trust_settings(project.settings), may_make=self._may_make)
        except TrustError as error:
            return f"a new release can't be signed, and making one fails, until this is mended: {error}"
        except (StoreError, SettingsError):
            return ""
        return ""

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

        return initialised(store, [self.folder], settings.days, may_make=self._may_make)

    @property
    def _may_make(self) -> bool:
        return not (self.key_folder or os.environ.get("PCR_KEYS"))
