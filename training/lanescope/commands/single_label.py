"""Train refinement in single-label mode (5.5) and its base on scikit-learn's digits, and write the section of docs/RESULTS.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--report", type=Path, default=REPOSITORY / "docs" / "RESULTS.md")


def run(args: argparse.Namespace) -> int:
    import numpy as np
    import torch

    from lanescope.report import replace_section, table
    from lanescope.single_label import Outcome, Plan, compare, digits
    from lanescope.single_label import run as train

    torch.set_num_threads(1)
    plan = Plan(epochs=args.epochs)
    data = digits(plan.size)
    outcomes: dict[str, list[Outcome]] = {"base": [], "CHR": []}
    for seed in args.seeds:
        for variant, done in outcomes.items():
            done.append(train(variant, seed, plan, data))
            print(f"{variant} seed {seed}: {done[-1].right.mean():.4f} right", file=sys.stderr, flush=True)
    found = compare(outcomes)
    rows = []
    for name, (value, low, high) in found.items():
        runs = outcomes.get(name, [])
        each = ", ".join(f"{100 * o.right.mean():.1f}" for o in runs)
        levels = " / ".join(f"{100 * v:.1f}" for v in np.mean([o.levels for o in runs], axis=0)) if runs else ""
        rows.append([name, f"{100 * value:.2f} [{100 * low:.2f}, {100 * high:.2f}]", each, levels])
    tested = len(outcomes["base"][0].right)
    head = (
        f"`{plan.backbone}` at {plan.size} px from random weights, {plan.epochs} epochs of {len(data[0]) - tested:,} digits, soft-max over "
        f"ten classes, no weights (5.5); accuracy on {tested} digits of other writers, mean of seeds {', '.join(map(str, args.seeds))}, "
        "brackets 95 % bootstrap over digits."
    )
    figures = table(["variant", "accuracy (%)", "by seed", "levels alone, finest first"], rows)
    replace_section(args.report, "single-label", f"{head}\n\n{figures}")
    return 0
