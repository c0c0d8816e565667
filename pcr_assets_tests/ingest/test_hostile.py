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
