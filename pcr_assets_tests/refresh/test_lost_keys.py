"""Keys that are not there to sign a release, told of as a refresh begins, which builds all else."""

import dagster as dg
import pytest

from pcr_assets.automation.refresh_job import refresh_job_for
from pcr_assets.refresh.command import main
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.trust.settings import TrustSettings
from pcr_assets_tests.refresh.releasing import ending_in_a_release
from pcr_assets_tests.trust.offering import World

pytestmark = pytest.mark.faults

CURE = "canary must be signed by 1 of its keys, of which 0 are in"
SAID = f"a new release can't be signed, and making one fails, until this is mended: {CURE}"


class Signed:
    """A graph that ends in a release, over a store that has one, whose key of a channel somebody moved away."""

    def __init__(self, folder):
        world = World(folder, Project(store=str(folder)).root)
        world.publish("first")
        self.key, self.built = world.key_folder / "canary.pem", []
        self.key.rename(folder / "canary.pem")
        self.project = Project(store=str(folder))
        self.signer = ReleaseSigner(key_folder=str(world.key_folder), project=self.project)

    def defs(self):
        return ending_in_a_release(self.project, self.signer, self.built, sign)


def sign(project, signer):
    repository, keys = signer.open(project.root, TrustSettings())
    repository.sign("canary", keys, TrustSettings().days)


@pytest.fixture
def signed(tmp_path):
    return Signed(tmp_path)


def test_a_refresh_says_it_first_and_builds_all_else(signed, capfd):
    with dg.DagsterInstance.ephemeral() as instance:
        assert main(["run"], signed.defs, instance) == 1
    assert capfd.readouterr().err.startswith(SAID)
    assert signed.built == ["model"]


def test_a_plan_and_a_build_say_it_too(signed, capfd):
    with dg.DagsterInstance.ephemeral() as instance:
        assert main(["plan"], signed.defs, instance) == 3
        assert capfd.readouterr().err.startswith(SAID)
        assert main(["build", "*"], signed.defs, instance) == 1
        assert capfd.readouterr().err.startswith(SAID)


def test_nothing_is_said_where_nothing_is_signed(signed, capfd, tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        assert main(["run", "--select", "model"], signed.defs, instance) == 0
        (tmp_path / "canary.pem").rename(signed.key)
        assert main(["run"], signed.defs, instance) == 0
        signed.key.rename(tmp_path / "canary.pem")
        assert main(["run"], signed.defs, instance) == 0, "nothing is stale"
        assert main(["plan"], signed.defs, instance) == 0
    assert capfd.readouterr().err == ""


def test_the_log_of_a_job_says_it_before_anything_is_built(signed):
    with dg.DagsterInstance.ephemeral() as instance:
        ran = refresh_job_for(signed.defs).execute_in_process(instance=instance, raise_on_error=False)
        said = [entry.user_message for entry in instance.all_logs(ran.run_id)]
    warned, built = (next(at for at, line in enumerate(said) if word in line) for word in (SAID, "started"))
    assert warned < built


def test_what_is_materialized_in_the_ui_begins_by_saying_it(signed):
    """No planner is asked there; and a wave of the planner's, which has said it, doesn't say it again."""
    job = signed.defs().resolve_implicit_global_asset_job_def()
    for tags, times in ({}, 1), ({"pcr/launcher": "stale"}, 0):
        with dg.DagsterInstance.ephemeral() as instance:
            ran = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
            log = instance.all_logs(ran.run_id)
        said = [entry.user_message.startswith(SAID) for entry in log]
        begun = [bool(entry.dagster_event and entry.dagster_event.is_step_start) for entry in log]
        assert said.count(True) == times
        assert not times or said.index(True) < begun.index(True)
        assert CURE in ran.failure_data_for_node("edge_release").user_failure_data.description
