"""Lifecycle rules: ours beside those of others, compared before they are set, and compared again by an asset check."""

import pytest

from pcr_assets import layout
from pcr_assets.cloud import lifecycle
from pcr_assets.cloud.clients import CloudError

THEIRS = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}


def put(s3, *rules):
    s3.put_bucket_lifecycle_configuration(Bucket="training", LifecycleConfiguration={"Rules": list(rules)})


def ids(s3):
    return [rule["ID"] for rule in s3.get_bucket_lifecycle_configuration(Bucket="training")["Rules"]]


def test_three_rules_are_wanted():
    outputs, profiles, uploads = lifecycle.wanted()
    assert outputs["Transitions"] == [{"Days": 90, "StorageClass": "GLACIER"}]
    assert profiles["Transitions"] == [{"Days": 180, "StorageClass": "GLACIER"}]
    assert profiles["Filter"]["Prefix"] == f"{layout.PROJECT}/profiling/"
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert lifecycle.wanted("team/a")[1]["Filter"]["Prefix"] == f"team/a/{layout.PROJECT}/profiling/"


def test_a_bucket_without_rules_gets_ours_and_then_nothing_more(s3):
    assert len(lifecycle.plan(lifecycle.rules_of(s3, "training")).missing) == 3
    assert lifecycle.apply(s3, "training").settled
    assert ids(s3) == ["ArchiveOldTrainingOutputs", "ArchiveOldProfilingData", "DeleteIncompleteMultipartUploads"]
    assert lifecycle.judged(s3, "training") == (True, "all three rules are set, beside 0 of others")


def test_rules_of_others_stay_as_they_are(s3):
    put(s3, THEIRS)
    done = lifecycle.apply(s3, "training")
    assert ids(s3)[0] == "logs" and len(ids(s3)) == 4
    assert [rule["Expiration"] for rule in done.kept] == [{"Days": 30}]


def test_a_rule_of_ours_that_somebody_changed_is_told_and_mended(s3):
    changed = {**lifecycle.wanted()[0], "Transitions": [{"Days": 10, "StorageClass": "GLACIER"}]}
    put(s3, changed, THEIRS)
    found = lifecycle.plan(lifecycle.rules_of(s3, "training"))
    assert "GLACIER after 90 days; set is ArchiveOldTrainingOutputs: models/embedding/: GLACIER after 10 days" in str(
        found
    )
    passed, said = lifecycle.judged(s3, "training")
    assert not passed and "(differs)" in said and "--apply" in said
    assert lifecycle.apply(s3, "training").settled
    assert sorted(ids(s3)) == sorted(["logs", *(rule["ID"] for rule in lifecycle.wanted())])


def test_what_somebody_added_to_a_rule_of_ours_stays(s3):
    """The project's bucket has such a rule: old versions of training outputs go to the archive after 30 days."""
    older = {"NoncurrentVersionTransitions": [{"NoncurrentDays": 30, "StorageClass": "GLACIER"}]}
    deeper = {"Days": 365, "StorageClass": "DEEP_ARCHIVE"}
    outputs, profiles, uploads = lifecycle.wanted()
    put(
        s3, {**outputs, **older}, {**profiles, "Transitions": [{"Days": 7, "StorageClass": "GLACIER"}, deeper]}, uploads
    )
    found = lifecycle.plan(lifecycle.rules_of(s3, "training"))
    assert [rule["ID"] for rule in found.right] == ["ArchiveOldTrainingOutputs", "DeleteIncompleteMultipartUploads"]
    lifecycle.apply(s3, "training")
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket="training")["Rules"]}
    assert rules["ArchiveOldTrainingOutputs"]["NoncurrentVersionTransitions"] == older["NoncurrentVersionTransitions"]
    steps = {step["StorageClass"]: step["Days"] for step in rules["ArchiveOldProfilingData"]["Transitions"]}
    assert steps == {"GLACIER": 180, "DEEP_ARCHIVE": 365}


def test_an_empty_filter_means_the_same_as_an_empty_prefix():
    rule = {**lifecycle.wanted()[2], "Filter": {}}
    assert not lifecycle.plan([rule]).changed


class Overwritten:
    """A bucket in which somebody else sets rules at the same moment."""

    def __init__(self, s3, *rules):
        self.s3, self.rules = s3, rules

    def __getattr__(self, name):
        return getattr(self.s3, name)

    def put_bucket_lifecycle_configuration(self, **request):
        self.s3.put_bucket_lifecycle_configuration(**request)
        put(self.s3, *self.rules)


class ForSmallObjectsToo:
    """A bucket whose rules move small objects: moto knows S3's default alone."""

    def __init__(self, s3):
        self.s3, self.smallest = s3, "varies_by_storage_class"

    def get_bucket_lifecycle_configuration(self, **request):
        return {
            **self.s3.get_bucket_lifecycle_configuration(**request),
            "TransitionDefaultMinimumObjectSize": self.smallest,
        }

    def put_bucket_lifecycle_configuration(self, **request):
        self.s3.put_bucket_lifecycle_configuration(**request)
        self.smallest = request.get("TransitionDefaultMinimumObjectSize", "all_storage_classes_128K")


def test_which_objects_are_too_small_for_the_rules_of_others_stays_as_they_said(s3):
    put(s3, THEIRS)
    bucket = ForSmallObjectsToo(s3)
    lifecycle.apply(bucket, "training")
    assert len(ids(s3)) == 4
    assert bucket.smallest == "varies_by_storage_class"


@pytest.mark.parametrize("left", [[THEIRS], lifecycle.wanted()])
def test_rules_that_somebody_overwrote_meanwhile_ours_or_those_of_others_are_an_error(s3, left):
    put(s3, THEIRS)
    with pytest.raises(CloudError, match="somebody else sets them too"):
        lifecycle.apply(Overwritten(s3, *left), "training")


def test_the_command_changes_nothing_until_it_is_told_to(s3, capsys):
    put(s3, THEIRS)
    assert lifecycle.main(["--store", "s3://training"]) == 3
    assert ids(s3) == ["logs"]
    assert "missing   ArchiveOldTrainingOutputs" in capsys.readouterr().out
    assert lifecycle.main(["--store", "s3://training", "--apply"]) == 0
    assert lifecycle.main(["--store", "s3://training"]) == 0


def test_a_folder_has_no_rules(capsys):
    assert lifecycle.main(["--store", "store"]) == 1
    assert "store is a folder, and only buckets have lifecycle rules" in capsys.readouterr().err


def test_a_server_that_is_named_wrongly_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setenv("PCR_S3_ENDPOINT", "127.0.0.1:9000")
    assert lifecycle.main(["--store", "s3://training"]) == 1
    assert "PCR_S3_ENDPOINT is 127.0.0.1:9000: write a URL" in capsys.readouterr().err


def test_a_server_that_knows_no_archive_says_so(bucket, s3_server):
    """SeaweedFS answers 501 to transitions."""
    from pcr_assets.cloud import clients

    with pytest.raises(CloudError, match=r"could not set the lifecycle rules of cards.*it takes AWS"):
        lifecycle.apply(clients.s3(), s3_server.bucket)
