"""Checkpoints are whole or not there."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pcr_assets.learning import checkpoint


@pytest.fixture
def learning():
    """A convolution in channels-last memory after one step, with its optimizer."""
    torch.manual_seed(0)
    net = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    net(torch.rand(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    return net, optimizer


def test_only_the_newest_checkpoint_is_kept(tmp_path, learning):
    net, optimizer = learning
    for step in (5, 10):
        checkpoint.save(tmp_path, step, {"model": net}, optimizer, {"curves": step})
    assert [place.name for place in tmp_path.iterdir()] == ["step-00000010"]
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert (found.step, found.run["curves"]) == (10, 10)


def test_a_half_written_checkpoint_is_not_gone_on_with_and_not_in_the_way(tmp_path, learning):
    net, optimizer = learning
    (tmp_path / "writing").mkdir()
    (tmp_path / "writing" / "model.safetensors").write_bytes(b"half")
    assert checkpoint.newest(tmp_path) is None
    checkpoint.save(tmp_path, 1, {"model": net}, optimizer, {})
    assert checkpoint.newest(tmp_path) is not None


def test_a_checkpoint_that_was_copied_in_part_is_passed_over_for_the_one_before(tmp_path, learning):
    net, optimizer = learning
    for step in (5, 10, 15):
        checkpoint.save(tmp_path, step, {"model": net}, optimizer, {}, keep=2)
    assert sorted(place.name for place in tmp_path.iterdir()) == ["step-00000010", "step-00000015"]
    torn = tmp_path / "step-00000015" / "optimizer.safetensors"
    torn.write_bytes(torn.read_bytes()[:100])
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert found.step == 10
    torn.unlink()
    assert checkpoint.newest(tmp_path) == found
    checkpoint.save(tmp_path, 15, {"model": net}, optimizer, {}, keep=2)
    assert checkpoint.newest(tmp_path).step == 15


def test_moments_come_back_in_the_memory_layout_of_their_parameter(tmp_path, learning):
    net, optimizer = learning
    checkpoint.save(tmp_path, 1, {"model": net}, optimizer, {})
    again = torch.optim.AdamW(net.parameters(), fused=True)
    checkpoint.set_moments(again, checkpoint.moments(tmp_path / "step-00000001"))
    moments, restored = (kind.state[net.weight]["exp_avg"] for kind in (optimizer, again))
    assert torch.equal(moments, restored)
    assert restored.stride() == net.weight.stride()


def test_a_loss_without_tensors_is_kept_and_gone_on_with(tmp_path, learning):
    """Also from a checkpoint that was written while such a file could not be read again."""
    net, optimizer = learning
    parts = {"model": net, "criterion": nn.Identity()}
    checkpoint.save(tmp_path, 1, parts, optimizer, {})
    file = tmp_path / "step-00000001" / "criterion.safetensors"
    assert checkpoint.load_tensors(file) == {}
    save_file({}, file, {})
    checkpoint.restore(file.parent, parts)


def test_tensors_that_are_not_there_are_none(tmp_path):
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    assert checkpoint.load_tensors(tmp_path / "none.safetensors") is None
    assert checkpoint.load_tensors(tmp_path / "torn.safetensors") is None
