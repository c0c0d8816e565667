"""A second look at drawn cards."""

import zipfile

import cv2
import pytest

from edge_runtime.judging.features import features
from edge_runtime.judging.references import References, features_name, picture_name
from edge_runtime.judging.second_look import SecondLook
from pcr_assets_tests.gallery.drawn_queries import CARDS


@pytest.fixture
def second_look(tmp_path):
    with zipfile.ZipFile(tmp_path / "references-demo.zip", "w") as packed:
        for key, picture in CARDS.items():
            packed.writestr(picture_name(key), cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes())
            packed.writestr(features_name(key), features(picture).to_bytes())
    return SecondLook(References([tmp_path / "references-demo.zip"]))
