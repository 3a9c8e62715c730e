"""Simulate X-ray scans of bags in SIXray's layout, at any prevalence."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m lanescope simulate`."""
    parser.add_argument("--count", type=int, required=True, help="how many scans")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--prevalence", type=float, help="share of scans with a threat (default 0.001)")
    group.add_argument("--imbalance", type=float, help="negatives a positive, as in SIXray10 / 100 / 1000, instead of --prevalence")
    group.add_argument("--positives", type=int, help="exactly this many positives among --count, evenly spread, instead of --prevalence")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; must hold no scans yet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=500, help="longest side in pixels (default 500)")
    parser.add_argument("--library-seed", type=int, default=0, help="which objects exist: differ between training and test sets")
    parser.add_argument("--fresh", action="store_true", help="make every object anew (about 3 s a scan) instead of drawing from a library")
    parser.add_argument("--no-meshes", dest="meshes", action="store_false", help="drawn objects alone, none from meshes")
    parser.add_argument("--device", default="cpu", help="where detector and display are computed (default cpu)")
    parser.add_argument("--masks", action="store_true", help="also write pixel masks of the threats")
    parser.add_argument("--cache", type=Path, default=Path(".cache/simulator"), help="where built object libraries are kept")


def run(args: argparse.Namespace) -> int:
    """Write the scans; 0 done, 64 wrong use."""
    import numpy as np

    from lanescope.patch import CLASSES
    from lanescope.simulator.layout import write
    from lanescope.simulator.stream import Scan, draw_threats, objects, simulate

    prevalence = args.prevalence if args.prevalence is not None else 1 / (1 + args.imbalance) if args.imbalance is not None else 0.001
    if args.count < 1 or args.size < 64 or not 0 <= prevalence <= 1 or (args.positives or 0) > args.count or (args.positives or 0) < 0:
        print("simulate: --count at least 1, --size at least 64, --prevalence 0 ... 1, --positives at most --count", file=sys.stderr)
        return 64
    print("simulate: objects ...", file=sys.stderr)
    shelf = objects(args.size, args.library_seed, args.fresh, args.cache, meshes=args.meshes)
    weights = np.ones(len(CLASSES))
    began = time.monotonic()

    def scans() -> Iterator[Scan]:
        for i in range(args.count):
            if args.positives is None:
                threats = draw_threats(args.seed, i, prevalence, weights)
            else:
                due = (i + 1) * args.positives // args.count > i * args.positives // args.count
                threats = draw_threats(args.seed, i, 1.0, weights) if due else []
            yield simulate(args.seed, i, threats, args.size, shelf, device=args.device)
            if (i + 1) % 200 == 0 or i + 1 == args.count:
                rate = (i + 1) / max(time.monotonic() - began, 1e-9)
                print(f"\rsimulate: {i + 1}/{args.count}, {rate:.1f} scans/s ", end="", file=sys.stderr, flush=True)

    try:
        counts = write(scans(), args.out, masks=args.masks)
    except FileExistsError as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 64
    print(file=sys.stderr)
    print(", ".join(f"{key} {value}" for key, value in counts.items()))
    return 0
