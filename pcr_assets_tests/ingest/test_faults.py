"""What servers, disks and people do wrong: repeated where that may help, else told with its reason."""

import os
import subprocess
import time
from email.utils import formatdate

import pytest

from pcr_assets.command_options import MISUSED
from pcr_assets.ingest.__main__ import FAILED
from pcr_assets_tests.ingest.published import (
    cut,
    drips,
    endless,
    huge,
    redirects_to_itself,
    sends,
    silent,
    status,
    truncated,
)

ERROR_PAGE = b"<!doctype html><title>Be right back</title>"


PASSING = {
    "too many requests": (status(429), "429 Too Many Requests"),
    "an error of the server": (status(500), "500 Internal Server Error"),
    "a cut connection": (cut, "the connection broke after"),
    "another type": (sends("application/json", b"{}"), "application/json in place of a picture"),
    "an error page with status 200": (sends("text/html", ERROR_PAGE), "text/html in place of a picture"),
    "an error page that is called a picture": (sends("image/png", ERROR_PAGE), "no picture, whatever its name says"),
    "half a picture": (truncated, "truncated or damaged"),
    "nothing": (sends("image/png", b""), "the file is empty"),
}
SLOW = {
    "silence": (silent(0.8), "can't be reached (timed out)"),
    "a dripping answer": (drips, "not whole after 2 seconds"),
}


@pytest.mark.faults
@pytest.mark.parametrize("fault", [fault for fault, _ in PASSING.values()])
def test_what_passes_is_asked_for_again(raw, published, one_card, fault):
    published.goes_wrong(one_card, fault, fault)
    assert raw.ingest() == 0
    assert raw.files == ["base1-1_Alakazam.png", "base1-2_Blastoise.png"]
    assert published.asked_for()[one_card] == 3


@pytest.mark.faults
@pytest.mark.parametrize("name", PASSING)
def test_what_does_not_pass_is_told_with_its_reason_and_stops_nobody(raw, published, one_card, name):
    fault, reason = PASSING[name]
    published.goes_wrong(one_card, fault, fault)
    assert raw.ingest("--tries", "2") == FAILED
    assert raw.files == ["base1-2_Blastoise.png"]
    assert [row["card_id"] for row in raw.rows] == ["base1-2"]
    assert "failed  base1-1 Alakazam: " in raw.err
    assert reason in raw.err
    assert not raw.leftovers


@pytest.mark.faults
@pytest.mark.parametrize("name", SLOW)
def test_who_is_too_slow_is_told_so(raw, published, one_card, name):
    fault, reason = SLOW[name]
    published.goes_wrong(one_card, fault)
    assert raw.ingest("--tries", "1", "--timeout", "0.5") == FAILED
    assert reason in raw.err


@pytest.mark.faults
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (status(404), "404 Not Found"),
        (status(403), "403 Forbidden"),
        (huge, "1073.7 MB are more than the 32 MB"),
        (endless, "are more than the 32 MB"),
        (redirects_to_itself, "redirects more than 5 times"),
    ],
)
def test_what_is_meant_for_good_is_not_asked_for_again(raw, published, one_card, fault, reason):
    published.goes_wrong(one_card, fault)
    assert raw.ingest() == FAILED
    assert reason in raw.err
    assert raw.files == ["base1-2_Blastoise.png"]
    assert published.asked_for()[one_card] <= 6


@pytest.mark.faults
def test_what_failed_is_fetched_by_the_next_run_and_nothing_else(raw, published, one_card):
    published.goes_wrong(one_card, status(404))
    raw.ingest()
    published.requests.clear()
    assert raw.ingest() == 0
    assert published.pictures_asked_for() == {one_card: 1}


@pytest.mark.faults
@pytest.mark.parametrize("after", [lambda: "1", lambda: formatdate(time.time() + 2, usegmt=True)])
def test_a_server_that_asks_for_a_pause_gets_it_from_every_thread(raw, published, after):
    published.put("base1", *"ABCDEFGH")
    first = published.path_of("base1-1")

    def busy(*asked):
        status(429, Retry_After=after())(*asked)  # by the clock of the answer, not of the test's beginning

    published.goes_wrong(first, busy)
    assert raw.ingest("--workers", "2") == 0
    times = [when for when, _, path in published.requests if path.endswith(".png")]
    refused = next(when for when, _, path in published.requests if path == first)
    under_way = 2
    assert sum(refused < when < refused + 0.9 for when in times) <= under_way
    assert len(raw.files) == 8


@pytest.mark.faults
def test_a_server_that_asks_for_a_long_pause_is_left_alone(raw, published, one_card):
    published.goes_wrong(one_card, status(503, Retry_After="3600"))
    assert raw.ingest("--workers", "1") == FAILED
    assert "asks to be left alone for 3600 seconds" in raw.err
    assert published.asked_for()[one_card] == 1


def test_requests_keep_to_the_rate(raw, published):
    published.put("base1", *"ABCDEF")
    raw.ingest("--rate", "20", "--workers", "4")
    times = sorted(when for when, _, _ in published.requests)
    assert len(times) == 8
    assert times[-1] - times[0] > 0.9 * 7 / 20


def test_a_card_that_is_no_card_shape_is_told(raw, published, one_card):
    import cv2
    import numpy as np

    banner = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (200, 600, 3), np.uint8))[1].tobytes()
    published.goes_wrong(one_card, *[sends("image/png", banner)] * 5)
    assert raw.ingest() == FAILED
    assert "600×200 pixels are not card-shaped" in raw.err


def test_an_unknown_set_is_refused_with_those_that_are_called_like_it(raw, published):
    published.put("sv03.5", "Bulbasaur")
    published.put("sv03", "Oddish")
    published.put("base1", "Alakazam")
    published.names["sv03.5"] = "151"
    assert raw.ingest("base1", "sv3p5") == MISUSED
    assert "there is no set 'sv3p5': did you mean sv3pt5 (151)" in raw.err
    assert not published.pictures_asked_for()


def test_a_set_may_be_found_by_its_name(raw, published):
    published.put("base2", "Clefable")
    published.names["base2"] = "Jungle"
    assert raw.ingest("jungle") == MISUSED
    assert "did you mean base2 (Jungle)?" in raw.err


@pytest.mark.parametrize(
    ("source", "lang", "said"),
    [
        ("tcgdex", "kl", "TCGdex has no language 'kl': it has de, en"),
        ("pokemontcg", "fr", "in English only, not in 'fr'"),
    ],
)
def test_an_unknown_language_is_refused(raw, published, source, lang, said):
    assert raw.ingest("--lang", lang, source=source) == MISUSED
    assert said in raw.err
    assert not published.requests


@pytest.mark.parametrize("arguments", [["--rate", "0"], ["--workers", "none"], ["--source", "ebay"]])
def test_a_mistyped_option_is_refused(raw, arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        raw.ingest(*arguments)
    assert ended.value.code == MISUSED
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.faults
def test_without_a_network_one_sentence_says_so(raw):
    assert raw.ingest("--tries", "2", api="http://127.0.0.1:9/v2") == FAILED
    assert "127.0.0.1:9 can't be reached ([Errno 111] Connection refused)" in raw.err
    assert "look after the network or the proxy, or name a mirror in PCR_INGEST_API" in raw.err
    assert len(raw.err.splitlines()) == 1


@pytest.mark.faults
def test_a_list_that_is_not_what_is_published_is_told_with_its_address(raw, published):
    published.put("base1", "Alakazam")
    published.put("base2", "Clefable")
    published.goes_wrong("/v2/en/sets/base1", *[sends("application/json", b'{"id": "base1", "cards": [{}]}')] * 5)
    assert raw.ingest() == FAILED
    assert f"failed  set base1: {published.api}/en/sets/base1: it is not what the catalogue publishes" in raw.err
    assert raw.files == ["base2-1_Clefable.png"]


@pytest.mark.faults
def test_a_server_that_is_out_of_order_is_not_asked_for_everything(raw, published):
    published.put("base1", *(f"Card {number}" for number in range(60)))
    for number in range(1, 61):
        published.goes_wrong(published.path_of(f"base1-{number}"), *[status(500)] * 9)
    assert raw.ingest("--tries", "1") == FAILED
    assert "12 pictures in a row failed, the last one as the server answers 500" in raw.err
    assert len(published.pictures_asked_for()) < 30


def test_an_id_that_would_leave_the_folder_is_refused(raw, published):
    published.put_data("base1", "Base", {"base1-/../../x": "Evil", "base1-2": "Blastoise"})
    assert raw.ingest(source="pokemontcg") == FAILED
    assert "'base1-/../../x': such an id can't be part of a file name" in raw.err
    assert raw.files == ["base1-2_Blastoise.png"]


@pytest.mark.faults
def test_a_folder_that_cannot_be_written_ends_the_run_at_once(raw, published, one_card):
    published.put("base2", *"ABCDEFGHIJ")
    raw.folder.write_text("a file lies where the folder should be")
    assert raw.ingest() == FAILED
    assert "could not write" in raw.err
    assert "Free space or mend the rights" in raw.err
    assert len(published.pictures_asked_for()) < 10


@pytest.mark.faults
def test_a_full_disk_is_one_sentence_and_leaves_whole_scans(published, tmp_path, capsys):
    from pcr_assets_tests.ingest.conftest import RawFolder

    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can be mounted by root alone")
    try:
        raw = RawFolder(folder / "card_images", published, capsys)
        published.put("base1", *(f"Card {number}" for number in range(20)))
        assert raw.ingest() == FAILED
        assert "No space left on device" in raw.err
        assert raw.files
        for key in raw.files:
            card = published.path_of(key.partition("_")[0])
            assert (raw.folder / key).read_bytes() == published.answer(card)[2]
        assert not raw.leftovers
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.faults
def test_a_bucket_that_is_not_there_is_one_sentence(published, capsys):
    from moto import mock_aws

    from pcr_assets.ingest.__main__ import main

    published.put("base1", "Alakazam")
    with mock_aws():
        assert main(["--cards", "s3://nobodys/raw", "--api", published.api, "--rate", "1000"]) == FAILED
    said = capsys.readouterr().err
    assert "NoSuchBucket" in said
    assert "Traceback" not in said


def test_the_sample_cards_of_the_demo_are_not_mixed_with_real_ones(raw, published):
    published.put("base1", "Alakazam")
    (raw.folder.parent / ".sample.json").write_text("{}")
    assert raw.ingest() == FAILED
    assert "holds the sample cards of `make demo`" in raw.err
    assert not published.requests
