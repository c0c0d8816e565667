"""Scans that change, vanish or can't be read while processed cards are made of them: nothing wrong is published."""

import dagster as dg
import pytest

from pcr_assets import layout, planner
from pcr_assets.definitions import build_defs
from pcr_assets.refresh import command
from pcr_assets.resources.project import Project
from pcr_assets_tests.cards.drawn import card, encoded
from pcr_assets_tests.faults.proxy import ALWAYS, after, answered

CARDS = {f"base1-{number}_Drawn.png": encoded(card(number)) for number in range(1, 5)}


@pytest.fixture
def project(proxy):
    """A project whose store and scans are in a bucket behind the proxy."""
    project = Project(store=proxy.root)
    raw = project.open(project.raw_root)
    for key, data in CARDS.items():
        raw.write(key, data)
    return project


@pytest.fixture
def refresh(project):
    """Observe the scans and build what is stale of the cleaned cards."""
    defs = build_defs({"project": project})
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda: planner.run(defs, instance, "+processed_cards", planner.published_in(defs))


def published(project):
    """What is published of the cards: who is in, and who is in quarantine."""
    found = project.artifacts.find(layout.PROCESSED)
    return found and (found.record["scans"], [row["key"] for row in found.record["quarantine"]])


def test_a_scan_replaced_between_listing_and_reading_is_noticed_and_observed_again(proxy, project, refresh):
    raw = project.open(project.raw_root)
    proxy.on("GET", "base1-3_Drawn.png", after(lambda: raw.write("base1-3_Drawn.png", encoded(card(33)))))
    outcome = refresh()
    assert int(outcome.ending) == 1
    assert "base1-3_Drawn.png was replaced after it was listed: run again" in str(outcome)
    assert published(project) is None
    assert int(refresh().ending) == 0
    assert published(project) == (4, [])


def test_a_scan_that_vanished_is_in_quarantine_until_the_next_listing(proxy, project, refresh):
    raw = project.open(project.raw_root)
    gone = after(lambda: raw.client.delete_object(**raw._at("base1-2_Drawn.png")))
    proxy.on("GET", "base1-2_Drawn.png", gone)
    assert int(refresh().ending) == 0
    assert published(project) == (3, ["base1-2_Drawn.png"])
    assert int(refresh().ending) == 0
    assert published(project) == (3, [])


def test_a_scan_that_vanished_and_came_back_as_it_was_is_a_card_again(proxy, project, refresh):
    """The bytes are the same, and so is the listing: the scan stayed in quarantine for ever."""
    raw = project.open(project.raw_root)
    gone = after(lambda: raw.client.delete_object(**raw._at("base1-2_Drawn.png")))
    proxy.on("GET", "base1-2_Drawn.png", gone)
    assert int(refresh().ending) == 0
    assert published(project) == (3, ["base1-2_Drawn.png"])
    raw.write("base1-2_Drawn.png", CARDS["base1-2_Drawn.png"])
    assert int(refresh().ending) == 0
    assert published(project) == (4, [])


def test_a_scan_that_alone_may_not_be_read_is_in_quarantine_until_its_rights_are_mended(proxy, project, refresh):
    proxy.on("GET", "base1-2_Drawn.png", answered(403, "AccessDenied"), ALWAYS)
    proxy.on("GET", "base1-4_Drawn.png", answered(403, "InvalidObjectState"), ALWAYS)
    assert int(refresh().ending) == 0
    assert published(project) == (2, ["base1-2_Drawn.png", "base1-4_Drawn.png"])
    denied, archived = (row["reason"] for row in project.artifacts.named(layout.PROCESSED).record["quarantine"])
    assert denied == (
        "S3 does not give it (AccessDenied): mend its rights, or those of the key that encrypts it, then `make refresh`"
    )
    assert archived == "it lies in an archive: restore it (`aws s3api restore-object`), then `make refresh`"
    proxy.rules.clear()
    assert int(refresh().ending) == 0
    assert published(project) == (4, [])


def test_where_no_scan_may_be_read_none_is_in_quarantine_and_the_policy_is_named(proxy, project, refresh):
    proxy.on("GET", "_Drawn.png", answered(403, "AccessDenied"), ALWAYS)
    outcome = refresh()
    assert int(outcome.ending) == 1
    assert "(AccessDenied): these credentials may not do that: their policy needs ListBucket" in str(outcome)
    assert published(project) is None


def test_whether_others_may_be_read_is_asked_by_the_first_byte_of_each(project):
    """Of twenty that are asked of a bucket, whole scans would travel to be thrown away. An empty object has no first byte."""
    raw, sizes = project.open(project.raw_root), []
    raw.write("empty.png", b"")
    noted = {"event_name": "after-call.s3.GetObject", "unique_id": "sizes"}
    raw.client.meta.events.register(handler=lambda parsed, **_: sizes.append(parsed["ContentLength"]), **noted)
    given = [raw._gives(entry) for entry in raw.list()]
    raw.client.meta.events.unregister(**noted)
    assert (given, sizes) == ([True] * 5, [1, 1, 1, 1, 0])


def test_a_sick_server_puts_no_card_into_quarantine(proxy, project, refresh):
    proxy.on("GET", "base1-4_Drawn.png", answered(500, "InternalError"), 3)
    outcome = refresh()
    assert int(outcome.ending) == 1
    assert "base1-4_Drawn.png (InternalError): the server is overloaded or ill, 3 times in a row" in str(outcome)
    assert published(project) is None
    assert int(refresh().ending) == 0
    assert published(project) == (4, [])


def test_a_server_that_does_not_list_is_one_sentence_and_what_was_published_stays(proxy, project, refresh):
    assert int(refresh().ending) == 0
    proxy.on("GET", "list-type=2", answered(503, "SlowDown"), ALWAYS)
    outcome = refresh()
    assert int(outcome.ending) == 1
    assert "(SlowDown): the server is overloaded or ill" in str(outcome)
    assert published(project) == (4, [])


@pytest.mark.parametrize(
    ("told", "fault"),
    [("run", "list-type=2"), ("run", "/"), ("plan", "/"), ("explain", "list-type=2")],
    ids=["run, lists nothing", "run, answers nothing", "plan, answers nothing", "explain, lists nothing"],
)
def test_what_many_assets_meet_is_told_once_with_its_cure(proxy, project, capsys, told, fault):
    proxy.on("GET", fault, answered(503, "SlowDown"), ALWAYS)
    with dg.DagsterInstance.ephemeral() as instance:
        command.main([told], lambda: build_defs({"project": project}), instance)
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("the server is overloaded or ill, 3 times in a row: look at it") == 1
    for source in ("raw_card_images", "evaluation_photos", "strangers"):
        assert source in printed.out + printed.err
    assert "Traceback" not in printed.err
