"""The definitions: what each asset says of itself, and that loading them loads nothing heavy."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from pcr_assets.definitions import build_defs, every_asset


def test_every_asset_says_who_owns_it_what_it_is_and_which_code_made_it():
    graph = build_defs().resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name != "default", key
        if node.is_materializable:
            assert node.code_version, key


def test_no_source_is_called_a_bucket_that_may_be_a_folder():
    graph = build_defs().resolve_asset_graph()
    assert not [key for key in graph.observable_asset_keys if "s3" in graph.get(key).kinds]


def test_loading_the_definitions_imports_nothing_heavy():
    code = (
        "import sys, pcr_assets.definitions as d; d.defs.resolve_asset_graph();"
        "heavy = 'torch numpy pyarrow timm cv2 onnxruntime pandas matplotlib PIL mlflow'.split();"
        "print([m for m in heavy if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_definitions_load_as_dagster_loads_them():
    dg.Definitions.validate_loadable(build_defs())


def test_what_an_asset_is_given_suffices_to_look_at_its_sources():
    sources = {made.key: made.required_resource_keys for made in every_asset() if made.is_observable}
    for made in every_asset():
        for source in sources.keys() & made.dependency_keys:
            assert sources[source] <= made.required_resource_keys, (made.key, source)


@pytest.mark.parametrize("asset", ["student_onnx", "edge_release"])
def test_an_asset_whose_input_was_never_made_says_what_to_do(tmp_path, monkeypatch, asset):
    monkeypatch.setenv("PCR_STORE", str(tmp_path))
    command = [
        sys.executable,
        "-m",
        "dagster",
        "asset",
        "materialize",
        "-m",
        "pcr_assets.definitions",
        "--select",
        asset,
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert "is not in the store" in found.stderr + found.stdout
    assert "make refresh" in found.stderr + found.stdout


def test_no_store_and_no_instance_of_a_person_reaches_a_test(tmp_path):
    theirs = {"DAGSTER_HOME": str(tmp_path), "PCR_STORE": str(tmp_path)}
    code = f"import os, pcr_assets_tests.conftest; print([name for name in {[*theirs]} if name in os.environ])"
    asked = [sys.executable, "-c", code]
    found = subprocess.run(asked, capture_output=True, text=True, check=True, env={**os.environ, **theirs})
    assert found.stdout.strip() == "[]"
