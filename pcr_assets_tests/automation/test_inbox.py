"""The sensor with a queue: SQS says when to look, the listing what is there."""

import time

import boto3
import pytest
from moto import mock_aws

from pcr_assets.automation import inbox
from pcr_assets.automation.inbox import QueueError
from pcr_assets.automation.new_cards import TickError
from pcr_assets.automation.watch import Watch
from pcr_assets_tests.automation.conftest import Daemon, Folder, notification

REGION = "us-east-2"


class Bucket(Daemon):
    """A bucket that tells a queue of its objects, and the daemon that watches both."""

    def __init__(self, instance, folder, queue, s3, sqs):
        self.s3, self.sqs, self.queue, self.listings = s3, sqs, queue, 0
        watch = Watch(quiet_seconds=60, most_seconds=600, queue=queue, list_seconds=86400)
        super().__init__("s3://cards/raw", instance, folder, watch)

    def put(self, *names: str, content: str = "scan", told: bool = True) -> None:
        for name in names:
            self.s3.put_object(Bucket="cards", Key=f"raw/{name}", Body=content.encode())
            if told:
                self.tell(notification(f"raw/{name}"))

    def tell(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    @property
    def waiting(self) -> tuple[int, int]:
        """Messages that wait, and those that were received and not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


@pytest.fixture
def bucket(monkeypatch, tmp_path, instance):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(inbox, "POLL_SECONDS", 0)
    with mock_aws():
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        s3.create_bucket(Bucket="cards", CreateBucketConfiguration={"LocationConstraint": REGION})
        made = Bucket(instance, tmp_path, sqs.create_queue(QueueName="cards")["QueueUrl"], s3, sqs)
        made.tick()  # the first tick lists, whatever the queue says
        yield made


@pytest.fixture
def listings(monkeypatch):
    """With what the listed keys began, listing by listing: "" is the whole folder."""
    from pcr_assets.resources.s3_store import S3Store

    seen, ask = [], S3Store.list_unordered

    def noted(store, prefix="", *given):
        seen.append(prefix)
        return ask(store, prefix, *given)

    monkeypatch.setattr(S3Store, "list_unordered", noted)
    return seen


def test_the_whole_folder_is_listed_once_a_day_though_the_clock_ran_ahead_before(bucket, listings):
    bucket.tick(after=1e9)
    bucket.tick(after=-1e9)
    listings.clear()
    bucket.put("base1-4_Charizard.png", told=False)
    bucket.tick(after=86401)
    assert listings == [""]


def test_a_told_change_asks_once_after_the_quiet_time_and_lists_once(bucket, listings):
    bucket.put("base1-4_Charizard.png", "base1-5_Clefairy.png")
    assert [bucket.sets(after=30) for _ in range(6)] == ["", "", "base1", "", "", ""]
    assert listings == ["base1-"]


def test_of_all_sets_only_those_that_the_messages_name_are_listed(bucket, listings):
    bucket.put("base1-4_Charizard.png", "base2-1_Clefable.png", "base10-1_Ampharos.png", "gym/4.png", told=False)
    bucket.tick(after=86400)
    assert bucket.tick(after=86400)["sets"] == "base1, base10, base2, gym"
    listings.clear()
    bucket.put("base1-5_Clefairy.png", "scans/base1-6_Weedle.png", "gym/5.png")
    bucket.s3.delete_object(Bucket="cards", Key="raw/base2-1_Clefable.png")
    bucket.tell(notification("raw/base2-1_Clefable.png", event="ObjectRemoved:Delete"))
    bucket.tick()
    asked = bucket.tick(after=61)
    assert listings == ["base1-", "base2-", "gym/", "scans/base1-"]
    assert (asked["sets"], asked["added"], asked["removed"]) == ("base1, base2, gym", "3", "1")
    listings.clear()
    assert [bucket.sets(after=43200) for _ in range(3)] == [""] * 3, "the daily listing finds all as it was asked for"
    assert "" in listings


@pytest.mark.parametrize("lost", ["a set whose keys begin in no common way", "the record of beginnings"])
def test_where_a_set_cannot_be_listed_alone_the_whole_folder_is(bucket, listings, lost, tmp_path):
    if lost.startswith("a set"):
        bucket.put("Charizard-en_base_base1_4_high.png", told=False)
        bucket.tick(after=86400)
        bucket.tick(after=86400)
    else:
        for path in (tmp_path / "scratch").rglob("prefixes.json"):
            path.unlink()
    listings.clear()
    bucket.put("base1-5_Clefairy.png")
    bucket.tick()
    assert bucket.sets(after=61) == "base1"
    assert listings == [""]


def test_messages_are_deleted_when_the_cursor_that_holds_them_was_kept_and_not_before(bucket):
    for number in range(25):
        bucket.put(f"base1-{number}_Card.png")
    bucket.tick()
    assert bucket.waiting == (0, 25)
    bucket.tick()
    assert bucket.waiting == (0, 0)


@pytest.mark.parametrize("restarts", [True, False])
def test_a_daemon_that_died_before_keeping_its_cursor_loses_no_message(bucket, monkeypatch, restarts):
    monkeypatch.setattr(inbox, "HIDDEN_SECONDS", 0)  # undeleted messages come again at once
    monkeypatch.setattr(inbox, "DRAIN_SECONDS", 0.3)
    bucket.put("base1-4_Charizard.png")
    bucket.tick(dies=True)
    if restarts:
        bucket.restart()
    assert sum(bucket.waiting) == 1
    monkeypatch.setattr(inbox, "HIDDEN_SECONDS", 300)
    assert [bucket.sets(after=30) for _ in range(4)] == ["", "", "base1", ""]
    assert bucket.waiting == (0, 0)


def test_a_queue_that_fails_in_the_middle_loses_no_message(bucket, monkeypatch):
    for number in range(15):
        bucket.put(f"base1-{number}_Card.png")
    monkeypatch.setattr(inbox, "HIDDEN_SECONDS", 1)
    with monkeypatch.context() as broken:
        ask, answers = inbox.Inbox._ask, []

        def fail_at_the_second(self, call, **given):
            answers.append(call)
            if len(answers) > 1:
                raise QueueError("the queue went away")
            return ask(self, call, **given)

        broken.setattr(inbox.Inbox, "_ask", fail_at_the_second)
        with pytest.raises(TickError):
            bucket.tick()
    time.sleep(1.1)
    bucket.tick()
    assert bucket.waiting == (0, 15)


def test_duplicate_and_late_messages_ask_for_nothing_twice(bucket):
    bucket.put("base1-4_Charizard.png")
    bucket.tick()
    assert bucket.sets(after=61) == "base1"
    bucket.tell(notification("raw/base1-4_Charizard.png"))
    bucket.tell(notification("raw/base1-4_Charizard.png", event="ObjectRemoved:Delete", sequencer="0055AED6DCD9028000"))
    assert [bucket.sets(after=61) for _ in range(4)] == [""] * 4


def test_of_messages_out_of_order_the_listing_has_the_last_word(bucket):
    bucket.put("base1-4_Charizard.png", told=False)
    bucket.tell(notification("raw/base1-4_Charizard.png", event="ObjectRemoved:Delete", sequencer="0055AED6DCD9028000"))
    bucket.tick()
    assert bucket.tick(after=61)["added"] == "1"


def test_a_deleted_scan_is_told_and_asked_for(bucket):
    bucket.put("base1-4_Charizard.png")
    bucket.tick()
    bucket.tick(after=61)
    bucket.s3.delete_object(Bucket="cards", Key="raw/base1-4_Charizard.png")
    bucket.tell(notification("raw/base1-4_Charizard.png", event="ObjectRemoved:Delete"))
    bucket.tick()
    assert bucket.tick(after=61)["removed"] == "1"


def test_an_untold_change_is_found_by_the_daily_listing(bucket, listings):
    bucket.put("base1-4_Charizard.png", told=False)
    assert [bucket.sets(after=3600) for _ in range(3)] == [""] * 3
    assert listings == []
    assert [bucket.sets(after=86400), bucket.sets(after=61)] == ["", "base1"]


def test_a_set_that_is_complete_does_not_wait_for_one_that_still_arrives(bucket):
    bucket.put("base1-4_Charizard.png")
    asked = []
    for number in range(4):
        bucket.put(f"base2-{number}_Card.png")
        asked.append(bucket.sets(after=31))
    assert asked == ["", "", "base1", ""]


def test_a_message_that_cannot_be_read_is_left_to_the_redrive_policy(bucket, caplog):
    for body in ("no json", '{"Records": [{"eventName": "ObjectCreated:Put"}]}', '"text"', "[]"):
        bucket.tell(body)
    bucket.put("base1-4_Charizard.png")
    bucket.tick()
    assert bucket.sets(after=61) == "base1"
    assert bucket.waiting == (0, 4)


def test_keys_with_blanks_and_signs_are_read_as_s3_writes_them(bucket):
    bucket.put("base1/base1-4_Farfetch'd & é+1.png", told=False)
    bucket.tell(notification("raw/base1/base1-4_Farfetch%27d+%26+%C3%A9%2B1.png"))
    bucket.tick()
    assert bucket.sets(after=61) == "base1"


def test_other_buckets_other_folders_and_no_pictures_are_no_concern(bucket, listings):
    bucket.tell(notification("raw/base1-4.png", bucket="other"))
    bucket.tell(notification("processed/base1-4.png", "raw-not/base1-4.png", "raw/README.md", "raw/base1/"))
    bucket.tick()
    bucket.tick(after=61)
    assert (listings, bucket.waiting) == ([], (0, 0))


def test_a_changed_catalogue_makes_the_sensor_look(bucket):
    bucket.put("base1-4_Charizard.png")
    bucket.tick()
    bucket.tick(after=61)
    bucket.put("cards.csv", content="path,card_id,set\nbase1-4_Charizard.png,base1-4,classics\n")
    assert "base1, classics" in [bucket.sets(after=61) for _ in range(4)]


def test_a_test_event_is_taken_and_means_nothing(bucket):
    bucket.tell('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "cards"}')
    bucket.tick()
    bucket.tick()
    assert bucket.waiting == (0, 0)


def test_a_queue_that_is_not_there_is_one_sentence(bucket):
    bucket.watch = Watch(queue=bucket.queue + "-not")
    bucket.restart()
    with pytest.raises(TickError, match=r"cards-not can't be read .*: check PCR_SQS_QUEUE"):
        bucket.tick()


def test_a_queue_beside_a_folder_is_refused(bucket, tmp_path):
    folder = Folder(tmp_path / "raw", bucket.instance, bucket.watch)
    bucket.tell(notification("raw/base1-4.png"))
    with pytest.raises(TickError, match="PCR_SQS_QUEUE tells of a bucket"):
        folder.tick()
