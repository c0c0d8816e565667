"""The digest of arrays: what names the weights, the embeddings and the index."""

import numpy as np
import pytest

from pcr_assets import digests
from pcr_assets.digests import Pieces


def pieces(array, rows):
    """An array as its rows, so many at a time."""
    return Pieces(array.dtype, array.shape, (array[at : at + rows] for at in range(0, len(array), rows)))


@pytest.mark.parametrize("rows", (1, 3, 7, 100))
def test_an_array_in_pieces_has_the_digest_that_it_has_as_a_whole(rows):
    array = np.arange(28, dtype=np.float16).reshape(7, 4)
    keys = np.arange(7, dtype=np.uint64)
    whole = digests.of_arrays({"keys": keys, "vectors": array})
    assert digests.of_arrays({"keys": keys, "vectors": pieces(array, rows)}) == whole


def test_no_rows_at_all_are_an_array_too():
    empty = np.empty((0, 4), np.float16)
    assert digests.of_arrays({"vectors": pieces(empty, 3)}) == digests.of_arrays({"vectors": empty})


@pytest.mark.parametrize("other", (np.arange(6, dtype=np.int64), np.arange(6, dtype=np.int32).reshape(2, 3)))
def test_another_dtype_or_shape_is_another_digest(other):
    assert digests.of_arrays({"a": np.arange(6, dtype=np.int32)}) != digests.of_arrays({"a": other})


def test_the_order_in_memory_does_not_count():
    array = np.arange(6).reshape(2, 3)
    assert digests.of_arrays({"a": array.T}) == digests.of_arrays({"a": np.ascontiguousarray(array.T)})


def test_a_lone_number_has_the_digest_that_published_weights_were_named_by():
    assert digests.of_arrays({"count": np.array(3)}) == digests.of_arrays({"count": np.array([3])})
