"""A second look at cards that are known."""

import pytest
from printed_cards import CARDS, archive

from edge_runtime.judging.references import References
from edge_runtime.judging.second_look import SecondLook


@pytest.fixture
def look(tmp_path):
    return SecondLook(References([archive(tmp_path / "references-demo.zip", CARDS)]))
