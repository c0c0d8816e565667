"""Which of the store's objects are current, by the pointers in its listing."""

import pytest

from pcr_assets.project_records.inventory import current_keys
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import FolderStore
from pcr_assets.resources.stored import listed


@pytest.mark.parametrize("content", [b"a device's own", b"\xff", b"[]", b'{"files": {}}'])
def test_a_file_of_somebody_else_that_is_called_like_a_pointer_names_nothing(tmp_path, content):
    """The inventory failed at each refresh, and told its owner to delete it: a device may send one."""
    artifacts = Artifacts(FolderStore(str(tmp_path)))
    published = artifacts.publish("cards", {"a.parquet": b"1"}, digest="a" * 64)
    artifacts.store.write("data/feedback/pi-1/2027-01-15/current.json", content)
    assert current_keys(artifacts, listed(artifacts.store)) == {published.files["a.parquet"].key}
