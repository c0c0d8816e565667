"""A trained network as the one graph that servers run. ``python -m pcr_assets.learning.served JOB.json``.

The student's graph is an asset of its own, with another one for the Hailo compiler. Any other model, the teacher above all,
is exported here, when it is to be served.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pcr_assets.learning import job_file
from pcr_assets.learning.backbones import WeightsError, restore
from pcr_assets.learning.export import LEAST_COSINE, ExportError, export_served, parity
from pcr_assets.learning.onnx_graph import graph_digest
from pcr_assets.learning.spec import ModelSpec

COMPARED = 4


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Export the model of a job and check it against torch; returns and writes ``served.json`` beside ``served.onnx``.

    ``weights``: a safetensors file; ``model``: the JSON file of its spec; ``out``: a folder; ``threads``. Raises ExportError
    and WeightsError.
    """
    torch.set_num_threads(int(job.get("threads", torch.get_num_threads())))
    torch.set_flush_denormal(True)
    spec = ModelSpec.from_json(json.loads(Path(job["model"]).read_text()))
    net, out = restore(spec, Path(job["weights"])), Path(job["out"])
    file = export_served(net, spec, out / "served.onnx")
    width, height = spec.input_size
    noise = np.random.default_rng(0).integers(0, 256, (COMPARED, height, width, 3), dtype=np.uint8)
    found = parity(file, net, noise)
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
