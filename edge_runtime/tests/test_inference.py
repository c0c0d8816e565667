"""Embeddings over HTTP, on a real socket of this machine, with a real process where that matters."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from io import BytesIO

import numpy as np
import pytest
import uvicorn
from PIL import Image

from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.geometry import full_frame, rectify
from edge_runtime.inference import handlers
from edge_runtime.inference.__main__ import main
from edge_runtime.inference.app import Limits, application
from edge_runtime.photo import load_photo


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An unpacked model.tar.gz as SageMaker lays it out."""
    from drawn import block_average_model

    folder = tmp_path_factory.mktemp("model")
    block_average_model(folder / "model.onnx")
    return folder


class Served:
    """The application on a free port of the loopback interface."""

    def __init__(self, model, limits=None):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        app = application(OnnxEmbedder(model / "model.onnx", 1), limits)
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, http="h11"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(10)

    def ask(self, path, body=None, kind="image/jpeg", **headers):
        """Status and JSON value of an answer."""
        if body is not None:
            headers["content-type"] = kind
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())


@pytest.fixture(scope="module")
def served(model):
    with Served(model) as running:
        yield running


def encoded(card, form="JPEG"):
    buffer = BytesIO()
    Image.fromarray(card).save(buffer, form, quality=90)
    return buffer.getvalue()


def test_a_jpeg_gets_the_vector_that_the_projects_own_embedder_makes(served, model, scans):
    jpeg = encoded(scans["demo-1"])
    picture, own = load_photo(jpeg), OnnxEmbedder(model / "model.onnx", 1)
    height, width = picture.shape[:2]
    expected = own.embed(rectify(picture, full_frame(width, height), own.input_size)[None])
    for kind in ("image/jpeg", "application/x-image", "image/jpeg; charset=binary"):
        status, answer = served.ask("/invocations", jpeg, kind)
        assert (status, list(answer)) == (200, ["embeddings"])
        np.testing.assert_array_equal(np.array(answer["embeddings"], np.float32), expected)


def test_it_says_that_it_lives_and_how_batches_should_come(served):
    assert served.ask("/ping") == (200, None)
    _, told = served.ask("/execution-parameters")
    assert (told["BatchStrategy"], told["MaxPayloadInMB"]) == ("SINGLE_RECORD", 6)


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"", "image/jpeg", 422, "is empty"),
        (b"no picture at all", "image/jpeg", 422, "is no picture"),
        (encoded(np.zeros((88, 63, 3), np.uint8))[:300], "image/jpeg", 422, "is truncated or damaged"),
        (encoded(np.zeros((8, 8, 3), np.uint8)), "image/jpeg", 422, "no card can be read from so few"),
        (encoded(np.zeros((5100, 5000), np.uint8)), "image/jpeg", 413, "scale it below 25 megapixels"),
        (b"{}", "application/json", 415, "a body of type application/json is not taken"),
        (b"x" * ((6 << 20) + 1), "image/jpeg", 413, "more than 6 MiB"),
    ],
)
def test_a_bad_body_gets_one_sentence(served, body, kind, status, said):
    found, problem = served.ask("/invocations", body, kind)
    assert (found, problem["status"]) == (status, status)
    assert said in problem["detail"] and "\n" not in problem["detail"]


def test_answers_are_json_and_nothing_else(served, scans):
    jpeg = encoded(scans["demo-1"])
    assert served.ask("/invocations", jpeg, accept="text/csv")[0] == 406
    assert served.ask("/invocations", jpeg, accept="text/csv, */*;q=0.1")[0] == 200
    assert served.ask("/invocations")[0] == 405
    assert served.ask("/elsewhere")[0] == 404


def test_a_body_that_does_not_say_its_length_is_cut_off_at_the_limit(served):
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as line:
        line.sendall(
            b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        try:
            for _ in range(30):
                line.sendall(chunk)
        except OSError:  # it has hung up already
            pass
        assert b"413" in line.recv(100)


def test_who_comes_when_too_many_wait_is_told_to_come_again(model, scans):
    with Served(model, Limits(at_once=0, waiting=0)) as full:
        status, problem = full.ask("/invocations", encoded(scans["demo-1"]))
    assert (status, problem["reason"]) == (503, "busy")


def test_in_a_batch_a_bad_picture_gets_a_reason_and_a_good_one_its_vector(model, scans, monkeypatch):
    monkeypatch.setenv(handlers.BATCH, "true")
    loaded = handlers.model_fn(model, 1)
    answers = [
        json.loads(handlers.output_fn(handlers.predict_fn(handlers.input_fn(body, "image/jpeg"), loaded))[0])
        for body in (b"no picture", encoded(scans["demo-1"]))
    ]
    assert "is no picture" in answers[0]["quarantined"]
    assert len(answers[1]["embeddings"][0]) == loaded.dim


def test_the_command_serves_as_sagemaker_starts_it_and_stops_when_asked(model, scans):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "edge_runtime.inference", "serve", "--model", str(model), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        for line in process.stderr:
            if "running on" in line.lower():
                break
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", encoded(scans["demo-2"]), {"content-type": "image/jpeg"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert len(json.loads(answer.read())["embeddings"]) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_taken_is_exit_code_1(model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--model", str(model), "--port", str(taken.getsockname()[1])]) == 1


@pytest.mark.parametrize("options", [["--port", "70000"], ["--most-mb", "0"], ["--threads", "0"]])
def test_what_no_service_could_use_is_refused(options):
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2


def test_a_folder_without_a_model_is_one_sentence(tmp_path, capsys):
    assert main(["serve", "--model", str(tmp_path)]) == 1
    assert "model.onnx is no model" in capsys.readouterr().err
