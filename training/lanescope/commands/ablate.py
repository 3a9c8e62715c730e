"""Train base, H, HR, CH and CHR on simulated SIXray at 10 and 100 negatives a positive, and write the table of docs/RESULTS.md."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".cache" / "ablation", help="simulated scans and kept runs (resumes)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--ratios", type=int, nargs="+", default=[10, 100], help="negatives a positive in training")
    parser.add_argument(
        "--scans", type=int, help="scans that each variant sees (default: the plan's); another budget gets sections of its own"
    )
    parser.add_argument("--variants", nargs="+", default=["base", "H", "HR", "CH", "CHR"], choices=["base", "H", "HR", "CH", "CHR"])
    parser.add_argument("--no-masks", action="store_true", help="leave out the comparison of mask and image-label supervision")
    parser.add_argument("--late", action="store_true", help="also CHR that drops easy negatives in the second half only")
    parser.add_argument("--time", type=int, default=60, metavar="N", help="repetitions of the timing; 0 leaves it out")
    parser.add_argument("--report-only", action="store_true", help="make the table of the runs that are there, train none")
    parser.add_argument("--report", type=Path, default=REPOSITORY / "docs" / "RESULTS.md")


def run(args: argparse.Namespace) -> int:
    import torch

    from lanescope.benchmark import START, Plan, Run, do_run, prepare_data, save_json, time_ratio

    torch.set_num_threads(1)
    plan = replace(Plan(), scans=args.scans or Plan().scans)
    suffix = "" if plan == Plan() else f"-{plan.scans}"
    kept = args.folder / f"scans-{plan.scans}" / "plan.json"
    if kept.exists() and json.loads(kept.read_text()) != asdict(plan):
        print(f"ablate: {args.folder} holds runs of another plan; choose another --folder", file=sys.stderr)
        return 1
    save_json(asdict(plan), kept)

    def log(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    runs = [Run(v, ratio, seed) for ratio in args.ratios for seed in args.seeds for v in (START, *args.variants)]
    if not args.no_masks:
        runs += [Run("CHR", ratio, seed, masks=True) for ratio in args.ratios for seed in args.seeds]
    if args.late:
        runs += [Run("CHR", ratio, seed, late=True) for ratio in args.ratios for seed in args.seeds]
    # one seed in full before the next: a table with fewer seeds is worth more than half a table
    runs.sort(key=lambda r: (r.seed, r.ratio, r.masks, r.late))
    if not args.report_only:
        for one in runs:
            if not one.file(args.folder, plan).exists():
                prepare_data(args.folder, plan, one.ratio, log)
                do_run(args.folder, plan, one, log)
        if args.time and not (args.folder / "time.json").exists():
            times = [
                time_ratio(name, size, args.time, args.folder)
                for name, size in (("resnet34", 224), ("mobilenet_v2", 320), (plan.backbone, plan.size))
            ]
            save_json(times, args.folder / "time.json")
    done = [r for r in runs if r.file(args.folder, plan).exists()]
    if not done:
        print("ablate: no run is there yet", file=sys.stderr)
        return 1
    from lanescope.ablation_report import write

    write(args.folder, plan, done, args.report, suffix)
    return 0
