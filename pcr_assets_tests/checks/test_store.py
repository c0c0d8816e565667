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


def test_a_bucket_is_asked_for_its_rules_where_the_profile_says_so(tmp_path, monkeypatch):
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    profile = tmp_path / "asking.yaml"
    profile.write_text("extends: embedded\nrecords: {ask_bucket: true}\n")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="rules-are-asked")
        quiet = checks.lifecycle_rules_are_set(project=Project(store="s3://rules-are-asked"))
        assert quiet.passed and quiet.description.startswith("not asked")
        asking = Project(store="s3://rules-are-asked", profile=str(profile))
        before = checks.lifecycle_rules_are_set(project=asking)
        assert (before.passed, before.severity) == (False, dg.AssetCheckSeverity.WARN)
        lifecycle.apply(asking.root.client, "rules-are-asked")
        assert checks.lifecycle_rules_are_set(project=asking).passed
