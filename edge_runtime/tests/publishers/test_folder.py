"""A folder as a publisher's place."""

from edge_runtime.publishers import open_publisher


def test_a_folder_is_one_place_however_it_is_spelled(tmp_path, monkeypatch):
    (tmp_path / "releases").mkdir()
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path / "photos")
    assert (
        open_publisher("../releases").name == open_publisher(tmp_path / "releases").name == str(tmp_path / "releases")
    )
