"""A publisher on a web server that has every fault: cut, slow, lying, or a login page."""

import time

import pytest
from web_server import BEGINNINGS, always, once, trickling

from edge_runtime.publishers import deadline
from edge_runtime.releases.refusals import (
    Damaged,
    Endless,
    PartMissing,
    PartTampered,
    PartTruncated,
    Unreachable,
)
from edge_runtime.releases.release import open_release


def cut(handler, path):
    handler.send(path, cut=100)


def fails(handler, path):
    handler.answer(503, b"later")


def hangs(handler, path):
    time.sleep(1)
    handler.close_connection = True


def forgets_ranges(handler, path):
    handler.send(path, ranges=False)


def too_short(handler, path):
    body = (handler.server.folder / path).read_bytes()
    handler.answer(200, body[:-1])


def html(handler, path):
    handler.answer(200, b"<!DOCTYPE html><title>Welcome to our network</title>")


def test_a_release_is_pulled_over_the_web(take, published):
    pulled = take()
    assert open_release(pulled.folder, published.trusted).release_id == published.folder.name
    assert take().parts == 0


@pytest.mark.faults
@pytest.mark.parametrize("fault", [cut, fails, hangs])
@pytest.mark.parametrize("file", ["timestamp.json", "stable.json", "manifest.json", "model"])
def test_a_fault_that_happens_once_is_not_noticed(server, take, published, fault, file):
    ending = published.manifest_part("fp32.onnx") if file == "model" else file
    server.faults[ending] = once(fault)
    assert take().release_id == published.folder.name


@pytest.mark.faults
def test_what_is_cut_is_gone_on_from_where_it_ended(server, take, published):
    model = published.manifest_part("fp32.onnx")
    server.faults[model] = once(cut)
    take()
    assert [asked for path, asked in server.asked if path.endswith(model)] == [None, "bytes=100-"]


@pytest.mark.faults
def test_a_pull_that_broke_off_goes_on_in_the_middle_of_a_part(server, take, published):
    model = published.manifest_part("fp32.onnx")

    def dies(handler, path):
        (fails if handler.headers.get("Range") else cut)(handler, path)

    server.faults[model] = always(dies)
    with pytest.raises(Unreachable, match=r"can't be reached|breaks off"):
        take()
    server.faults.clear()
    server.asked.clear()
    take()
    assert [asked for path, asked in server.asked if path.endswith(model)] == ["bytes=100-"]


@pytest.mark.faults
@pytest.mark.parametrize("file", ["timestamp.json", "model"])
def test_what_is_cut_behind_its_last_byte_is_whole_where_the_server_has_no_more(server, take, published, file):
    ending = published.manifest_part("fp32.onnx") if file == "model" else file

    def one_byte_less_than_it_said(handler, path):
        size = (server.folder / path).stat().st_size
        if handler.headers.get("Range") == f"bytes={size}-":
            handler.answer(416, b"")
        else:
            handler.send(path, length=size + 1)

    server.faults[ending] = always(one_byte_less_than_it_said)
    assert take().release_id == published.folder.name


def test_a_server_that_goes_on_elsewhere_than_it_was_asked_to_is_not_believed(server, take, published):
    model = published.manifest_part("fp32.onnx")

    def elsewhere(handler, path):
        body = (server.folder / path).read_bytes()
        if handler.headers.get("Range"):
            handler.answer(206, body, extra={"Content-Range": f"bytes 0-{len(body) - 1}/{len(body)}"})
        else:
            handler.send(path, cut=100)

    server.faults[model] = always(elsewhere)
    with pytest.raises(Unreachable, match="another range than was asked for"):
        take()


def test_a_server_that_knows_no_ranges_serves_too(server, take, published):
    model = published.manifest_part("fp32.onnx")
    first, then = once(cut), always(forgets_ranges)
    server.faults[model] = lambda handler, path: first(handler, path) or then(handler, path)
    assert take().release_id == published.folder.name


@pytest.mark.faults
@pytest.mark.parametrize(
    ("file", "fault", "refusal"),
    [
        ("timestamp.json", fails, Unreachable),
        ("timestamp.json", hangs, Unreachable),
        ("timestamp.json", cut, Unreachable),
        ("timestamp.json", html, Damaged),
        ("part", fails, Unreachable),
        ("part", html, PartTruncated),
        ("part", too_short, PartTruncated),
        ("part", lambda handler, path: handler.answer(404, b""), PartMissing),
        ("part", lambda handler, path: handler.answer(200, b"x" * (1 << 22)), PartTampered),
        ("timestamp.json", lambda handler, path: handler.answer(200, b" " * (1 << 22)), Endless),
        ("timestamp.json", lambda handler, path: handler.answer(401, b"who are you"), Unreachable),
        ("timestamp.json", lambda handler, path: handler.answer(416, b""), Unreachable),
    ],
)
def test_a_fault_that_stays_is_one_sentence_and_what_was_served_is_served(
    server, take, published, file, fault, refusal
):
    good = take().release_id
    published.change_a_row()
    part = published.manifest_part("catalogue.csv")
    server.faults[part if file == "part" else file] = always(fault)
    with pytest.raises(refusal) as caught:
        take()
    assert type(caught.value) is refusal
    assert ": " in str(caught.value)
    assert "object at" not in str(caught.value)
    assert good != published.folder.name


@pytest.mark.faults
@pytest.mark.parametrize("where", BEGINNINGS)
def test_what_trickles_is_given_up_wherever_it_does(server, take, published, monkeypatch, where):
    monkeypatch.setattr(deadline, "PATIENCE", 0.2)
    monkeypatch.setattr(deadline, "AGAIN", 0.05)
    server.faults[published.manifest_part("fp32.onnx")] = always(trickling(where))
    began = time.monotonic()
    with pytest.raises(Unreachable, match="trickles"):
        take()
    assert time.monotonic() - began < 5, "it sends for ten seconds"
