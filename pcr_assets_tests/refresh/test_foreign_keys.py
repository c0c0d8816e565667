"""Keys that have signed for another store, told of before anything is built."""

import dagster as dg
import pytest

from pcr_assets.automation.refresh_job import refresh_job_for
from pcr_assets.refresh.command import main
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets_tests.refresh.releasing import ending_in_a_release
from pcr_assets_tests.trust.offering import World

CURE = "for another store name other keys in PCR_KEYS"


class Releasing:
    """A graph that ends in a release, over a store that has none yet, and keys of another store."""

    def __init__(self, folder):
        self.former = World(folder / "former", Project(store=str(folder / "former")).root)
        self.former.publish("first")
        self.store, self.built = folder / "new", []

    def defs(self):
        signer = ReleaseSigner(key_folder=str(self.former.key_folder))
        return ending_in_a_release(Project(store=str(self.store)), signer, self.built)


@pytest.fixture
def releasing(tmp_path):
    return Releasing(tmp_path)


def test_a_refresh_does_not_work_for_hours_on_what_it_cannot_sign(releasing, capsys):
    with dg.DagsterInstance.ephemeral() as instance:
        assert main(["run"], releasing.defs, instance) == 1
        assert CURE in capsys.readouterr().err
        assert releasing.built == []


def test_a_job_does_not_either(releasing):
    with dg.DagsterInstance.ephemeral() as instance:
        ended = refresh_job_for(releasing.defs).execute_in_process(instance=instance, raise_on_error=False)
        (failure,) = (event for event in ended.all_events if event.is_step_failure)
        assert CURE in str(failure.step_failure_data.error)
        assert releasing.built == []


def test_what_nobody_signs_is_built_with_any_keys(releasing):
    with dg.DagsterInstance.ephemeral() as instance:
        assert main(["run", "--select", "model"], releasing.defs, instance) == 0
    assert releasing.built == ["model"]


def test_the_keys_own_store_is_built(releasing):
    releasing.store = releasing.former.folder
    with dg.DagsterInstance.ephemeral() as instance:
        assert main(["run"], releasing.defs, instance) == 0
    assert releasing.built == ["model", "edge_release"]
