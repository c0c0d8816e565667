"""A publisher killed with SIGKILL in the middle of an upload: its parts are invisible, and the next run starts anew."""

import os
import signal
import subprocess
import sys

from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets_tests.faults.proxy import after, reset

PUBLISH = """
import sys
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store

files = {"large": bytes(9_000_000)}
Artifacts(open_store(sys.argv[1])).publish("models/student", files, digest="b" * 64, numbered=True)
"""


def test_a_publisher_killed_during_an_upload_leaves_nothing_that_anyone_sees(proxy):
    artifacts = Artifacts(open_store(proxy.root))
    before = artifacts.publish("models/student", {"small": b"old"}, digest="a" * 64, numbered=True)
    publisher: list[subprocess.Popen[bytes]] = []
    proxy.on("PUT", "partNumber=2", after(lambda: os.kill(publisher[0].pid, signal.SIGKILL), reset))
    publisher.append(subprocess.Popen([sys.executable, "-c", PUBLISH, proxy.root], env=dict(os.environ)))
    assert publisher[0].wait(60) == -signal.SIGKILL

    assert artifacts.find("models/student") == before
    versions = {entry.key.split("/")[2] for entry in artifacts.store.list() if "current" not in entry.key}
    assert versions == {"v1.0"}, "an upload that was not ended is no object"
    (left,) = proxy.backend.client.list_multipart_uploads(Bucket="cards")["Uploads"]
    assert left["Key"].endswith("models/student/v1.1/large"), "what a bucket's lifecycle rule removes, see docs/s3.md"
    proxy.backend.client.abort_multipart_upload(Bucket="cards", Key=left["Key"], UploadId=left["UploadId"])

    subprocess.run([sys.executable, "-c", PUBLISH, proxy.root], check=True)
    healed = artifacts.find("models/student")
    assert healed is not None
    assert (healed.version, artifacts.fetch(healed, "large").stat().st_size) == ("v1.1", 9_000_000)
