"""`make test-s3`: the tests of the store on a server that somebody else runs."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_tests_of_the_store_run_on_a_server_of_ones_own_and_leave_nothing_there(s3_server):
    tests = [f"pcr_assets_tests/resources/{name}.py" for name in ("test_store", "test_s3_client")]
    chosen = ["-k", "listing_is_in_the_order or no_credentials or sense"]
    place = {"TESTED_STORE": f"s3://{s3_server.bucket}/theirs", "PCR_PROFILE": "nobody's"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests, *chosen],
        cwd=ROOT,
        env={**os.environ, **s3_server.environment, **place},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout, "what a folder does, and what no server is asked for, is left out"
    assert "Contents" not in s3_server.client.list_objects_v2(Bucket=s3_server.bucket, Prefix="theirs/")
