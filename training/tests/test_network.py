"""Shapes for every backbone, size and variant; the loss's mask by hand."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lanescope import scoring
from lanescope.backbones import BACKBONES
from lanescope.loss import LossConfig, focal_map_loss, hierarchical_loss, level_weights, mask_targets
from lanescope.network import FUSIONS, VARIANTS, Chr, NetworkConfig, Refine, fuse, fuse_cams, pool


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


@pytest.mark.parametrize("fusion", FUSIONS)
def test_fusion_by_hand(fusion: str) -> None:
    p = [[0.9, 0.2], [0.6, 0.2], [0.3, 0.2]]
    of_logits = [sum(math.log(v / (1 - v)) for v in (0.9, 0.6, 0.3)) / 3, math.log(0.25)]
    expected = {"logits": of_logits, "probabilities": [math.log(1.5), math.log(0.25)]}
    network = Chr(NetworkConfig(backbone="small_cnn", fusion=fusion))
    assert network.fuse(logit([p]))[0].tolist() == pytest.approx(expected[fusion], abs=1e-9)
    assert scoring.fuse(logit([p]).numpy(), fusion)[0].tolist() == pytest.approx(expected[fusion], abs=1e-9)


def test_fusion_of_probabilities_keeps_its_order_where_they_round_to_one() -> None:
    z = torch.tensor([[[50.0], [60.0], [70.0]], [[50.0], [60.0], [71.0]], [[-700.0], [-800.0], [-900.0]]])
    fused = fuse(z.double(), "probabilities")[:, 0]
    assert bool(torch.isfinite(fused).all()) and 50 < fused[0] < 52 and fused[2] == pytest.approx(-700 - math.log(3), abs=1e-6)
    assert np.allclose(scoring.fuse(z.numpy(), "probabilities")[:, 0], fused.numpy())
    with pytest.raises(ValueError, match="fusion"):
        scoring.fuse(z.numpy(), "votes")
    with pytest.raises(ValueError, match="fusion"):
        NetworkConfig(fusion="votes")


FUSION_FIXTURE = Path(__file__).parents[2] / "test/fixtures/metrics/fusion.json"


def make_fusion_fixture() -> list[dict]:
    """Levels' logits of one class and what each rule makes of them, for both languages; computed here in plain arithmetic of 60 digits."""
    from decimal import Decimal, getcontext

    getcontext().prec = 60
    cases = [[0.3], [-2.5, 0.0, 4.0], [50.0, 60.0, 71.0], [-90.0, -80.0], [-60.0, 60.0, 1.5], [-5.25, -5.25], [-3.0, -6.0, -1.0, 2.0]]
    rows = []
    for z in cases:
        present = sum(1 / (1 + (-Decimal(v)).exp()) for v in z)
        absent = sum(1 / (1 + Decimal(v).exp()) for v in z)
        rows.append({"levels": z, "logits": float(sum(map(Decimal, z)) / len(z)), "probabilities": float((present / absent).ln())})
    return rows


def test_the_fusion_fixture_shared_with_the_app() -> None:
    """`python training/tests/test_network.py` writes it anew; the app's test of `src/domain/cam.ts` reads it."""
    kept = json.loads(FUSION_FIXTURE.read_text())
    assert kept == make_fusion_fixture()
    for row in kept:
        levels = torch.tensor([row["levels"]], dtype=torch.float64)[..., None]
        for rule in FUSIONS:
            assert float(fuse(levels, rule)) == pytest.approx(row[rule], abs=1e-9)
            assert float(scoring.fuse(levels.numpy(), rule)) == pytest.approx(row[rule], abs=1e-9)


def test_maps_are_fused_by_the_same_rule() -> None:
    torch.manual_seed(0)
    cams = [torch.randn(2, 5, s, s) for s in (8, 4, 2)]
    for fusion in FUSIONS:
        whole = [torch.nn.functional.interpolate(c, size=(8, 8), mode="bilinear", align_corners=False) for c in cams]
        fused = fuse_cams(cams, fusion)
        assert torch.allclose(fused[:, :, 3, 5], fuse(torch.stack([c[:, :, 3, 5] for c in whole], dim=1), fusion), atol=1e-5)
        at = fused[0].flatten(1).argmax(dim=1)
        peak = scoring.peaks([c[0].numpy() for c in cams], 32, fusion)[0]
        assert np.allclose(peak, np.stack([(at % 8 + 0.5) / 8, (at // 8 + 0.5) / 8], axis=1))


def test_the_iteration_feeds_the_prediction_back() -> None:
    """Eqs. 2-5: what the top level says reaches the finest map; the plain pass is where it starts; k counts."""
    torch.manual_seed(0)
    config = NetworkConfig(backbone="small_cnn", rounds=1, feedback="prediction")
    network, twice = Chr(config).eval(), Chr(replace(config, rounds=2)).eval()
    twice.load_state_dict(network.state_dict())
    scan = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        before = network(scan)["cams"][0]
        maps = network.backbone(scan)
        stages, y = network.backbone.stages, network.predict(maps)[:, :, None, None]
        assert y.shape == (2, 5, 1, 1) and bool(((y > 0) & (y < 1)).all())
        refined = network.features(scan)
        assert torch.allclose(refined[0], network.refine[0](y, maps[0]))
        assert torch.allclose(refined[1], network.refine[1](y, stages[1](refined[0])))
        assert torch.allclose(refined[2], stages[2](refined[1]))
        assert torch.allclose(twice.features(scan)[0], network.refine[0](network.predict(refined)[:, :, None, None], maps[0]))
        network.classifiers[-1].bias += 3.0
        assert not torch.allclose(network(scan)["cams"][0], before)
    network.train()(scan)["logits"][:, 0].sum().backward()
    assert float(network.classifiers[-1].weight.grad.abs().sum()) > 0
    with pytest.raises(ValueError, match="rounds"):
        NetworkConfig(feedback="prediction")


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


# One scan, three levels (finest first). Classes: a positive that every level misses; negatives that are easy (below 0.1) only at the finest
# level; only at the middle; only at the top; nowhere; everywhere; and one whose label is unknown.
BY_HAND = [
    [
        [0.05, 0.05, 0.60, 0.60, 0.60, 0.05, 0.60],
        [0.05, 0.60, 0.05, 0.60, 0.60, 0.05, 0.60],
        [0.05, 0.60, 0.60, 0.05, 0.60, 0.05, 0.60],
    ]
]
BY_HAND_LABELS = torch.tensor([[1, 0, 0, 0, 0, 0, -1]])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # The paper, 4.3: the top level judges for itself; a lower one counts where it and every higher one find the negative hard.
        (LossConfig(), [[1, 0, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 0, 1, 0, 0]]),
        # Its words on epsilon taken literally: "hard" is where the prediction is small.
        (LossConfig(literal=True), [[1, 0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1, 0], [1, 0, 0, 1, 0, 1, 0]]),
        # What this project's first networks did: the top level whole, and each level judged by those above it alone.
        (LossConfig(balance="shifted"), [[1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 0, 1, 0, 0], [1, 1, 1, 1, 1, 1, 0]]),
        # The released code: each level by itself.
        (LossConfig(balance="independent"), [[1, 0, 1, 1, 1, 0, 0], [1, 1, 0, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0, 0]]),
        (LossConfig(balance="none"), [[1, 1, 1, 1, 1, 1, 0]] * 3),
        # Label-only warm-up: before its end nothing is dropped, from it on the rule holds.
        (LossConfig(balance_from=0.2).at(0.19), [[1, 1, 1, 1, 1, 1, 0]] * 3),
        (LossConfig(balance_from=0.2).at(0.2), [[1, 0, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 0, 1, 0, 0]]),
    ],
)
def test_weights_by_hand(config: LossConfig, expected: list[list[int]]) -> None:
    assert level_weights(logit(BY_HAND), BY_HAND_LABELS, config).tolist() == [expected]


def test_loss_of_a_batch_by_hand() -> None:
    # Two scans, two levels (finest first), two classes; three known labels.
    logits = logit([[[0.9, 0.5], [0.8, 0.05]], [[0.3, 0.7], [0.2, 0.9]]])
    labels = torch.tensor([[1, 0], [0, -1]])
    # First scan: -ln .9 and -ln .8; its negative is easy at the top, so it counts nowhere. Second: -ln .7 and -ln .8; the other is unknown.
    kept = 0.1053605157 + 0.2231435513 + 0.3566749439 + 0.2231435513
    assert float(hierarchical_loss(logits, labels, LossConfig(epsilon=0.1))) == pytest.approx(kept / 6, abs=1e-9)
    # An epsilon of 0.25 calls the second scan's negative easy at its top (0.2), and so below (0.3) too.
    assert float(hierarchical_loss(logits, labels, LossConfig(epsilon=0.25))) == pytest.approx((0.1053605157 + 0.2231435513) / 6, abs=1e-9)
    # "shifted" counts the top whole: -ln .95 comes back there, and the second scan's fine level stays.
    shifted = float(hierarchical_loss(logits, labels, LossConfig(balance="shifted")))
    assert shifted == pytest.approx((kept + 0.0512932944) / 6, abs=1e-9)
    everything = float(hierarchical_loss(logits, labels, LossConfig(balance="none")))
    assert everything == pytest.approx((kept + 0.0512932944 + 0.6931471806) / 6, abs=1e-9)


def test_the_loss_names_its_choices_and_refuses_others() -> None:
    with pytest.raises(ValueError, match="balance"):
        LossConfig(balance="hierarchic")
    config = LossConfig(mask_weight=0.5, balance_from=0.1, masks_from=0.3)
    assert [config.at(p).mask_weight for p in (0.0, 0.2, 0.3, 1.0)] == [0.0, 0.0, 0.5, 0.5]
    assert [config.at(p).balance for p in (0.0, 0.2)] == ["none", "hierarchical"]


def test_single_label_is_softmax() -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]]])
    loss = hierarchical_loss(logits, torch.tensor([[1, 0]]), LossConfig(single_label=True))
    assert float(loss) == pytest.approx((0.1269280110 + 0.6931471806) / 2, abs=1e-6)


def test_a_row_without_a_label_is_masked_in_single_label_mode() -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]], [[9.0, 0.0], [0.0, 9.0]]])
    loss = hierarchical_loss(logits, torch.tensor([[1, 0], [-1, -1]]), LossConfig(single_label=True))
    assert float(loss) == pytest.approx((0.1269280110 + 0.6931471806) / 2, abs=1e-6)


def test_unknown_counts_cell_by_cell() -> None:
    masks = torch.full((1, 2, 8, 8), -1.0)
    masks[0, 0, :, :4] = 0  # a box around the left half: inside it is known what is threat and what is not
    masks[0, 0, 0:2, 0:2] = 1
    target = mask_targets(masks, (4, 4))
    assert target[0, 0].tolist() == [[1, 0, -1, -1], [0, 0, -1, -1], [0, 0, -1, -1], [0, 0, -1, -1]]
    assert target[0, 1].eq(-1).all()
    # A cell that is half known tells nothing, unless a threat fills enough of it.
    assert mask_targets(masks, (1, 1))[0, :, 0, 0].tolist() == [1, -1]
    masks[0, 0, 0:2, 0:2] = 0
    assert mask_targets(masks, (2, 1))[0, 0, :, 0].tolist() == [-1, -1]
    # What is unknown has no say in the loss, however wrong the map is there.
    cam = torch.full((1, 2, 4, 4), -20.0)
    cam[0, 0, :, 2:] = 20
    assert float(focal_map_loss([cam], masks)) < 1e-6


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


class Concatenating(torch.nn.Module):
    """g as the paper writes it, over the concatenated maps: what `Refine` must equal."""

    def __init__(self, deeper: int, here: int, out: int) -> None:
        super().__init__()
        block = lambda n, k: torch.nn.Sequential(  # noqa: E731
            torch.nn.Conv2d(n, out, k, padding=k // 2, bias=False), torch.nn.BatchNorm2d(out), torch.nn.ReLU()
        )
        self.mix, self.settle = block(deeper + here, 1), block(out, 3)

    def forward(self, deeper: torch.Tensor, here: torch.Tensor) -> torch.Tensor:
        up = torch.nn.functional.interpolate(deeper, size=here.shape[-2:], mode="bilinear", align_corners=False)
        return self.settle(self.mix(torch.cat([up, here], dim=1)))


def scramble_norms(module: torch.nn.Module) -> None:
    for norm in module.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            for values in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
                torch.nn.init.uniform_(values, 0.5, 2.0)


@pytest.mark.parametrize("size", [(8, 8), (9, 7)])
def test_refinement_equals_the_concatenation_and_loads_its_checkpoints(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    paper, ours = Concatenating(12, 6, 5).eval(), Refine(12, 6, 5).eval()
    scramble_norms(paper)
    stored = paper.state_dict()
    ours.load_state_dict(stored)
    assert "mix.0.weight" in stored  # the caller's checkpoint is left as it was
    deeper, here = torch.randn(2, 12, 4, 4), torch.randn(2, 6, *size)
    with torch.no_grad():
        assert torch.allclose(paper(deeper, here), ours(deeper, here), atol=1e-5)
        paper.train(), ours.train()
        assert torch.allclose(paper(deeper, here), ours(deeper, here), atol=1e-4)
    network = Chr(NetworkConfig(refine=(32, 48), levels=3))
    with pytest.raises(RuntimeError, match=r"refine\.0"):
        network.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("refine.0.deeper")})


def test_refine_widths() -> None:
    def widths(**options: object) -> list[int]:
        return [c.in_channels for c in Chr(NetworkConfig(**options)).classifiers]  # type: ignore[arg-type]

    assert widths() == [32, 96, 1280] and widths(refine="bounded") == [64, 96, 1280]
    assert widths(refine=(24, 40), kernel="separable") == [24, 40, 1280]
    for wrong, words in (({"refine": (32,)}, "2 widths"), ({"refine": "wide"}, "refine"), ({"kernel": "5x5"}, "kernel")):
        with pytest.raises(ValueError, match=words):
            NetworkConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="own width"):
        NetworkConfig(rounds=1, refine=(32, 48))


if __name__ == "__main__":
    FUSION_FIXTURE.write_text(json.dumps(make_fusion_fixture(), indent=1) + "\n")
