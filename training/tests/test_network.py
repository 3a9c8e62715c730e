"""Shapes for every backbone, size and variant; the loss's mask by hand."""

import pytest
import torch

from lanescope.backbones import BACKBONES
from lanescope.loss import LossConfig, focal_map_loss, hierarchical_loss, level_weights, mask_targets
from lanescope.network import VARIANTS, Chr, NetworkConfig, fuse_cams, pool


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_gives_three_levels(backbone: str) -> None:
    network = Chr(NetworkConfig(backbone=backbone)).eval()
    with torch.no_grad():
        outputs = network(torch.rand(1, 3, 96, 112))
    assert outputs["logits"].shape == (1, 3, 5)
    heights = [cam.shape[-2] for cam in outputs["cams"]]
    assert heights == sorted(heights, reverse=True) and heights[0] > heights[-1]
    assert torch.allclose(outputs["logits"][:, 0], outputs["cams"][0].mean(dim=(2, 3)), atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant(variant: str) -> None:
    network = Chr(NetworkConfig(backbone="resnet18", variant=variant)).eval()
    with torch.no_grad():
        outputs = network(torch.rand(2, 3, 224, 224))
    levels = 1 if variant == "base" else 3
    assert outputs["logits"].shape == (2, levels, 5)
    fused = network.fuse(outputs["logits"])
    expected = outputs["logits"][:, -1] if variant in ("base", "released") else outputs["logits"].mean(dim=1)
    assert torch.equal(fused, expected)
    assert fuse_cams(outputs["cams"]).shape == outputs["cams"][0].shape


@pytest.mark.parametrize("levels", [1, 2, 4])
@pytest.mark.parametrize("size", [64, 130])
def test_other_levels_and_sizes(levels: int, size: int) -> None:
    network = Chr(NetworkConfig(backbone="mobilenet_v2", levels=levels, pooling="lse")).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, size, size))["logits"].shape == (1, levels, 5)


def test_released_refuses_other_sizes() -> None:
    with pytest.raises(ValueError, match="224"):
        Chr(NetworkConfig(backbone="resnet18", variant="released"))(torch.rand(1, 3, 256, 256))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="variant"):
        NetworkConfig(variant="CRH")
    with pytest.raises(ValueError, match="backbone"):
        Chr(NetworkConfig(backbone="resnet19"))


def test_iteration_changes_the_maps_and_shares_weights() -> None:
    torch.manual_seed(0)
    once = Chr(NetworkConfig(backbone="resnet18", rounds=1)).eval()
    twice = Chr(NetworkConfig(backbone="resnet18", rounds=2)).eval()
    twice.load_state_dict(once.state_dict())
    scan = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(once(scan)["cams"][0], twice(scan)["cams"][0])


def test_refinement_reaches_the_finest_level() -> None:
    """Gradient of the finest map must flow into the deepest stage in HR, and must not in H."""
    for variant, flows in (("HR", True), ("H", False)):
        network = Chr(NetworkConfig(backbone="resnet18", variant=variant))
        network(torch.rand(2, 3, 64, 64))["logits"][:, 0].sum().backward()
        grad = network.backbone.stages[-1][0].conv1.weight.grad
        assert (grad is not None and bool(grad.abs().sum() > 0)) is flows


def test_lse_pooling_lies_between_mean_and_max() -> None:
    cam = torch.randn(2, 5, 7, 7)
    mean, soft, top = pool(cam, "average"), pool(cam, "lse"), cam.amax(dim=(2, 3))
    assert bool((mean <= soft).all()) and bool((soft <= top).all())


def logit(p: list) -> torch.Tensor:
    return torch.logit(torch.tensor(p, dtype=torch.float64))


def test_weights_by_hand() -> None:
    # One scan, three levels (finest first), classes: a positive; a negative easy only at the middle; one easy at the top; one never easy.
    logits = logit([[[0.05, 0.60, 0.60, 0.60], [0.05, 0.05, 0.60, 0.60], [0.05, 0.60, 0.05, 0.60]]])
    labels = torch.tensor([[1, 0, 0, 0]])
    weights = level_weights(logits, labels, LossConfig(epsilon=0.1))
    assert weights.tolist() == [[[1, 0, 0, 1], [1, 1, 0, 1], [1, 1, 1, 1]]]
    # Literal reading: negatives stay only where the prediction is small.
    weights = level_weights(logits, labels, LossConfig(epsilon=0.1, literal=True))
    assert weights.tolist() == [[[1, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]]]
    # Released: each level by itself, the top included.
    weights = level_weights(logits, labels, LossConfig(epsilon=0.1, balance="independent"))
    assert weights.tolist() == [[[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1]]]
    unknown = level_weights(logits, torch.tensor([[1, 0, 0, -1]]), LossConfig(balance="none"))
    assert unknown[0, :, 3].tolist() == [0, 0, 0] and unknown[0, :, :3].eq(1).all()


def test_loss_by_hand() -> None:
    logits = logit([[[0.9, 0.5], [0.8, 0.05]]])  # level 1 (finest), level 2 (top)
    labels = torch.tensor([[1, 0]])
    # Top: -ln .8 and -ln .95; the negative is easy there, so at level 1 only -ln .9 counts. Two known labels, two levels.
    expected = (0.2231435513 + 0.0512932944 + 0.1053605157) / 4
    assert float(hierarchical_loss(logits, labels, LossConfig(epsilon=0.1))) == pytest.approx(expected, abs=1e-9)
    expected = (0.2231435513 + 0.0512932944 + 0.1053605157 + 0.6931471806) / 4
    assert float(hierarchical_loss(logits, labels, LossConfig(balance="none"))) == pytest.approx(expected, abs=1e-9)


def test_single_label_is_softmax() -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]]])
    loss = hierarchical_loss(logits, torch.tensor([[1, 0]]), LossConfig(single_label=True))
    assert float(loss) == pytest.approx((0.1269280110 + 0.6931471806) / 2, abs=1e-6)


def test_mask_targets_and_focal_loss() -> None:
    masks = torch.zeros(1, 2, 8, 8)
    masks[0, 0, 0:4, 0:4] = 1  # fills the top left cell of a 2 x 2 map
    masks[0, 0, 4, 4] = 1  # a sixteenth of the bottom right one: neither
    masks[0, 1] = -1
    target = mask_targets(masks, (2, 2))
    assert target[0, 0].tolist() == [[1, 0], [0, -1]] and target[0, 1].eq(-1).all()
    right = torch.tensor([[[[9.0, -9.0], [-9.0, 9.0]], [[9.0, 9.0], [9.0, 9.0]]]])
    assert float(focal_map_loss([right], masks)) < 1e-6 < float(focal_map_loss([-right], masks))


def test_a_tiny_threat_still_has_a_target() -> None:
    masks = torch.zeros(1, 1, 320, 320)
    masks[0, 0, 100:103, 100:103] = 1
    assert mask_targets(masks, (10, 10)).eq(1).sum() == 1
