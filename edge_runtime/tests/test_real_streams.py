"""Cameras and streams that are opened for real, with OpenCV: of files, of a server on this machine, of nobody."""

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from edge_runtime.sources import cameras, open_source
from edge_runtime.sources.cameras import UsbCamera, network_stream
from edge_runtime.sources.live import CameraLost

RED = (200, 30, 10)


def test_a_real_stream_where_nobody_answers_is_lost_in_time():
    started = time.monotonic()
    with pytest.raises(CameraLost, match="nothing answers"):
        network_stream("rtsp://127.0.0.1:9/stream")
    assert time.monotonic() - started < 30


@pytest.fixture
def serve():
    """Serves bytes on this machine, over HTTP; None is never answered."""
    servers = []

    def start(content):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if content is None:
                    time.sleep(20)
                    return
                self.send_response(200)
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        servers[-1].daemon_threads = True
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/film.avi"

    yield start
    for server in servers:
        server.shutdown()


def test_a_real_stream_that_ends_is_opened_again(serve, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(5):
        writer.write(np.full((48, 64, 3), RED[::-1], np.uint8))
    writer.release()
    said = []
    with open_source(serve((tmp_path / "film.avi").read_bytes()), said.append) as source:
        for frame in source:
            np.testing.assert_allclose(frame.image[24, 32], RED, atol=6)
            if frame.number >= 5:
                break
    # A slow machine drops frames of a film that goes on at its own pace, and sees it end again.
    assert [sentence.partition("film.avi: ")[2] for sentence in said][:2] == [
        "it gives no more frames; waiting for it",
        "it is back",
    ]


def test_a_real_server_that_never_answers_is_given_up_in_time(serve, monkeypatch):
    monkeypatch.setattr(cameras, "TIMEOUT", 0.5)
    started = time.monotonic()
    with pytest.raises(CameraLost, match="nothing answers"):
        network_stream(serve(None))
    assert time.monotonic() - started < 15


def test_a_real_device_that_is_not_there_is_lost():
    with pytest.raises(CameraLost, match="not there, or another program"):
        UsbCamera("/dev/video63")
