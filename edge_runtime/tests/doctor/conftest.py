"""The device that is examined."""

import pytest
from device_of_files import NOW, Pi, pulled_at
from publishing import InParts

from edge_runtime.doctor.releases import DAY
from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.pull import pull


@pytest.fixture
def pi(tmp_path):
    root = tmp_path / "pi"
    root.mkdir()
    return Pi(root)


@pytest.fixture
def home(device, tmp_path):
    """A home with the device's release, pulled a day ago."""
    folder = tmp_path / "home"
    pull(FolderPublisher(InParts(device).releases), folder)
    pulled_at(folder, NOW - DAY)
    return folder
