"""What a spec builds, and what is said of weights that are missing or wrong."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from pcr_assets.learning import backbones
from pcr_assets.learning.backbones import WeightsError, build, restore
from pcr_assets.learning.spec import ModelSpec

SMALL = ModelSpec(embedding_dim=16, input_size=(64, 96))
RANDOM = replace(SMALL, weights="none")


@pytest.fixture
def images():
    return torch.randint(0, 256, (2, 3, 96, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_a_network_takes_bytes_and_gives_unit_vectors(images):
    found = build(SMALL).eval()(images)
    assert found.shape == (2, 16)
    assert torch.allclose(found.norm(dim=1), torch.ones(2))


def test_the_projection_is_the_embedding_before_its_length_is_lost(images):
    net = build(SMALL).eval()
    assert torch.allclose(torch.nn.functional.normalize(net.projection(images), dim=1), net(images))


def test_folding_batch_norm_changes_no_output(images):
    pair = [build(replace(SMALL, batch_norm=kind)).eval() for kind in ("trained", "folded")]
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in pair[1].modules())
    assert torch.allclose(pair[0].features(images), pair[1].features(images), rtol=1e-3, atol=1e-3)


def test_a_head_may_see_the_means_of_the_last_blocks_beside_the_features(images):
    net = build(RANDOM).eval()
    before = net.features(images)
    maps = []
    for block in backbones.blocks(net)[-2:]:
        block.register_forward_hook(lambda block, given, made: maps.append(made.mean(dim=(2, 3))))
    backbones.see_blocks(net, 2)
    maps.clear()
    assert torch.allclose(net.features(images), torch.cat([before, *maps], dim=1), atol=1e-5)
    assert net(images).shape == (2, 16)
    assert build(net.spec).head.in_features == net.head.in_features, "the spec says so, so the weights load again"


def test_a_backbone_that_gives_no_maps_of_its_blocks_is_told_with_the_setting():
    net = build(replace(RANDOM, backbone="test_vit", options={"img_size": (96, 64)}))
    with pytest.raises(WeightsError, match="test_vit gives no maps of its blocks: set head_refit_blocks to 0"):
        backbones.see_blocks(net, 2)


def test_gem_lies_between_the_mean_and_the_maximum():
    maps = torch.rand(2, 3, 5, 7)
    pooled = backbones.GeM()(maps)
    assert (pooled >= maps.mean(dim=(2, 3))).all()
    assert (pooled <= maps.amax(dim=(2, 3))).all()


def test_a_spec_survives_json():
    assert ModelSpec.from_json(RANDOM.as_json()) == RANDOM


def test_trained_weights_come_back(tmp_path, images):
    net = build(RANDOM).eval()
    save_file(net.state_dict(), tmp_path / "weights.safetensors")
    assert torch.equal(restore(RANDOM, tmp_path / "weights.safetensors").eval()(images), net(images))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_backbone_weights_load_from_a_file(tmp_path, suffix, images):
    file = tmp_path / f"lite0{suffix}"
    tensors = build(replace(SMALL, batch_norm="trained")).backbone.state_dict()
    if suffix == ".pth":
        torch.save(tensors, file)
    else:
        save_file(tensors, file)
    found = build(replace(SMALL, weights=f"file:{file}")).eval()
    assert torch.allclose(found.features(images), build(SMALL).eval().features(images))


def test_the_production_teacher_is_built_by_timm_with_a_projection_head():
    spec = ModelSpec(
        backbone="vit_large_patch16_dinov3.lvd1689m",
        weights="none",
        head="mlp",
        input_size=(64, 96),
        options={"depth": 2, "embed_dim": 64, "num_heads": 2},
    )
    net = build(spec).eval()
    assert net(torch.zeros(1, 3, 96, 64)).shape == (1, 768)
    assert len(backbones.blocks(net)) == 2


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (replace(SMALL, weights="file:/nowhere/lite0.safetensors"), "there is no weights file /nowhere"),
        (replace(SMALL, weights="package:efficientnet-lite9"), "known are efficientnet-lite0"),
        (replace(SMALL, weights="package:efficientnet-lite2"), "weights of another network"),
        (replace(SMALL, weights="ftp:x"), "none of package:NAME"),
        (replace(SMALL, backbone="efficientnet_lite99"), "has no backbone 'efficientnet_lite99'"),
    ],
)
def test_weights_that_are_not_there_or_do_not_fit_say_what_to_do(spec, sentence):
    with pytest.raises(WeightsError, match=sentence):
        build(spec)


def test_a_hub_out_of_reach_names_the_file_as_the_way_out(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="set weights to file:"):
        build(replace(SMALL, backbone="vit_small_patch16_dinov3.lvd1689m", weights="hub"))


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x02cos\nsystem\n(S'true'\ntR."])
def test_a_file_that_is_no_weights_file_is_refused(tmp_path, content):
    for name in ("x.pth", "x.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match="does not read as weights"):
            backbones.read_tensors(tmp_path / name)
