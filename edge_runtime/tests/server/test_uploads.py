"""Whatever is sent as a photo gets an answer or one sentence, and the service goes on."""

import io
import socket
import struct
import threading
import zlib

import cv2
import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from edge_runtime.photo import load_photo
from edge_runtime.server import uploads
from edge_runtime.server.uploads import Buckets

PATH = "/api/v1/recognize"


def saved(picture, kind, **how):
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def bomb():
    """A PNG of a few hundred bytes that says it has 60,000 × 60,000 pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")


BAD = {
    "nothing": (b"", 422, "is empty"),
    "text": (b"I am a text", 422, "is no picture"),
    "one pixel": (saved(Image.new("RGB", (1, 1)), "PNG"), 422, "no card can be read from so few"),
    "a bomb": (bomb(), 413, "scale it below 25 megapixels"),
    "too many pixels": (saved(Image.new("L", (6000, 5000)), "PNG"), 413, "scale it below 25 megapixels"),
    "not a number": (saved(Image.fromarray(np.full((32, 32), np.nan, np.float32)), "TIFF"), 422, "floating-point"),
    "half a photo": (saved(Image.new("RGB", (300, 300), "red"), "JPEG")[:400], 422, "truncated or damaged"),
    "a program": (b"%!PS-Adobe-3.0\n(hello) print", 422, "is no picture"),
}


def test_a_bad_file_gets_one_sentence_that_says_why(serve):
    _, client = serve()
    for what, (data, status, sentence) in BAD.items():
        answer = client.post(PATH, data)
        assert (answer.status_code, sentence in answer.json()["detail"]) == (status, True), (what, answer.text)
        assert "\n" not in answer.json()["detail"]


def test_a_photo_that_exif_turns_is_answered_upright(serve, scans, photo_of):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(photo_of(scans["demo-2"])).transpose(Image.Transpose.ROTATE_90)
    found = serve()[1].post(PATH, saved(stored, "JPEG", exif=exif, quality=95)).json()
    assert (found["width"], found["height"], found["cards"][0]["card_id"]) == (640, 480, "demo-2")


def test_a_form_is_told_how_to_send_a_photo(serve):
    _, client = serve()
    form = "application/x-www-form-urlencoded"
    for kind in ("multipart/form-data; boundary=x", form, "application/json", "text/plain"):
        answer = client.post(PATH, b"--x", headers={"content-type": kind})
        assert answer.status_code == 415, kind
        assert "curl --data-binary @photo.jpg -H 'content-type: image/jpeg'" in answer.json()["detail"]


def test_too_many_bytes_are_refused_before_they_are_sent(serve, limits):
    _, client = serve(limits=limits(bytes=1 << 20))
    assert client.post(PATH, bytes((1 << 20) + 1)).json()["reason"] == "bytes"
    host, port = client.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert b" 413 " in raw.recv(4096)


def test_bytes_without_a_said_length_are_counted(serve, limits):
    _, client = serve(limits=limits(bytes=1 << 20))
    host, port = client.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        for _ in range(17):
            raw.sendall(piece)
        assert b" 413 " in raw.recv(4096)


def test_a_photo_that_is_sent_too_slowly_is_given_up(serve, limits):
    _, client = serve(limits=limits(patience=0.3))
    host, port = client.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc".encode())
        assert b" 408 " in raw.recv(4096)


def test_so_many_a_second_and_no_more(serve, limits):
    _, client = serve(limits=limits(rate=0.01, burst=3))
    answers = [client.post(PATH, b"x") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [422] * 3 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 1


def test_a_bucket_fills_again_with_time():
    now = [0.0]
    buckets = Buckets(rate=2.0, burst=2, clock=lambda: now[0])
    assert [buckets.wait("a") for _ in range(3)] == [0, 0, 0.5]
    assert buckets.wait("b") == 0
    now[0] = 0.5
    assert buckets.wait("a") == 0
    assert buckets.wait("a") > 0


def test_while_some_photos_wait_others_are_told_to_come_again(serve, limits, scans, photo_of, jpeg, monkeypatch, until):
    service, client = serve(limits=limits(at_once=2))
    go_on = threading.Event()
    read = service.loop.served.recognizer.recognize
    monkeypatch.setattr(service.loop.served.recognizer, "recognize", lambda image, **_: go_on.wait(30) and read(image))
    answers, photo = [], jpeg(photo_of(scans["demo-1"]))
    askers = [threading.Thread(target=lambda: answers.append(client.post(PATH, photo).status_code)) for _ in range(2)]
    for asker in askers:
        asker.start()
    until(lambda: service._uploads._here == 2)
    refused = client.post(PATH, photo)
    assert (refused.status_code, refused.json()["reason"]) == (503, "busy")
    assert refused.headers["retry-after"] == "1"
    go_on.set()
    for asker in askers:
        asker.join(30)
    assert answers == [200, 200]


def test_a_client_that_goes_away_frees_its_place(serve, limits, until):
    service, client = serve(limits=limits(at_once=1))
    host, port = client.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc".encode())
        until(lambda: service._uploads._here == 1)
    until(lambda: service._uploads._here == 0)


SEEDS = [
    saved(Image.effect_noise((40, 56), 60).convert("RGB"), kind)
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
]


@st.composite
def damaged(draw):
    """A file of some kind, some bytes of it changed, cut or repeated."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["set", "cut", "insert", "repeat"])):
            case "set":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[at : at + draw(st.integers(1, 400))]
            case "insert":
                data[at:at] = draw(st.binary(max_size=64))
            case "repeat":
                data[at:at] = data[at : at + 32]
    return bytes(data)


def test_damaged_files_never_harm_the_service(serve, monkeypatch):
    monkeypatch.setattr(uploads, "load_sent", load_photo)  # here: a process for each of so many takes its time
    _, client = serve()

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(damaged() | st.binary(max_size=2000))
    @example(bomb())
    @example(b"GIF89a" + b"\xff" * 40)
    @example(b"II*\x00\x08\x00\x00\x00\xff\xff")
    @example(b"RIFF\xff\xff\xff\xffWEBPVP8 ")
    @example(b"\xff\xd8\xff\xe1\x00\x08Exif\x00\x00")
    def sent(data):
        answer = client.post(PATH, data)
        assert answer.status_code in (200, 413, 422), answer.text
        if answer.status_code != 200:
            assert "\n" not in answer.json()["detail"]

    sent()
    assert client.get("/healthz").status_code == 200
    assert cv2.imdecode(np.frombuffer(client.get("/api/v1/cards/demo-1/picture").content, np.uint8), 1) is not None
