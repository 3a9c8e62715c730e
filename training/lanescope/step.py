"""One step of training, the same for the shipped network and for the paper's ablation: forward, loss, backward, clip, update, average."""

from __future__ import annotations

import contextlib
import copy
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lanescope.loss import LossConfig, chr_loss
from lanescope.network import Chr

CLIP = 5.0
"""Longest gradient, in the norm over all weights."""


class Ema:
    """Exponential moving average of weights and statistics, debiased early on."""

    def __init__(self, network: Chr, decay: float) -> None:
        self.decay, self.count = decay, 0
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    def update(self, network: nn.Module) -> None:
        """Fold the current weights in."""
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        with torch.no_grad():
            for mine, theirs in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs.to(mine.dtype), 1 - decay)
                else:
                    mine.copy_(theirs)


def learning_rate(progress: float, warmup: float) -> float:
    """Factor on the peak rate: linear warm-up, then cosine to 1 %."""
    if progress < warmup:
        return max(0.02, progress / warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


def optimizer_for(network: Chr, rate: float, backbone_factor: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW in two groups: the backbone's weights that are not frozen, at `backbone_factor` of the rate, and the heads'."""
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    heads = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    groups = [{"params": backbone, "factor": backbone_factor}, {"params": heads, "factor": 1.0}]
    optimizer: torch.optim.Optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=weight_decay)
    return optimizer


def mixed_precision(device: str) -> bool:
    """Whether bf16 is faster than fp32 there: always on CUDA; on a CPU with AVX-512's bf16 and torch 2 (1.13's convolutions are slower)."""
    if device.startswith("cuda"):
        return True
    if int(torch.__version__.split(".")[0]) < 2 or not Path("/proc/cpuinfo").exists():
        return False
    return "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")


@dataclass
class Step:
    """Everything that a step needs beside its batch."""

    network: Chr
    optimizer: torch.optim.Optimizer
    loss: LossConfig
    ema: Ema
    rate: float
    """Peak learning rate."""
    warmup: float
    """Share of the run in which the rate rises."""
    device: str = "cpu"
    mixed: bool = False
    model: nn.Module | None = None
    """What is called instead of `network`: the same weights in a wrapper that agrees gradients between processes."""

    def __call__(self, scans: Tensor, labels: Tensor, masks: Tensor | None, progress: float) -> dict[str, Tensor]:
        """Train on one batch.

        Args:
            scans: float32 [N, 3, S, S] (or what the network's first stage that trains takes).
            labels: int64 [N, C], 1 / 0 / -1.
            masks: float32 [N, C, S/4, S/4] or None.
            progress: share of the run, 0 to 1: decides the learning rate and which of the loss's warm-ups are over.

        Returns:
            the loss and its terms (`chr_loss`).
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * group["factor"] * learning_rate(progress, self.warmup)
        scans = scans.to(self.device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        # Not autocast(enabled=False): torch 1.13 without CUDA fails even to ask.
        kind = "cuda" if self.device.startswith("cuda") else "cpu"
        with torch.autocast(kind, torch.bfloat16) if self.mixed else contextlib.nullcontext():
            outputs = (self.model or self.network)(scans)
        masks = None if masks is None else masks.to(self.device)
        terms = chr_loss(outputs, labels.to(self.device), masks, self.loss.at(progress))
        self.optimizer.zero_grad(set_to_none=True)
        terms["loss"].backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimizer.step()
        self.ema.update(self.network)
        return terms
