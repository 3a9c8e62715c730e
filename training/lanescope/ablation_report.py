"""The ablation's tables and what they say of the paper's two claims, as Markdown and JSON."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lanescope.benchmark import START, VARIANTS, Cell, Plan, Run, cells, save_json
from lanescope.metrics import interval
from lanescope.report import commit, machine, replace_section, table

PAPER = {"base": "74.83 / 52.74", "H": "74.43 / 53.59", "HR": "75.87 / 53.72", "CH": "76.28 / 54.59", "CHR": "77.20 / 55.11"}
"""The paper's mean AP with ResNet-34 on SIXray10 / 100 (Table 4)."""


def write(folder: Path, plan: Plan, runs: list[Run], report: Path, suffix: str = "") -> None:
    """Rewrite the sections `ablation`, `supervision` and `time` of the report, and `results/ablation.json` beside it.

    suffix: for another budget's sections and file, e.g. "-long".
    """
    ratios = sorted({r.ratio for r in runs})
    grid: dict[tuple[str, int, bool], list[Run]] = {}
    for r in (r for r in runs if not r.late):
        grid.setdefault((r.variant, r.ratio, r.masks), []).append(r)
    late = {ratio: [r for r in runs if r.late and r.ratio == ratio] for ratio in ratios}
    found = {key: cells(folder, plan, group, key[1]) for key, group in grid.items()}
    hardest = max(ratios)
    # what was trained at the highest ratio, asked at 1,000 negatives a positive
    thousand = {
        v: cells(folder, plan, grid[v, hardest, False], 1000)["ap"] for v in VARIANTS if (v, hardest, False) in grid and hardest < 1000
    }
    seeds = sorted({r.seed for r in runs})
    lines = [setting(plan, seeds), "", main_table(found, thousand, ratios, hardest), "", *claims(found, ratios)]
    replace_section(report, f"ablation{suffix}", "\n".join(lines))
    replace_section(report, f"levels{suffix}", levels_table(folder, plan, grid, late, ratios))
    supervision = supervision_table(found, ratios)
    if supervision:
        replace_section(report, f"supervision{suffix}", supervision)
    times = json.loads((folder / "time.json").read_text()) if (folder / "time.json").exists() else []
    if times:
        replace_section(report, "time", time_table(times))
    record = {
        "plan": asdict(plan),
        "seeds": seeds,
        "commit": commit(),
        "machine": machine(),
        "cells": [
            {
                "variant": v,
                "ratio": r,
                "masks": m,
                **{k: as_dict(c) for k, c in cell.items()},
                "runs": [cost(folder, plan, one) for one in grid[v, r, m]],
            }
            for (v, r, m), cell in sorted(found.items())
        ],
        "at1000": {v: as_dict(c) for v, c in thousand.items()},
        "time": times,
    }
    save_json(record, report.parent / "results" / f"ablation{suffix}.json")


def as_dict(cell: Cell) -> dict[str, object]:
    return {
        "value": round(cell.value, 5),
        "interval": [round(v, 5) for v in interval(cell.draws)],
        "seeds": [round(s, 5) for s in cell.seeds],
    }


def cost(folder: Path, plan: Plan, run: Run) -> dict[str, object]:
    with np.load(run.file(folder, plan)) as kept:
        loss = float(kept["loss"])
        return {
            "seed": run.seed,
            "cpuSeconds": round(float(kept["seconds"]), 1),
            "trainingLoss": None if np.isnan(loss) else round(loss, 5),
        }


def setting(plan: Plan, seeds: list[int]) -> str:
    """The conditions in one paragraph."""
    words = f"""
    {plan.positives:,} positive training scans ({plan.positives // 5} a class) and 10, 100 or 1000 times as many negatives (of {plan.pool:,}
    distinct ones at most, which come round again), {plan.size} px, `{plan.backbone}`, {plan.pooling} pooling, image labels only. Every
    variant of a seed starts from the same `base` network (from Open Images weights through {plan.start_scans:,} scans of the balanced
    part); its first stage then stays as it is, and each variant sees {plan.scans:,} scans of its set in the same order. Test:
    {plan.test_positives} positives and {plan.test_negatives:,} negatives with objects that training never saw, the negatives weighted to
    the stated ratio. Seeds: {", ".join(map(str, seeds))} (one start and one training each; the cells hold their mean). Brackets: 95 %
    bootstrap over the test scans; the spread over seeds comes on top of it and stands beside it.
    """
    return " ".join(words.split())


def main_table(found: dict, thousand: dict[str, Cell], ratios: list[int], hardest: int) -> str:
    header = ["variant"]
    for r in ratios:
        header += [f"mAP at {r} %", f"pointing at {r} %"]
    header = [h.replace(" %", "") + " (%)" for h in header[1:]]
    header = ["variant", *header]
    if thousand:
        header.append(f"mAP at 1000, trained at {hardest} (%)")
    header.append("paper's mAP, ResNet-34, 10 / 100")
    rows = []
    for v in (START, *VARIANTS):
        row = ["the common start, not trained further" if v == START else f"`{v}`"]
        for r in ratios:
            cell = found.get((v, r, False))
            row += [cell["ap"].text(), cell["pointing"].text()] if cell else ["not run", "not run"]
        if thousand:
            row.append(thousand[v].text() if v in thousand else "")
        rows.append([*row, PAPER.get(v, "")])
    return table(header, rows)


def claims(found: dict, ratios: list[int]) -> list[str]:
    """The paper's two claims, each with a paired interval (the same test scans redrawn for both sides) and a plain verdict."""
    gains = {
        r: found["CHR", r, False]["ap"].minus(found["base", r, False]["ap"])
        for r in ratios
        if {("CHR", r, False), ("base", r, False)} <= found.keys()
    }
    lines = ["Claim 1, CHR beats base:", ""]
    for r, gain in gains.items():
        lines.append(f"- at {r}: mAP {gain.text()} points: {verdict(gain)}")
    lines += ["", "Step by step (mAP points gained over `base`, paired):", ""]
    for v in VARIANTS[1:]:
        parts = [
            f"{r}: {found[v, r, False]['ap'].minus(found['base', r, False]['ap']).text()}"
            for r in ratios
            if (v, r, False) in found and ("base", r, False) in found
        ]
        if parts:
            lines.append(f"- `{v}` " + "; ".join(parts))
    steps = sorted(gains)
    if len(steps) >= 2:
        lines += ["", "Claim 2, the gain grows with imbalance:", ""]
        for low, high in itertools.pairwise(steps):
            more = gains[high].minus(gains[low])
            lines.append(f"- gain at {high} less gain at {low}: {more.text()} points: {verdict(more)}")
        relative = {r: gains[r].value / found["base", r, False]["ap"].value for r in steps}
        lines += [
            "",
            "(relative to base: " + ", ".join(f"{100 * v:+.0f} % at {r}" for r, v in relative.items()) + "; "
            "the paper's ResNet-34: +3 % at 10, +4 % at 100, +16 % at 1000)",
        ]
    return lines


def verdict(cell: Cell) -> str:
    low, high = interval(cell.draws)
    if low > 0:
        return "holds here"
    if high < 0:
        return "**does not hold here: the opposite is seen**"
    return "**not shown here** (the interval holds zero)"


def levels_table(
    folder: Path, plan: Plan, grid: dict[tuple[str, int, bool], list[Run]], late: dict[int, list[Run]], ratios: list[int]
) -> str:
    """What each level's own scores reach beside their mean: whether heads that start from nothing drag a trained one down."""
    rows = []
    for v in (*VARIANTS, *(["late"] if any(late.values()) else [])):
        row = ["`CHR`, easy negatives dropped from the middle of the training on" if v == "late" else f"`{v}`"]
        for r in ratios:
            runs = late[r] if v == "late" else grid.get((v, r, False))
            if not runs:
                row += ["not run"] * 4
                continue
            levels = range(1) if v == "base" else range(3)
            own = [cells(folder, plan, runs, r, level)["ap"].text() for level in levels]
            row += [*([""] * (3 - len(own))), *own, cells(folder, plan, runs, r)["ap"].text()]
        rows.append(row)
    header = ["variant"] + [f"{what} at {r}" for r in ratios for what in ("finest", "middle", "deepest", "mean")]
    return table(header, rows)


def supervision_table(found: dict, ratios: list[int]) -> str | None:
    rows = []
    for r in ratios:
        if ("CHR", r, True) not in found or ("CHR", r, False) not in found:
            continue
        for masks in (False, True):
            cell = found["CHR", r, masks]
            rows.append(
                [
                    "masks and image labels" if masks else "image labels only (the paper's)",
                    str(r),
                    cell["ap"].text(),
                    cell["pointing"].text(),
                ]
            )
        gain = found["CHR", r, True]["ap"].minus(found["CHR", r, False]["ap"])
        aim = found["CHR", r, True]["pointing"].minus(found["CHR", r, False]["pointing"])
        rows.append(["difference, paired", str(r), gain.text(), aim.text()])
    return table(["CHR supervised with", "negatives a positive", "mAP (%)", "pointing (%)"], rows) if rows else None


def time_table(times: list[dict]) -> str:
    rows = [
        [
            t["backbone"],
            str(t["size"]),
            f"{t['base_ms']:.1f}",
            f"{t['chr_ms']:.1f}",
            f"{t['ratio']:.3f} [{t['interval'][0]:.3f}, {t['interval'][1]:.3f}]",
        ]
        for t in times
    ]
    return table(["backbone", "px", "backbone alone (ms)", "with CHR (ms)", "ratio"], rows)
