"""What to install for a part of the package that lacks something."""

import importlib.metadata
import shlex

import pytest

from edge_runtime.extras import cure


@pytest.mark.parametrize(
    ("extra", "needs"),
    [
        ("s3", {"boto3"}),
        ("mqtt", {"paho-mqtt"}),
        ("serve", {"starlette", "uvicorn", "websockets", "h11", "prometheus-client"}),
    ],
)
def test_the_packages_of_an_extra_are_named_each_as_a_shell_takes_it(extra, needs):
    command, install, *packages = shlex.split(cure(extra))
    assert (command, install) == ("pip", "install")
    assert {package.split(">")[0].split("<")[0] for package in packages} == needs
    assert all(">=" in package for package in packages)


@pytest.mark.parametrize("extra", ["s3", "mqtt", "serve"])
def test_the_package_is_never_named_itself_for_another_may_have_taken_that_name(extra, monkeypatch):
    assert "edge-runtime" not in cure(extra)

    def gone(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", gone)
    assert cure(extra) == f"pip install './edge_runtime[{extra}]'"
