"""A feedback box and the clock that it goes by."""

import pytest
from noticed import DAY

from edge_runtime.feedback.box import FeedbackBox


class Clock:
    def __init__(self):
        self.time = DAY

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def box(tmp_path, clock):
    return FeedbackBox(tmp_path / "box", "0123", "int8", now=clock)
