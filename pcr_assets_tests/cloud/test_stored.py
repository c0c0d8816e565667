"""The listing of a store with its storage classes."""

import pytest

from pcr_assets.resources.s3_client import S3Settings
from pcr_assets.resources.s3_store import S3Store
from pcr_assets.resources.store import FolderStore
from pcr_assets.resources.stored import listed


def test_a_bucket_tells_the_class_of_each_object(s3):
    s3.put_object(Bucket="training", Key="p/profiling/old.json", Body=b"12345", StorageClass="GLACIER")
    s3.put_object(Bucket="training", Key="p/models/new.onnx", Body=b"123")
    s3.put_object(Bucket="training", Key="p/.hidden", Body=b"1")
    s3.put_object(Bucket="training", Key="elsewhere", Body=b"1")
    found = {entry.key: (entry.size, entry.storage_class) for entry in listed(S3Store("s3://training/p", S3Settings()))}
    assert found == {"profiling/old.json": (5, "GLACIER"), "models/new.onnx": (3, "STANDARD")}


@pytest.mark.parametrize("other", ["STANDARD", "GLACIER", "INTELLIGENT_TIERING"])
def test_classes_are_told_though_the_same_client_has_listed_the_bucket_without_them(s3, other):
    s3.put_object(Bucket="training", Key="a", Body=b"1")
    s3.put_object(Bucket="training", Key="b", Body=b"12", StorageClass=other)
    store = S3Store("s3://training", S3Settings())
    assert [(entry.key, entry.size) for entry in store.list()] == [("a", 1), ("b", 2)]
    assert [(entry.key, entry.size, entry.storage_class) for entry in listed(store)] == [
        ("a", 1, "STANDARD"),
        ("b", 2, other),
    ]


def test_a_folder_is_listed_as_one(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"12")
    (tmp_path / "empty").mkdir()
    assert [(e.key, e.size, e.storage_class) for e in listed(FolderStore(str(tmp_path)))] == [("a/b", 2, "FOLDER")]
