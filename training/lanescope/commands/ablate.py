"""Train base, H, HR, CH and CHR on simulated SIXray at 10 and 100 negatives a positive, and write the tables of docs/RESULTS.md."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BUDGET = ("scans", "pool", "positives", "test_positives", "test_negatives", "frozen")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from lanescope.ablation.plan import VARIANTS

    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".cache" / "ablation", help="simulated scans and kept runs (resumes)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--ratios", type=int, nargs="+", default=[10, 100], help="negatives a positive in training")
    parser.add_argument("--variants", nargs="*", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--warm", action="store_true", help="also CHR that drops no negative before a share of the training")
    parser.add_argument("--masks", action="store_true", help="also CHR supervised by masks as well as image labels")
    parser.add_argument("--scans", type=int, help="scans that each variant sees (default: the full budget, 100,000)")
    parser.add_argument("--pool", type=int, help="distinct negative training scans at most")
    parser.add_argument("--positives", type=int, help="distinct positive training scans")
    parser.add_argument("--test-positives", type=int)
    parser.add_argument("--test-negatives", type=int)
    parser.add_argument("--frozen", type=int, choices=[0, 1], help="1 (default): the first stage stays as the start left it; 0: it trains")
    parser.add_argument("--time", type=int, default=60, metavar="N", help="repetitions of the timing; 0 leaves it out")
    parser.add_argument("--report-only", action="store_true", help="make the tables of the runs that are there, train none")
    parser.add_argument("--no-report", action="store_true", help="train only: the table is made by a later call")
    parser.add_argument("--report", type=Path, default=REPOSITORY / "docs" / "RESULTS.md")


def run(args: argparse.Namespace) -> int:
    import torch

    from lanescope.ablation.data import prepare_data
    from lanescope.ablation.plan import Plan, Run
    from lanescope.ablation.report import save_json, write
    from lanescope.ablation.runs import do_run
    from lanescope.ablation.timing import CONFIGURATIONS, time_ratio

    torch.set_num_threads(1)
    plan = replace(Plan(), **{name: getattr(args, name) for name in BUDGET if getattr(args, name) is not None})
    kept = args.folder / f"scans-{plan.scans}" / "plan.json"
    if kept.exists() and json.loads(kept.read_text()) != asdict(plan):
        print(f"ablate: {kept.parent} holds runs of another plan; choose another --folder", file=sys.stderr)
        return 1
    save_json(asdict(plan), kept)

    def log(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    arms = [{"variant": v} for v in args.variants]
    arms += [{"variant": "CHR", "warm": True}] if args.warm else []
    arms += [{"variant": "CHR", "masks": True}] if args.masks else []
    # one seed in full before the next: a table with fewer seeds is worth more than half a table
    runs = [Run(ratio=ratio, seed=seed, **arm) for seed in args.seeds for ratio in args.ratios for arm in arms]
    if not args.report_only:
        for one in runs:
            if not one.file(args.folder, plan).exists():
                prepare_data(args.folder, plan, one.ratio, log)
                do_run(args.folder, plan, one, log)
        if args.time and not (args.folder / "time.json").exists():
            times = [time_ratio(size, config, args.time, args.folder) for _, size, config in CONFIGURATIONS]
            save_json(times, args.folder / "time.json")
    if args.no_report:
        return 0
    done = [r for r in runs if r.file(args.folder, plan).exists()]
    if not done:
        print("ablate: no run is there yet", file=sys.stderr)
        return 1
    write(args.folder, plan, done, args.report)
    return 0
