"""Ask of training samples what needs no network: how well height, aspect, brightness or share alone tell each class (0.5: not at all)."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=200, help="steps of 16 samples to draw (default 200)")
    parser.add_argument("--data", type=Path, default=None, help="real scans (default: ../shared/data beside the checkout)")
    parser.add_argument("--cache", type=Path, default=Path(".cache"))


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from lanescope.data.bank import load_bank
    from lanescope.data.batches import Recipe, make_samples
    from lanescope.data.splits import SHARED
    from lanescope.measure.ranking import roc_auc
    from lanescope.patch import CLASSES
    from lanescope.protocols import trivial_cues

    bank = load_bank("train", args.cache, args.data or SHARED)
    samples = [s for step in range(args.steps) for s in make_samples(bank, Recipe(size=160), 5, step, 0.7)]
    labels = np.stack([s.labels for s in samples])
    cues = trivial_cues(np.stack([s.pixels for s in samples]))
    print("| class | present | absent | " + " | ".join(cues) + " |")
    print("|---" * (3 + len(cues)) + "|")
    for c, name in enumerate(CLASSES):
        known = labels[:, c] >= 0
        y = labels[known, c]
        found = [roc_auc(values[known], y) for values in cues.values()]
        print(f"| {name} | {int((y == 1).sum())} | {int((y == 0).sum())} | " + " | ".join(f"{max(a, 1 - a):.3f}" for a in found) + " |")
    return 0
