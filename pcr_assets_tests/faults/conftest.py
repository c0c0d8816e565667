"""What a fault is done to: a server that may be killed, and a proxy before the other one."""

import pytest

from pcr_assets.resources import s3_client
from pcr_assets_tests.conftest import at_server
from pcr_assets_tests.faults.proxy import Proxy
from pcr_assets_tests.s3_server import S3Server


def pytest_collection_modifyitems(items):
    for item in items:
        if "/faults/" in str(item.path):
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def mortal_server(tmp_path_factory):
    """A server of the faults' own: it is killed and started again."""
    server = S3Server(tmp_path_factory.mktemp("mortal"))
    yield server
    server.kill()


@pytest.fixture
def mortal(mortal_server, monkeypatch, tmp_path):
    """The server that may be killed, running; ``proxy`` and ``root`` are the way to it and a place on it."""
    if mortal_server.process is None:
        mortal_server.start()
    yield from _before(mortal_server, monkeypatch, tmp_path)


@pytest.fixture
def proxy(s3_server, monkeypatch, tmp_path):
    """A proxy before the server that all tests share; ``root`` is a place on it."""
    yield from _before(s3_server, monkeypatch, tmp_path)


def _before(server, monkeypatch, folder):
    proxy = Proxy(server.ports["s3"])
    proxy.backend = server
    proxy.root = at_server(server, monkeypatch, folder)
    monkeypatch.setenv("PCR_S3_ENDPOINT", proxy.endpoint)
    monkeypatch.setattr(s3_client, "TRIES", 3)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.05)
    yield proxy
    proxy.shutdown()
    proxy.server_close()
    assert proxy.done, "a fault of this test never happened"
