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
KERNELS = ("full", "separable")
FUSIONS = ("logits", "probabilities")
FEEDBACKS = ("deeper", "prediction")
WIDTHS = ("own", "bounded")
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
    """How often what is refined goes through the backbone again (see `feedback`); 0 is the paper's one-pass approximation."""
    classes: int = 5
    refine: str | tuple[int, ...] = "own"
    """Widths of the refined maps: "own" as in the paper (g keeps x(l)'s width), "bounded" (own, but 64 to 256: this project's first
    networks), or one width for each level below the top, finest first: (32, 48) keeps CHR within 5 % of MobileNetV2's time."""
    kernel: str = "full"
    """What settles a refined map: a "full" 3x3 convolution as in the paper, or a "separable" one (depthwise 3x3, then 1x1)."""
    feedback: str = "deeper"
    """What g refines a level's map x(l) with.

    - "deeper": the refined map of the level above, x~(l+1): the paper's approximation, in one pass top down. With `rounds` = k the refined
      finest map then goes up the backbone again and all are refined anew, k times: an iteration of the approximation, this project's own.
    - "prediction": y itself, the network's probabilities, as Eqs. 2-5 have it before they are approximated. y(0) comes from the plain
      pass; in each of `rounds` (at least one) iterations x~(l) = g(x(l), y), x(l+1) = f(x~(l)), bottom up, and y is taken anew.
    """
    fusion: str = "logits"
    """The prediction from the levels': the mean of their "logits", or of their "probabilities" (Eqs. 5 and 6 take y as such)."""

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, not {self.variant!r}")
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        if self.rounds and not self.refines:
            raise ValueError("the iteration needs a variant that refines")
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, not {self.kernel!r}")
        if isinstance(self.refine, str):
            if self.refine not in WIDTHS:
                raise ValueError(f"refine must be one of {', '.join(WIDTHS)} or a width for each level below the top, not {self.refine!r}")
        elif len(self.refine) != self.levels - 1 or min(self.refine, default=1) < 1:
            raise ValueError(f"refine must hold {self.levels - 1} widths, one for each level below the top, not {self.refine!r}")
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion must be one of {', '.join(FUSIONS)}, not {self.fusion!r}")
        if self.feedback not in FEEDBACKS:
            raise ValueError(f"feedback must be one of {', '.join(FEEDBACKS)}, not {self.feedback!r}")
        if self.feedback == "prediction" and self.rounds < 1:
            raise ValueError("the prediction can only be fed back in an iteration: rounds must be 1 or more")
        if self.rounds and self.refine != "own":
            raise ValueError("in the iteration a refined map goes back up the backbone: it must keep its level's own width")

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

    A 1x1 convolution mixes the (many) channels first, so that the 3x3 one stays cheap on small lanes. It is two here, one a map, summed:
    the same as one over the concatenation, and as a 1x1 convolution and bilinear up-sampling commute, the deeper map is mixed at its own
    resolution, a quarter of the work, and only what is left is up-sampled.
    """

    def __init__(self, deeper: int, here: int, out: int, kernel: str = "full") -> None:
        super().__init__()
        self.deeper = nn.Conv2d(deeper, out, 1, bias=False)
        self.here = nn.Conv2d(here, out, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        spread = [nn.Conv2d(out, out, 3, padding=1, bias=False)]
        if kernel == "separable":
            spread = [nn.Conv2d(out, out, 3, padding=1, groups=out, bias=False), nn.Conv2d(out, out, 1, bias=False)]
        self.settle = nn.Sequential(*spread, nn.BatchNorm2d(out), nn.ReLU(inplace=True))

    def forward(self, deeper: Tensor, here: Tensor) -> Tensor:
        """[N, deeper, h', w'] and [N, here, h, w] -> [N, out, h, w]."""
        size = (int(here.shape[-2]), int(here.shape[-1]))
        if torch.onnx.is_in_onnx_export():
            # The exporter folds a batch norm into the one convolution before it; this one has two, and would stay in the graph.
            mean, variance = self.norm.running_mean, self.norm.running_var
            assert mean is not None and variance is not None
            gain = self.norm.weight * torch.rsqrt(variance + self.norm.eps)
            shift = self.norm.bias - mean * gain
            gain = gain.reshape(-1, 1, 1, 1)
            up = _resize(F.conv2d(deeper, self.deeper.weight * gain), size)
            mixed = up + F.conv2d(here, self.here.weight * gain, shift)
        else:
            up = _resize(self.deeper(deeper), size)
            mixed = self.norm(up + self.here(here))
        settled: Tensor = self.settle(F.relu(mixed))
        return settled

    def _load_from_state_dict(self, state_dict, prefix, *rest) -> None:  # type: ignore[no-untyped-def]
        """Checkpoints of before the split hold one 1x1 convolution over the concatenation, `mix.0`, and its norm, `mix.1`."""
        if (whole := state_dict.pop(f"{prefix}mix.0.weight", None)) is not None:
            state_dict[f"{prefix}deeper.weight"], state_dict[f"{prefix}here.weight"] = split_mix(whole, self)
            for name in self.norm.state_dict():
                state_dict[f"{prefix}norm.{name}"] = state_dict.pop(f"{prefix}mix.1.{name}")
        super()._load_from_state_dict(state_dict, prefix, *rest)


def split_mix(whole: Tensor, refine: Refine) -> tuple[Tensor, Tensor]:
    """The 1x1 convolution over [deeper, here], [out, deeper + here, 1, 1], as two: [out, deeper, 1, 1] and [out, here, 1, 1]."""
    deeper, here = whole.split([refine.deeper.in_channels, whole.shape[1] - refine.deeper.in_channels], dim=1)
    return deeper.clone(), here.clone()


def _resize(map_: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, half-pixel centres. Whole factors are given as such: the exported graph then holds constants, no shape arithmetic."""
    (h, w), (tall, wide) = (int(map_.shape[-2]), int(map_.shape[-1])), size
    if tall % h == 0 and wide % w == 0:
        return F.interpolate(map_, scale_factor=(float(tall // h), float(wide // w)), mode="bilinear", align_corners=False)
    return F.interpolate(map_, size=size, mode="bilinear", align_corners=False)


def pool(cam: Tensor, pooling: str) -> Tensor:
    """Class activation map -> logit.

    Args:
        cam: [N, C, h, w].
        pooling: "average" or "lse" ((1/r) log mean exp(r cam)).

    Returns:
        [N, C].
    """
    if pooling == "average":
        return cam.mean(dim=(2, 3))
    cells = int(cam.shape[2]) * int(cam.shape[3])
    return (torch.logsumexp(LSE_SHARPNESS * cam, dim=(2, 3)) - math.log(cells)) / LSE_SHARPNESS


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
                if isinstance(config.refine, tuple):
                    refined[level] = config.refine[level]
                elif config.refine == "bounded":
                    refined[level] = max(64, min(256, channels[level]))
            for level in range(config.levels - 1):
                fed = config.classes if config.feedback == "prediction" else refined[level + 1]
                self.refine.append(Refine(fed, channels[level], refined[level], config.kernel))
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
        if self.config.feedback == "prediction":
            finest = maps[0]
            for _ in range(self.config.rounds):
                maps = self._iterate(finest, self.predict(maps))
            return maps
        for _ in range(self.config.rounds):
            maps = self._climb(self._descend(maps))
        return self._descend(maps)

    def _iterate(self, finest: Tensor, y: Tensor) -> list[Tensor]:
        """One iteration of Eqs. 2-5, bottom up: x~(l) = g(x(l), y), x(l+1) = f(x~(l)); the top has no g.

        Args:
            finest: x(1), [N, channels[0], h, w]; it comes from the image alone, so it is the same in every iteration.
            y: [N, C], what the network said the time before, 0 to 1.
        """
        planes = y[:, :, None, None].to(finest.dtype)
        refined = [self.refine[0](planes, finest)] if len(self.refine) else [finest]
        for level, stage in enumerate(list(self.backbone.stages)[1:], start=1):
            up = stage(refined[-1])
            refined.append(self.refine[level](planes, up) if level < len(self.refine) else up)
        return refined

    def predict(self, maps: list[Tensor]) -> Tensor:
        """y of the maps that the classifiers see, [N, C]: the mean over the levels of their probabilities, whatever `fusion` is."""
        return torch.sigmoid(self._levels(maps)[0]).mean(dim=1)

    def _levels(self, maps: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Logits [N, L, C] and class activation maps, from the maps that the classifiers see."""
        cams = [classifier(features) for classifier, features in zip(self.classifiers, maps, strict=True)]
        # Pooled in fp32: logsumexp over a fine map loses too much in bf16.
        return torch.stack([pool(cam.float(), self.config.pooling) for cam in cams], dim=1), cams

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
        logits, cams = self._levels(self.features(scan))
        return {"logits": logits, "cams": cams}

    def fuse(self, logits: Tensor) -> Tensor:
        """[N, L, C] -> [N, C], the prediction as a logit: `fuse` by the configured rule (`released`: the top level alone)."""
        return logits[:, -1] if self.config.variant == "released" else fuse(logits, self.config.fusion)


def fuse(logits: Tensor, fusion: str) -> Tensor:
    """The levels' logits, dimension 1, as one logit.

    Args:
        logits: [N, L, ...].
        fusion: "logits", their mean; "probabilities", the logit of the mean of their probabilities (Eqs. 5 and 6), never rounded to 0 or 1.

    Returns:
        [N, ...].
    """
    if fusion == "logits":
        return logits.mean(dim=1)
    # log(mean p) - log(mean (1 - p)): the levels' number cancels.
    return torch.logsumexp(F.logsigmoid(logits), dim=1) - torch.logsumexp(F.logsigmoid(-logits), dim=1)


def fuse_single(logits: Tensor) -> Tensor:
    """Single-label mode (5.5): [N, L, C] -> [N, C], the mean over the levels of their soft-max probabilities."""
    return torch.softmax(logits, dim=2).mean(dim=1)


def fuse_cams(cams: list[Tensor], fusion: str = "logits") -> Tensor:
    """The fused map: the levels' maps, each resized bilinearly (half-pixel centres) to the finest grid, by `fuse`; [N, C, h_1, w_1]."""
    size = (int(cams[0].shape[-2]), int(cams[0].shape[-1]))
    return fuse(torch.stack([cam if cam.shape[-2:] == size else _resize(cam, size) for cam in cams], dim=1), fusion)
