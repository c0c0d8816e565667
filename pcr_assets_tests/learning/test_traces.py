"""What the table of a trace counts."""

from dataclasses import dataclass

import pytest
import torch
from torch.autograd import DeviceType

from pcr_assets.learning import traces


@dataclass
class Event:
    """One line of torch's own table, times in microseconds."""

    key: str
    device_type: DeviceType
    self_cpu_time_total: float = 0.0
    self_device_time_total: float = 0.0
    count: int = 1
    is_user_annotation: bool = False


class Traced:
    """Two steps on a GPU, as torch 2.11 lists them: each operator, its kernels again, and the steps themselves twice."""

    def key_averages(self):
        return [
            Event("ProfilerStep*", DeviceType.CUDA, 0, 80_000, 2, is_user_annotation=True),
            Event("ProfilerStep*", DeviceType.CPU, 50_000, 0, 2, is_user_annotation=True),
            Event("aten::convolution_backward", DeviceType.CPU, 6_000, 4_000, 98),
            Event("wgrad2d_c1_k1_nhwc", DeviceType.CUDA, 0, 4_000, 30),
            Event("aten::copy_", DeviceType.CPU, 2_000, 1_000, 482),
            Event("Memcpy HtoD (Pageable -> Device)", DeviceType.CUDA, 0, 1_000, 4),
        ]


@pytest.mark.parametrize(
    ("gpu", "total", "first"),
    [(True, 2.5, "aten::convolution_backward"), (False, 29.0, "between operators")],
)
def test_time_is_counted_once(monkeypatch, gpu, total, first):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    found = traces._summary(Traced(), 2)
    assert found["ms_a_step"] == total
    assert found["operators"][0]["operator"] == first
    assert sum(row["share"] for row in found["operators"]) == pytest.approx(1, abs=1e-3)
