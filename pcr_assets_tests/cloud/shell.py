"""Commands of the documents, run by a shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
needs_the_cli = pytest.mark.skipif(
    not (BIN / "aws").exists(), reason="the AWS CLI is not installed: pip install awscli"
)


def by_shell(command):
    """What a line of a page prints."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "AWS_PAGER": "", "AWS_DEFAULT_OUTPUT": "json"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
