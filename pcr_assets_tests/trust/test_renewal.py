"""The job that keeps signatures young; its schedule is off until somebody switches it on."""

import dagster as dg
import pytest

from pcr_assets import layout
from pcr_assets.automation.renewal import renew_nightly, renew_trust
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.trust.channels import initialised, publish_release
from pcr_assets.trust.settings import TrustSettings


@pytest.fixture
def resources(tmp_path):
    return {
        "project": Project(store=str(tmp_path / "store")),
        "signer": ReleaseSigner(key_folder=str(tmp_path / "keys")),
    }


def test_the_job_signs_a_new_timestamp(resources, tmp_path):
    store, trust = resources["project"].root, TrustSettings()
    repository, keys = initialised(store, [tmp_path / "keys"], trust.days, may_make=True)
    publish_release(repository, keys, trust, "first", b"manifest")
    before = store.read(f"{layout.METADATA}/timestamp.json")
    assert renew_trust.execute_in_process(resources=resources).success
    assert store.read(f"{layout.METADATA}/timestamp.json") != before


def test_before_the_first_release_there_is_nothing_to_renew(resources, tmp_path):
    assert renew_trust.execute_in_process(resources=resources).success
    assert not (tmp_path / "keys").exists()


def test_a_release_that_lost_its_timestamp_is_no_night_on_which_all_went_well(resources, tmp_path):
    project, trust = resources["project"], TrustSettings()
    repository, keys = initialised(project.root, [tmp_path / "keys"], trust.days, may_make=True)
    project.artifacts.publish(layout.RELEASES, {"manifest.json": b"manifest"}, digest="a" * 64)
    publish_release(repository, keys, trust, "a" * 16, b"manifest")
    project.root.remove(layout.TIMESTAMP)
    with pytest.raises(dg.Failure, match=r"timestamp\.json is gone: .* `make refresh` signs it anew"):
        renew_trust.execute_in_process(resources=resources)


def test_the_schedule_is_off_by_default():
    assert renew_nightly.default_status is dg.DefaultScheduleStatus.STOPPED
