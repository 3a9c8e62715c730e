"""Class-balanced hierarchical refinement (SIXray, Miao et al., CVPR 2019, section 4.2 and Fig. 4)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lanescope.backbones import make_backbone

VARIANTS = ("base", "H", "HR", "CH", "CHR", "released")
POOLINGS = ("average", "lse")
LSE_SHARPNESS = 5.0
"""r of log-sum-exp pooling: 0 would be the average, infinity the maximum."""


@dataclass(frozen=True)
class NetworkConfig:
    """Everything needed to rebuild a network from a checkpoint."""

    backbone: str = "mobilenet_v2"
    variant: str = "CHR"
    levels: int = 3
    pooling: str = "average"
    """"average" is the paper's; "lse" is log-sum-exp, softer than a maximum, for small threats."""
    rounds: int = 0
    """k of the un-approximated iteration (Eqs. 2-5); 0 is the paper's one-pass approximation."""
    classes: int = 5

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, not {self.variant!r}")
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        if self.rounds and not self.refines:
            raise ValueError("the iteration needs a variant that refines")

    @property
    def refines(self) -> bool:
        """Whether deeper maps refine finer ones (the R)."""
        return self.variant in ("HR", "CHR", "released")

    @property
    def balances(self) -> str:
        """How the loss switches easy negatives off (the C): "none", "hierarchical" or "independent" (released code)."""
        return {"CH": "hierarchical", "CHR": "hierarchical", "released": "independent"}.get(self.variant, "none")

    @property
    def outputs(self) -> int:
        """Levels that the network returns: `base` has its top level alone."""
        return 1 if self.variant == "base" else self.levels

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class Refine(nn.Module):
    """g of the paper: deeper map up-sampled, concatenated with this level's, convolved.

    The 1x1 convolution mixes the (many) channels first, so that the 3x3 one stays cheap on small lanes.
    """

    def __init__(self, deeper: int, here: int, out: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Conv2d(deeper + here, out, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))
        self.settle = nn.Sequential(nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))

    def forward(self, deeper: Tensor, here: Tensor) -> Tensor:
        """[N, deeper, h', w'] and [N, here, h, w] -> [N, out, h, w]."""
        # Plain ints: an exported graph has one fixed input size, and no shape arithmetic.
        size = (int(here.shape[-2]), int(here.shape[-1]))
        up = F.interpolate(deeper, size=size, mode="bilinear", align_corners=False)
        return self.settle(self.mix(torch.cat([up, here], dim=1)))


def pool(cam: Tensor, pooling: str) -> Tensor:
    """Class activation map -> logit.

    Args:
        cam: [N, C, h, w].
        pooling: "average" or "lse" ((1/r) log mean exp(r cam)).

    Returns:
        [N, C].
    """
    flat = cam.flatten(2)
    if pooling == "average":
        return flat.mean(dim=2)
    return (torch.logsumexp(LSE_SHARPNESS * flat, dim=2) - math.log(flat.shape[2])) / LSE_SHARPNESS


class Chr(nn.Module):
    """A backbone with hierarchical refinement and one classifier a level.

    A classifier h(l) is a 1x1 convolution before the pooling: with average pooling that equals the paper's linear layer
    on pooled features, and its output before pooling is the class activation map.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = make_backbone(config.backbone, config.levels)
        channels = self.backbone.channels
        refined = list(channels)
        self.refine = nn.ModuleList()
        if config.refines:
            for level in range(config.levels - 1):
                # In the iteration a refined map goes back up the backbone, so it must keep the level's width.
                refined[level] = channels[level] if config.rounds else max(64, min(256, channels[level]))
            for level in range(config.levels - 1):
                self.refine.append(Refine(refined[level + 1], channels[level], refined[level]))
        heads = channels[-1:] if config.variant == "base" else refined
        self.classifiers = nn.ModuleList(nn.Conv2d(width, config.classes, 1) for width in heads)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.refine.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for classifier in self.classifiers:
            nn.init.normal_(classifier.weight, std=0.01)
            # Threats are rare: start from a low prior, or the first steps only learn that.
            nn.init.constant_(classifier.bias, -2.0)

    def features(self, scan: Tensor) -> list[Tensor]:
        """Maps that the classifiers see, finest first (refined where the variant refines)."""
        maps: list[Tensor] = self.backbone(scan)
        if self.config.variant == "base":
            return maps[-1:]
        if not self.config.refines:
            return maps
        for _ in range(self.config.rounds):
            maps = self._climb(self._descend(maps))
        return self._descend(maps)

    def _descend(self, maps: list[Tensor]) -> list[Tensor]:
        """x~(L) = x(L); x~(l) = g(x~(l+1), x(l)), top down."""
        refined = [maps[-1]]
        for level in range(self.config.levels - 2, -1, -1):
            refined.insert(0, self.refine[level](refined[0], maps[level]))
        return refined

    def _climb(self, refined: list[Tensor]) -> list[Tensor]:
        """One round of the iteration: the refined finest map is sent up again, x(l+1) = f(l+1)(x~(l))."""
        return [refined[0], *(stage(refined[level]) for level, stage in enumerate(list(self.backbone.stages)[1:]))]

    def forward(self, scan: Tensor) -> dict[str, Tensor | list[Tensor]]:
        """Score scans.

        Args:
            scan: float [N, 3, S, S], preprocessed.

        Returns:
            "logits": [N, L, C], finest level first; "cams": a list of [N, C, h_l, w_l], finest first, in logit units.

        Raises:
            ValueError: `released` on another size than 224, for which its pooling windows are fixed.
        """
        if self.config.variant == "released" and tuple(scan.shape[-2:]) != (224, 224):
            raise ValueError("the released code pools with windows fixed for 224 x 224 scans")
        cams = [classifier(features) for classifier, features in zip(self.classifiers, self.features(scan), strict=True)]
        # Pooled in fp32: logsumexp over a fine map loses too much in bf16.
        logits = torch.stack([pool(cam.float(), self.config.pooling) for cam in cams], dim=1)
        return {"logits": logits, "cams": cams}

    def fuse(self, logits: Tensor) -> Tensor:
        """[N, L, C] -> [N, C], the prediction: the mean of the levels (`released`: the top level alone)."""
        return logits[:, -1] if self.config.variant == "released" else logits.mean(dim=1)


def fuse_cams(cams: list[Tensor]) -> Tensor:
    """The fused map: the levels' mean, each resized bilinearly (half-pixel centres) to the finest grid; [N, C, h_1, w_1]."""
    size = cams[0].shape[-2:]
    return torch.stack(
        [cam if cam.shape[-2:] == size else F.interpolate(cam, size=size, mode="bilinear", align_corners=False) for cam in cams]
    ).mean(dim=0)
