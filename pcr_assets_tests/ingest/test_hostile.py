"""A catalogue that somebody else has taken over."""

import io

import pytest
import requests
from urllib3 import HTTPResponse

from pcr_assets.ingest.__main__ import FAILED
from pcr_assets_tests.ingest.published import status

CATALOGUE = "https://catalogue.example"
COLOURS = "\x1b]0;a title\x07\x9b31m"


@pytest.fixture
def encrypted(published, monkeypatch):
    """The catalogue as if it were asked by https:// at :data:`CATALOGUE`; gives where it redirects all to, once that is set."""
    send, leads_to = requests.adapters.HTTPAdapter.send, []

    def sent(adapter, request, **options):
        if not request.url.startswith(CATALOGUE) or not leads_to:
            request.url = request.url.replace(CATALOGUE, published.root)
            return send(adapter, request, **options)
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 302, request, request.url
        answer.raw = HTTPResponse(io.BytesIO(), preload_content=False)
        answer.headers["Location"] = leads_to[0]
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", sent)
    return leads_to


def test_it_has_this_machine_ask_none_of_its_own_services(raw, published, encrypted):
    """Dagster starts a run for whoever asks for an address; a machine of EC2 may tell its credentials so."""
    encrypted.append(f"{published.root}/graphql?query=mutation")
    assert raw.ingest(api=f"{CATALOGUE}/v2") == FAILED
    assert "it is not at an https:// address, or leads to another kind" in raw.err
    assert published.requests == []


def test_nor_by_calling_such_an_address_a_picture_but_a_person_may_name_one(raw, published, encrypted):
    published.put("base1", "Alakazam")
    assert raw.ingest(api=f"{CATALOGUE}/v2") == FAILED
    assert "failed  base1-1 Alakazam: it is not at an https:// address" in raw.err
    assert published.pictures_asked_for() == {}
    assert raw.ingest("--images", published.root, api=f"{CATALOGUE}/v2") == 0
    assert raw.files == ["base1-1_Alakazam.png"]


@pytest.mark.parametrize("mirror", [False, True])
def test_an_address_that_is_none_is_the_failure_of_one_picture(raw, published, monkeypatch, mirror):
    published.put("base1", "Alakazam", "Blastoise")
    listed = published._set

    def broken(lang, set_id):
        told = listed(lang, set_id)
        told["cards"][0]["image"] = "https://[::1"
        return told

    monkeypatch.setattr(published, "_set", broken)
    assert raw.ingest(*(["--images", published.root] if mirror else [])) == FAILED
    assert "failed  base1-1 Alakazam: " in raw.err
    assert raw.files == ["base1-2_Blastoise.png"]


@pytest.mark.parametrize("wait", ["9" * 5000, "Fri, 31 Dec 99999 23:59:59 GMT", "soon"])
def test_a_wait_that_is_no_time_is_none(raw, published, wait):
    published.put("base1", "Alakazam")
    published.goes_wrong(published.path_of("base1-1"), status(503, Retry_After=wait))
    assert raw.ingest() == 0, raw.err


@pytest.mark.parametrize("length", ["²", "9" * 5000])
def test_a_length_that_is_no_number_is_none(raw, published, length):
    def long(handler, kind, body):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.close_connection = True
        handler.wfile.write(body if handler.command == "GET" else b"")

    published.put("base1", "Alakazam")
    published.goes_wrong(published.path_of("base1-1"), long)
    assert raw.ingest() == 0, raw.err


def test_its_words_colour_no_terminal(raw, published):
    published.put("base1", f"Alakazam{COLOURS}", f"Blastoise{COLOURS}")
    published.names["base1"] = f"Base{COLOURS}"
    published.without_picture.add("base1-2")
    published.goes_wrong(published.path_of("base1-1"), status(404))
    said = r"\x1b]0;a title\x07\x9b31m"
    raw.ingest()
    assert f"failed  base1-1 Alakazam{said}: the server answers 404" in raw.err
    assert f"without a picture: base1-2 Blastoise{said}" in raw.out
    raw.ingest("bas1")
    assert f"did you mean base1 (Base{said})?" in raw.err
