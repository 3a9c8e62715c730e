"""The class-balanced hierarchical loss (SIXray section 4.3), soft-max mode (5.5) and mask supervision."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class LossConfig:
    """How a batch is turned into one number."""

    balance: str = "hierarchical"
    """"none"; "hierarchical": a class switched off at a level stays off below; "independent": each level by itself (released code)."""
    epsilon: float = 0.1
    """A negative is easy when its predicted probability is below this."""
    literal: bool = False
    """The paper's words taken literally: negatives are kept only where the prediction is *smaller* than epsilon."""
    single_label: bool = False
    """Soft-max over the classes, weights off (5.5)."""
    mask_weight: float = 0.0
    """Weight of the focal loss of each level's map against the threat's mask; 0 is the paper's image-label supervision."""


def level_weights(logits: Tensor, labels: Tensor, config: LossConfig) -> Tensor:
    """w(l), top down.

    Args:
        logits: [N, L, C], finest level first.
        labels: [N, C], 1 present, 0 absent, -1 unknown.

    Returns:
        float [N, L, C] of 0 and 1. Positives always count, unknown labels never. Hierarchical: the top level counts
        everything, level l drops the negatives that were easy at level l + 1, and what is off stays off below.
    """
    known = (labels >= 0).to(logits.dtype)[:, None].expand_as(logits).clone()
    if config.balance == "none" or config.single_label:
        return known
    with torch.no_grad():
        probability = torch.sigmoid(logits)
        hard = probability < config.epsilon if config.literal else probability >= config.epsilon
        keep = (hard | (labels > 0)[:, None]).to(logits.dtype)
        if config.balance == "independent":
            return known * keep
        weights = known
        for level in range(logits.shape[1] - 2, -1, -1):
            weights[:, level] = weights[:, level + 1] * keep[:, level + 1]
        return weights


def hierarchical_loss(logits: Tensor, labels: Tensor, config: LossConfig) -> Tensor:
    """Binary cross-entropy over images, levels and classes, each weighted by w(l).

    Args:
        logits: [N, L, C].
        labels: [N, C], 1 / 0 / -1 (unknown); in single-label mode each row has exactly one 1.

    Returns:
        a scalar: the sum of the weighted terms over the number of known labels a level, summed over levels and divided by L. Dividing by
        *known* and not by *kept* labels means that dropped negatives weigh nothing, rather than lifting the others.
    """
    levels = logits.shape[1]
    if config.single_label:
        target = labels.argmax(dim=1)
        return F.cross_entropy(logits.flatten(0, 1), target.repeat_interleave(levels))
    weights = level_weights(logits, labels, config)
    target = labels.clamp(min=0).to(logits.dtype)[:, None].expand_as(logits)
    terms = F.binary_cross_entropy_with_logits(logits, target, weight=weights, reduction="sum")
    known = (labels >= 0).sum().clamp(min=1)
    return terms / (known * levels)


def mask_targets(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks at a map's resolution.

    Args:
        masks: float [N, C, H, W], 1 on the threat, 0 elsewhere, -1 unknown (the whole plane of an unlabelled class).
        size: the map's height and width.

    Returns:
        [N, C, h, w]: 1 where a tenth of the cell (or the best-covered cell of the image) is threat, -1 where less, or unknown, else 0.
    """
    covered = F.adaptive_avg_pool2d(masks.clamp(min=0), size)
    best = covered.amax(dim=(2, 3), keepdim=True)
    target = torch.where(covered > 0, -torch.ones_like(covered), torch.zeros_like(covered))
    target[(covered >= 0.1) | ((covered == best) & (best > 0))] = 1
    unknown = (masks < 0).flatten(2).any(dim=2)[:, :, None, None]
    return torch.where(unknown, -torch.ones_like(target), target)


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
        known = (target >= 0).float()
        positive = target.clamp(min=0)
        map_ = cam.float()
        cross = F.binary_cross_entropy_with_logits(map_, positive, reduction="none")
        missed = torch.where(positive > 0, 1 - torch.sigmoid(map_), torch.sigmoid(map_))
        weight = torch.where(positive > 0, torch.full_like(map_, alpha), torch.full_like(map_, 1 - alpha))
        total = total + (known * weight * missed**gamma * cross).sum() / positive.sum().clamp(min=1)
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
