"""Make the bundled demo replay (resources/demo) anew; the result is always the same."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m lanescope demo`."""
    default = Path(__file__).parents[3] / "resources" / "demo"
    parser.add_argument("--out", type=Path, default=default, help="folder to write (default: resources/demo)")
    parser.add_argument("--count", type=int, default=None, help="only the first so many bags")


def run(args: argparse.Namespace) -> int:
    """Write the scans; 0 done."""
    from lanescope.simulator import replay

    scans = replay.write(args.out, replay.COUNT if args.count is None else args.count)
    threats = [f"bag-{i + 1:04d} {label}" for i, made in enumerate(scans) for label, present in made.labels.items() if present]
    print(f"{len(scans)} scans in {args.out}; threats: {', '.join(threats) or 'none'}")
    return 0
