"""The class-balanced hierarchical loss (SIXray section 4.3), soft-max mode (5.5) and mask supervision."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

BALANCES = ("none", "hierarchical", "shifted", "independent")

@dataclass(frozen=True)
class LossConfig:
    """How a batch is turned into one number."""

    balance: str = "hierarchical"
    """Which negatives count; positives always do.

    - "none": all of them;
    - "hierarchical" (the paper, 4.3): at the top level those that are hard there, at a lower level those that are hard there *and* at every
      higher one;
    - "shifted": the top level counts all, a lower one those that are hard at every higher one, its own judgement not asked (this project's
      first networks);
    - "independent": each level by itself (the released code).
    """
    epsilon: float = 0.1
    """A negative is easy when its predicted probability is below this."""
    literal: bool = False
    """The paper's words taken literally: negatives count only where the prediction is *smaller* than epsilon."""
    balance_from: float = 0.0
    """Share of the run from which on easy negatives are dropped. Before, all levels train together on all labels: a level that has not
    learned yet calls nearly everything easy (its first predictions are near the prior), and would stop every level below it."""
    masks_from: float = 0.0
    """Share of the run from which on maps are held to masks as well; before, image labels alone."""
    single_label: bool = False
    """Soft-max over the classes, weights off (5.5)."""
    mask_weight: float = 0.0
    """Weight of the focal loss of each level's map against the threat's mask; 0 is the paper's image-label supervision."""

    def __post_init__(self) -> None:
        if self.balance not in BALANCES:
            raise ValueError(f"balance must be one of {', '.join(BALANCES)}, not {self.balance!r}")

    def at(self, progress: float) -> LossConfig:
        """The loss at a share of the run (0 to 1): warm-ups that are not over yet are applied."""
        balance = self.balance if progress >= self.balance_from else "none"
        return replace(self, balance=balance, mask_weight=self.mask_weight if progress >= self.masks_from else 0.0)


def level_weights(logits: Tensor, labels: Tensor, config: LossConfig) -> Tensor:
    """w(l), top down.

    Args:
        logits: [N, L, C], finest level first.
        labels: [N, C], 1 present, 0 absent, -1 unknown.

    Returns:
        float [N, L, C] of 0 and 1, by `LossConfig.balance`. Positives always count, unknown labels never.
    """
    known = (labels >= 0).to(logits.dtype)[:, None].expand_as(logits)
    if config.balance == "none" or config.single_label:
        return known
    with torch.no_grad():
        probability = torch.sigmoid(logits)
        hard = probability < config.epsilon if config.literal else probability >= config.epsilon
        keep = (hard | (labels > 0)[:, None]).to(logits.dtype)
        if config.balance != "independent":
            # From the top (last) down: what is off at a level stays off below.
            keep = keep.flip(1).cumprod(dim=1).flip(1)
        if config.balance == "shifted":
            keep = torch.cat([keep[:, 1:], torch.ones_like(keep[:, :1])], dim=1)
        return known * keep


def hierarchical_loss(logits: Tensor, labels: Tensor, config: LossConfig) -> Tensor:
    """Binary cross-entropy over images, levels and classes, each weighted by w(l).

    Args:
        logits: [N, L, C].
        labels: [N, C], 1 / 0 / -1 (unknown: masked); in single-label mode a row has one 1, or none and is masked.

    Returns:
        a scalar: the sum of the weighted terms over the number of known labels a level, summed over levels and divided by L. Dividing by
        *known* and not by *kept* labels means that dropped negatives weigh nothing, rather than lifting the others.
    """
    levels = logits.shape[1]
    if config.single_label:
        target = torch.where((labels > 0).any(dim=1), labels.argmax(dim=1), torch.full_like(labels[:, 0], -100))
        terms = F.cross_entropy(logits.flatten(0, 1), target.repeat_interleave(levels), ignore_index=-100, reduction="sum")
        return terms / ((target >= 0).sum().clamp(min=1) * levels)
    weights = level_weights(logits, labels, config)
    target = labels.clamp(min=0).to(logits.dtype)[:, None].expand_as(logits)
    terms = F.binary_cross_entropy_with_logits(logits, target, weight=weights, reduction="sum")
    known = (labels >= 0).sum().clamp(min=1)
    return terms / (known * levels)


def mask_targets(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks at a map's resolution.

    Args:
        masks: float [N, C, H, W], 1 on the threat, 0 where there is none, -1 unknown. Unknown goes cell by cell: a class that was never
            annotated is -1 everywhere, one of several of which one was boxed is -1 outside the box.
        size: the map's height and width.

    Returns:
        [N, C, h, w]: 1 where a tenth of the cell (or the best-covered cell of the image) is threat; else -1 where any of the cell is threat
        or unknown; else 0.
    """
    covered = F.adaptive_avg_pool2d(masks.clamp(min=0), size)
    unknown = F.adaptive_max_pool2d((masks < 0).to(masks.dtype), size) > 0
    best = covered.amax(dim=(2, 3), keepdim=True)
    target = torch.where((covered > 0) | unknown, -torch.ones_like(covered), torch.zeros_like(covered))
    target[(covered >= 0.1) | ((covered == best) & (best > 0))] = 1
    return target


def focal_map_loss(cams: list[Tensor], masks: Tensor, gamma: float = 2.0, alpha: float = 0.5) -> Tensor:
    """Focal loss (Lin et al., ICCV 2017) of each level's map against the masks, mean over levels.

    Args:
        cams: a list of [N, C, h_l, w_l].
        masks: float [N, C, H, W], 1 / 0 / -1 (see `mask_targets`).

    Returns:
        a scalar: each level's sum over its number of threat cells (at least 1), averaged over levels.
    """
    total = masks.new_zeros(())
    for cam in cams:
        target = mask_targets(masks, (int(cam.shape[-2]), int(cam.shape[-1])))
        positive = target.clamp(min=0)
        cells = sigmoid_focal_loss(cam.float(), positive, alpha=alpha, gamma=gamma, reduction="none")
        total = total + (cells * (target >= 0)).sum() / positive.sum().clamp(min=1)
    return total / len(cams)


def chr_loss(outputs: dict[str, Tensor | list[Tensor]], labels: Tensor, masks: Tensor | None, config: LossConfig) -> dict[str, Tensor]:
    """All terms for a batch.

    Args:
        outputs: what `Chr.forward` returns.
        labels: [N, C].
        masks: [N, C, H, W] or None.

    Returns:
        "loss" (to back-propagate), "labels" and, with masks, "masks".
    """
    logits, cams = outputs["logits"], outputs["cams"]
    assert isinstance(logits, Tensor) and isinstance(cams, list)
    terms = {"labels": hierarchical_loss(logits, labels, config)}
    loss = terms["labels"]
    if config.mask_weight > 0 and masks is not None:
        terms["masks"] = focal_map_loss(cams, masks)
        loss = loss + config.mask_weight * terms["masks"]
    return {"loss": loss, **terms}
