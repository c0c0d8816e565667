"""Pictures for the model cards: the curve of each training, and the confusions of the variant that answers."""

import io
import json
from typing import Any

import numpy as np
from PIL import Image

from pcr_assets import digests, layout
from pcr_assets.imaging import charts
from pcr_assets.imaging.markdown import png
from pcr_assets.project_records.drawn import Picture
from pcr_assets.project_records.models import KNOWN
from pcr_assets.resources.artifacts import Artifacts

DEFAULT = "efficientnet-student-int8"
"""The model that the report shows confusions of."""


def draw(artifacts: Artifacts, picture: Picture) -> dict[str, dict[str, bytes]]:
    """Pictures by file name, by model; models without any are left out."""
    found = {known.name: _curve(artifacts, known.place, picture) for known in KNOWN}
    if confusions := _confusions(artifacts, picture):
        found[DEFAULT] = {**found.get(DEFAULT, {}), "confusions.jpg": confusions}
    return {name: pictures for name, pictures in found.items() if pictures}


def _curve(artifacts: Artifacts, place: str, picture: Picture) -> dict[str, bytes]:
    model = artifacts.find(place)
    if model is None or "metrics.json" not in model.files:
        return {}
    try:
        metrics: dict[str, Any] = json.loads(artifacts.fetch(model, "metrics.json").read_text())
        loss = metrics["curves"]["loss"] if "curves" in metrics else metrics.get("loss")
    except (ValueError, KeyError, TypeError, AttributeError):  # adopted, and of another form
        return {}
    if not loss:
        return {}

    def drawn() -> bytes:
        return png(charts.curves({"loss": loss}, title="training loss", x_label="step"))

    return {"training-loss.png": picture(["training loss", model.files["metrics.json"].sha256], drawn)}


def _confusions(artifacts: Artifacts, picture: Picture) -> bytes | None:
    from pcr_assets.gallery.report_page import confusions_of
    from pcr_assets.imaging.contact_sheet import contact_sheet

    report = artifacts.find(layout.REPORT)
    if report is None or "report.html" not in report.files:
        return None
    shown = confusions_of(artifacts.fetch(report, "report.html").read_text())
    if not shown:
        return None

    def drawn() -> bytes:
        pairs = [np.asarray(Image.open(io.BytesIO(pair)).convert("RGB")) for pair, _ in shown]
        return contact_sheet(pairs, [caption for _, caption in shown], columns=3, width=230)

    return picture(["confusions", [[digests.of_bytes(pair), caption] for pair, caption in shown]], drawn)
