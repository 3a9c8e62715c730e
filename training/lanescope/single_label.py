"""Single-label mode (5.5): refinement under a soft-max, its weights off, against its base, on digits that scikit-learn ships.

The paper shows on ILSVRC2012 that refinement helps ordinary classification too. What is shown here is that the mode works and which way it
goes on 1,797 hand-written digits of 8 x 8 (UCI optdigits' test part, which scikit-learn ships), not how far on a million photographs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lanescope.loss import LossConfig
from lanescope.measure.resampling import bootstrap, interval
from lanescope.network import Chr, NetworkConfig, fuse_single
from lanescope.step import Ema, Step, optimizer_for

CLASSES = 10
TRAIN = 1_347
"""Digits are listed writer by writer: the first three quarters train, other writers' test."""


@dataclass(frozen=True)
class Plan:
    """All that decides the figures, with the seeds."""

    size: int = 32
    backbone: str = "small_cnn"
    epochs: int = 12
    batch: int = 32
    rate: float = 2e-3


@dataclass(frozen=True)
class Outcome:
    """What one training said of the test digits."""

    right: np.ndarray
    """bool [N]: the prediction, the mean of the levels' soft-max."""
    levels: np.ndarray
    """float [L]: accuracy of each level alone, finest first."""


def digits(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Scikit-learn's digits as scans: float32 [N, 3, size, size] in [-1, 1], bilinear, and labels int64 [N, 10] with one 1 a row."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy(bunch.images.astype(np.float32) / 8 - 1)[:, None].expand(-1, 3, -1, -1)
    scans = torch.nn.functional.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    labels = torch.nn.functional.one_hot(torch.from_numpy(bunch.target.astype(np.int64)), CLASSES)
    return scans.contiguous(), labels


def run(variant: str, seed: int, plan: Plan, data: tuple[torch.Tensor, torch.Tensor] | None = None) -> Outcome:
    """Train `variant` once from random weights and ask it for the test digits; the same scans in the same order for every variant."""
    scans, labels = digits(plan.size) if data is None else data
    torch.manual_seed(seed)
    network = Chr(NetworkConfig(plan.backbone, variant, 3, classes=CLASSES)).train()
    loss = LossConfig(single_label=True)
    step = Step(network, optimizer_for(network, plan.rate, 1.0, 0.02), loss, Ema(network, 0.98), plan.rate, 0.1)
    rng = np.random.default_rng(seed)
    steps = TRAIN // plan.batch
    for epoch in range(plan.epochs):
        order = torch.from_numpy(rng.permutation(TRAIN))
        for number in range(steps):
            rows = order[number * plan.batch : (number + 1) * plan.batch]
            step(scans[rows], labels[rows], None, (epoch * steps + number) / (plan.epochs * steps))
    with torch.no_grad():
        logits = torch.cat([step.ema.network(scans[i : i + 100])["logits"] for i in range(TRAIN, len(scans), 100)])
    truth = labels[TRAIN:].argmax(dim=1)
    levels = (logits.argmax(dim=2) == truth[:, None]).double().mean(dim=0).numpy()
    return Outcome((fuse_single(logits).argmax(dim=1) == truth).numpy(), levels)


def compare(outcomes: dict[str, list[Outcome]], replicates: int = 2000) -> dict[str, tuple[float, float, float]]:
    """Accuracy a variant (mean over its seeds) and the second less the first, with 95 % bootstrap over test digits, paired."""
    right = {name: np.mean([o.right for o in runs], axis=0) for name, runs in outcomes.items()}
    first, second = right
    right = {**right, f"{second} less {first}": right[second] - right[first]}
    found = {}
    for name, each in right.items():
        draws = bootstrap(lambda w, each=each: (w @ each) / w.sum(axis=1), np.arange(len(each)), len(each), replicates)  # type: ignore[misc]
        found[name] = (float(each.mean()), *interval(draws))
    return found
