"""The ablation's tables and what they say of the paper's two claims, as Markdown and JSON."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lanescope.ablation.figures import Cell, cells
from lanescope.ablation.plan import VARIANTS, Plan, Run
from lanescope.measure.resampling import interval
from lanescope.report import commit, machine, replace_section, table

PAPER = {"base": "74.83 / 52.74", "H": "74.43 / 53.59", "HR": "75.87 / 53.72", "CH": "76.28 / 54.59", "CHR": "77.20 / 55.11"}
"""The paper's mean AP with ResNet-34 on SIXray10 / 100 (Table 4)."""
ARMS = (*VARIANTS, "CHR, warm-up", "CHR, masks")
Grid = dict[tuple[str, int], list[Run]]
"""Runs by arm and ratio, a seed each."""


def write(folder: Path, plan: Plan, runs: list[Run], report: Path) -> None:
    """Rewrite the sections `ablation`, `levels` and `time` of the report, and `results/ablation.json` beside it."""
    grid: Grid = {}
    for run in sorted(runs, key=lambda r: r.seed):
        grid.setdefault((run.arm, run.ratio), []).append(run)
    ratios = sorted({ratio for _, ratio in grid})
    found = {key: cells(folder, plan, group, key[1]) for key, group in grid.items()}
    lines = [setting(plan, grid), "", main_table(found, ratios), "", *claims(folder, plan, grid, ratios)]
    replace_section(report, "ablation", "\n".join(lines))
    replace_section(report, "levels", levels_table(folder, plan, grid, ratios))
    times = json.loads((folder / "time.json").read_text()) if (folder / "time.json").exists() else []
    if times:
        replace_section(report, "time", time_table(times))
    record = {
        "plan": asdict(plan),
        "commit": commit(),
        "machine": machine(),
        "cells": [
            {
                "arm": arm,
                "ratio": ratio,
                **{k: as_dict(c) for k, c in cell.items()},
                "runs": [cost(folder, plan, one) for one in grid[arm, ratio]],
            }
            for (arm, ratio), cell in sorted(found.items())
        ],
        "time": times,
    }
    save_json(record, report.parent / "results" / "ablation.json")


def save_json(value: object, file: Path) -> None:
    """Write JSON with its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def as_dict(cell: Cell) -> dict[str, object]:
    """A cell for JSON, as fractions."""
    return {
        "value": round(cell.value, 5),
        "interval": [round(v, 5) for v in interval(cell.draws)],
        "seeds": [round(s, 5) for s in cell.seeds],
    }


def cost(folder: Path, plan: Plan, run: Run) -> dict[str, object]:
    """What a run took and where its loss ended."""
    with np.load(run.file(folder, plan)) as kept:
        loss, seconds = float(kept["loss"]), float(kept["seconds"])
        return {"seed": run.seed, "cpuSeconds": round(seconds, 1), "trainingLoss": None if np.isnan(loss) else round(loss, 5)}


def setting(plan: Plan, grid: Grid) -> str:
    """The conditions in one paragraph."""
    seeds = sorted({run.seed for group in grid.values() for run in group})
    full = Plan()
    start = "the Open Images backbone as it comes" if plan.backbone == "mobilenet_v2" else "one random backbone"
    stage = "its first stage (to stride 8) stays as it is" if plan.frozen else "every stage trains"
    shown = "; ".join(f"at {r} {round(plan.scans / (1 + r)):,} of them hold a threat" for r in sorted({r for _, r in grid}))
    words = f"""
    **{plan.scans:,} scans a variant** ({shown}), where the full budget is {full.scans:,}. {plan.positives:,} distinct positive scans to
    train on ({plan.positives // 5} a class), 10, 100 or 1000 times as many negatives (of {plan.pool:,} distinct ones at most, which
    come round again), {plan.size} px, `{plan.backbone}`, {plan.pooling} pooling, mean over the levels of {plan.fusion}, image labels
    only, the paper's loss (4.3). Every variant starts from {start}; {stage}, and all levels train together from the first step, each
    variant on the same scans in the same order. "Warm-up" drops no negative in the first {100 * plan.warm:.0f} % of the training. Test:
    {plan.test_positives} positives and {plan.test_negatives:,} negatives with objects that training never saw, the negatives weighted to
    the stated ratio. Seeds: {", ".join(map(str, seeds))} (a cell holds the mean of those that are there). Brackets: 95 % bootstrap over
    the test scans; the spread over seeds comes on top of it and stands beside it.
    """
    return " ".join(words.split())


def main_table(found: dict[tuple[str, int], dict[str, Cell]], ratios: list[int]) -> str:
    """A row an arm, its mean AP and pointing at each ratio."""
    header = ["variant", *(f"{what} at {r} (%)" for r in ratios for what in ("mAP", "pointing")), "paper's mAP, ResNet-34, 10 / 100"]
    rows = []
    for arm in ARMS:
        each = [found.get((arm, r)) for r in ratios]
        if any(each):
            figures = [text for cell in each for text in ((cell["ap"].text(), cell["pointing"].text()) if cell else ("not run", "not run"))]
            rows.append([f"`{arm}`", *figures, PAPER.get(arm, "")])
    return table(header, rows)


def paired(folder: Path, plan: Plan, grid: Grid, arm: str, ratio: int) -> tuple[Cell, Cell] | None:
    """Mean AP gained over `base`, and `base`, on the seeds that both have and the same redrawn test scans; None without a common seed."""
    theirs, bases = grid.get((arm, ratio), []), grid.get(("base", ratio), [])
    common = {r.seed for r in theirs} & {r.seed for r in bases}
    if not common:
        return None
    mine, base = (cells(folder, plan, [r for r in group if r.seed in common], ratio)["ap"] for group in (theirs, bases))
    return mine.minus(base), base


def claims(folder: Path, plan: Plan, grid: Grid, ratios: list[int]) -> list[str]:
    """The paper's two claims, each with a paired interval (the same test scans redrawn for both sides) and a plain verdict."""
    gains = {(arm, r): pair for arm in ARMS[1:] for r in ratios if (pair := paired(folder, plan, grid, arm, r))}
    if not gains:
        return ["Neither claim was tested: no variant stands beside `base` at this budget yet."]
    lines = ["Claim 1, CHR beats base:", ""]
    for arm in ("CHR", "CHR, warm-up"):
        for r in ratios:
            if (arm, r) in gains:
                gain = gains[arm, r][0]
                lines.append(f"- `{arm}` at {r}: mAP {gain.text()} points: {verdict(gain)}")
    lines += ["", "Step by step (mAP points gained over `base`, paired):", ""]
    for arm in ARMS[1:]:
        told = [f"{r}: {gains[arm, r][0].text()}" for r in ratios if (arm, r) in gains]
        if told:
            lines.append(f"- `{arm}` " + "; ".join(told))
    for arm in ("CHR", "CHR, warm-up"):
        steps = [r for r in ratios if (arm, r) in gains]
        if len(steps) < 2:
            continue
        lines += ["", f"Claim 2, the gain of `{arm}` grows with imbalance:", ""]
        for low, high in itertools.pairwise(steps):
            more = gains[arm, high][0].minus(gains[arm, low][0])
            lines.append(f"- gain at {high} less gain at {low}: {more.text()} points: {verdict(more)}")
        relative = [f"{100 * gains[arm, r][0].value / gains[arm, r][1].value:+.0f} % at {r}" for r in steps if gains[arm, r][1].value > 0]
        lines += ["", f"(relative to base: {', '.join(relative)}; the paper's ResNet-34: +3 % at 10, +4 % at 100, +16 % at 1000)"]
    return lines


def verdict(cell: Cell) -> str:
    """In words: an interval that leaves out zero, and seeds that agree, decide."""
    low, high = interval(cell.draws)
    agree = len({s > 0 for s in cell.seeds}) == 1
    once = " (one seed)" if len(cell.seeds) == 1 else ""
    if low > 0 and agree:
        return f"holds here{once}"
    if high < 0 and agree:
        return f"**does not hold here: the opposite is seen**{once}"
    return f"**not shown here** ({'the interval holds zero' if agree or low <= 0 <= high else 'the seeds disagree'}){once}"


def levels_table(folder: Path, plan: Plan, grid: Grid, ratios: list[int]) -> str:
    """What each level's own scores reach beside the prediction: whether a level drags the others down."""
    rows = []
    for arm in ARMS:
        if not any((arm, r) in grid for r in ratios):
            continue
        row = [f"`{arm}`"]
        for r in ratios:
            runs = grid.get((arm, r))
            if not runs:
                row += ["not run"] * 4
                continue
            own = [cells(folder, plan, runs, r, level)["ap"].text() for level in (range(1) if arm == "base" else range(3))]
            row += [*([""] * (3 - len(own))), *own, cells(folder, plan, runs, r)["ap"].text()]
        rows.append(row)
    header = ["variant"] + [f"{what} at {r}" for r in ratios for what in ("finest", "middle", "deepest", "all")]
    return table(header, rows)


def time_table(times: list[dict]) -> str:
    """Milliseconds a scan and their ratio."""
    rows = [
        [
            t["backbone"],
            str(t["size"]),
            t["refine"],
            f"{t['base_ms']:.1f}",
            f"{t['chr_ms']:.1f}",
            f"{t['ratio']:.3f} [{t['interval'][0]:.3f}, {t['interval'][1]:.3f}]",
        ]
        for t in times
    ]
    return table(["backbone", "px", "widths of refinement", "backbone alone (ms)", "with CHR (ms)", "ratio"], rows)
