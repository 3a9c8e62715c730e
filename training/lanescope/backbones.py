"""Torchvision backbones cut into the stages that CHR's levels hang on."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torchvision import models


class Stages(nn.Module):
    """A backbone as consecutive stages, finest map first.

    `stages[i]` turns the map of level i into that of level i + 1 (level 0 is the image), so that the un-approximated
    iteration can send a refined map back up through the same weights.
    """

    def __init__(self, stages: list[nn.Module], channels: list[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.channels = channels

    def forward(self, scan: Tensor) -> list[Tensor]:
        """float [N, 3, S, S] -> a list of [N, channels[i], h_i, w_i], finest first."""
        maps = []
        current = scan
        for stage in self.stages:
            current = stage(current)
            maps.append(current)
        return maps


def _resnet(make: Callable[..., models.ResNet]) -> tuple[list[nn.Module], list[int]]:
    net = make(weights=None)
    stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1)
    expansion = net.fc.in_features // 512
    widths = [64 * expansion, 128 * expansion, 256 * expansion, 512 * expansion]
    return [stem, net.layer2, net.layer3, net.layer4], widths


def _inception() -> tuple[list[nn.Module], list[int]]:
    net = models.inception_v3(weights=None, aux_logits=False, init_weights=False, transform_input=False)
    stem = nn.Sequential(net.Conv2d_1a_3x3, net.Conv2d_2a_3x3, net.Conv2d_2b_3x3, net.maxpool1, net.Conv2d_3b_1x1, net.Conv2d_4a_3x3)
    first = nn.Sequential(net.maxpool2, net.Mixed_5b, net.Mixed_5c, net.Mixed_5d)
    second = nn.Sequential(net.Mixed_6a, net.Mixed_6b, net.Mixed_6c, net.Mixed_6d, net.Mixed_6e)
    third = nn.Sequential(net.Mixed_7a, net.Mixed_7b, net.Mixed_7c)
    return [stem, first, second, third], [192, 288, 768, 2048]


def _densenet() -> tuple[list[nn.Module], list[int]]:
    f = models.densenet121(weights=None).features
    stem = nn.Sequential(f.conv0, f.norm0, f.relu0, f.pool0, f.denseblock1)
    # A dense block ends before its norm; ReLU after norm5 is torchvision's own (functional) step.
    return (
        [
            stem,
            nn.Sequential(f.transition1, f.denseblock2),
            nn.Sequential(f.transition2, f.denseblock3),
            nn.Sequential(f.transition3, f.denseblock4, f.norm5, nn.ReLU(inplace=True)),
        ],
        [256, 512, 1024, 1024],
    )


def _mobilenet() -> tuple[list[nn.Module], list[int]]:
    f = models.mobilenet_v2(weights=None).features
    return [f[:4], f[4:7], f[7:14], f[14:]], [24, 32, 96, 1280]


def _small_cnn() -> tuple[list[nn.Module], list[int]]:
    """Plain blocks of two 3x3 convolutions, 0.4 M weights: trains at hundreds of 96-pixel scans a second on one core (ablations)."""

    def block(before: int, after: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(before, after, 3, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )

    stem = nn.Sequential(nn.Conv2d(3, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True), block(16, 24))
    return [stem, block(24, 48), block(48, 96), block(96, 128)], [24, 48, 96, 128]


_MAKERS: dict[str, Callable[[], tuple[list[nn.Module], list[int]]]] = {
    "resnet18": lambda: _resnet(models.resnet18),
    "resnet34": lambda: _resnet(models.resnet34),
    "resnet50": lambda: _resnet(models.resnet50),
    "resnet101": lambda: _resnet(models.resnet101),
    "inception_v3": _inception,
    "densenet121": _densenet,
    "mobilenet_v2": _mobilenet,
    "small_cnn": _small_cnn,
}
BACKBONES = tuple(_MAKERS)


def make_backbone(name: str, levels: int) -> Stages:
    """Build a backbone whose last `levels` stages are exposed (strides 4, 8, 16, 32 at most).

    Raises:
        ValueError: unknown name, or levels outside 1-4.
    """
    if name not in _MAKERS:
        raise ValueError(f"unknown backbone {name!r}; one of {', '.join(BACKBONES)}")
    stages, channels = _MAKERS[name]()
    if not 1 <= levels <= len(stages):
        raise ValueError(f"levels must be 1-{len(stages)}, not {levels}")
    hidden = len(stages) - levels
    merged = [nn.Sequential(*stages[: hidden + 1]), *stages[hidden + 1 :]]
    return Stages(merged, channels[hidden:])


def count_parameters(module: nn.Module) -> int:
    """Trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
