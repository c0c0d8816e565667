"""A trained network as the one graph that servers run. ``python -m pcr_assets.learning.served JOB.json``.

The student's graph is an asset of its own, with another one for the Hailo compiler. Any other model, the teacher above all,
is exported here, when it is to be served.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pcr_assets.learning import job_file
from pcr_assets.learning.backbones import WeightsError
from pcr_assets.learning.export import LEAST_COSINE, ExportError, export_served, noise, parity
from pcr_assets.learning.job import TrainedModel
from pcr_assets.learning.onnx_graph import graph_digest

COMPARED = 4


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Export the model of a job and check it against torch; returns and writes ``served.json`` beside ``served.onnx``.

    ``weights``: a safetensors file; ``model``: the JSON file of its spec; ``out``: a folder; ``threads``. Raises ExportError
    and WeightsError.
    """
    torch.set_num_threads(int(job.get("threads", torch.get_num_threads())))
    torch.set_flush_denormal(True)
    net, out = TrainedModel(weights=job["weights"], model=job["model"]).load(), Path(job["out"])
    spec = net.spec
    file = export_served(net, spec, out / "served.onnx")
    found = parity(file, net, noise(spec, COMPARED))
    if not found.minimum >= LEAST_COSINE:
        raise ExportError(
            f"{spec.backbone} departs from torch: cosine {found.minimum:.6f}, least allowed {LEAST_COSINE}"
        )
    result = {"digest": graph_digest(file), "parity": found.as_json()}
    (out / "served.json").write_text(json.dumps(result, indent=1, sort_keys=True))
    return result


if __name__ == "__main__":
    try:
        run(job_file.read("pcr_assets.learning.served", __doc__, sys.argv[1:]))
    except (ExportError, WeightsError, OSError) as error:
        sys.exit(str(error))
