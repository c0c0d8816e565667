"""Checks on what lies in the store."""

import dagster as dg
import pytest

from pcr_assets import checks
from pcr_assets.cloud import lifecycle
from pcr_assets.resources.project import Project


@pytest.mark.parametrize(("rejected", "passed"), [(5, True), (6, False)])
def test_more_than_a_twentieth_of_the_scans_in_quarantine_is_warned_of(asked, rejected, passed):
    found = asked(checks.few_scans_in_quarantine, PROCESSED={"rejected": rejected, "scans": 100 - rejected})
    assert (found.passed, found.description) == (passed, f"{rejected} of 100 scans are in quarantine")
    assert found.severity is dg.AssetCheckSeverity.WARN


def sets(**scans):
    return {"sets": {set_id: {"scans": count} for set_id, count in scans.items()}}


@pytest.mark.parametrize(
    ("now", "passed"),
    [
        ({"base1": 100, "neo1": 50, "new1": 40}, True),
        ({"base1": 75}, True),
        ({"base1": 74}, False),
        ({"base1": 10, "new1": 200}, False),
        ({"other1": 10}, True),
    ],
)
def test_most_scans_that_the_gallery_was_made_of_are_still_there_unless_it_is_another_gallery(asked, now, passed):
    found = asked(checks.most_scans_are_still_there, REFERENCES=sets(base1=100, neo1=50), PROCESSED=sets(**now))
    assert found.passed is passed
    assert ("raise gates.lost_scans" in found.description) is not passed


def test_a_first_gallery_has_lost_nothing(asked):
    assert asked(checks.most_scans_are_still_there, PROCESSED=sets(base1=1)).passed


def test_a_bucket_is_asked_for_its_rules_where_the_profile_says_so(tmp_path, monkeypatch):
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    profile = tmp_path / "asking.yaml"
    declining = tmp_path / "declining.yaml"
    declining.write_text("extends: embedded\nrecords: {ask_bucket: 'no'}\n")
    profile.write_text("extends: embedded\nrecords: {ask_bucket: true}\n")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="rules-are-asked")
        for named in ("", str(declining)):
            quiet = checks.lifecycle_rules_are_set(project=Project(store="s3://rules-are-asked", profile=named))
            assert quiet.passed and quiet.description.startswith("not asked")
        asking = Project(store="s3://rules-are-asked", profile=str(profile))
        before = checks.lifecycle_rules_are_set(project=asking)
        assert (before.passed, before.severity) == (False, dg.AssetCheckSeverity.WARN)
        lifecycle.apply(asking.root.client, "rules-are-asked")
        assert checks.lifecycle_rules_are_set(project=asking).passed
